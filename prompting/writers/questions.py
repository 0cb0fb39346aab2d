"""What a language model can be asked, and the form in which each question is answered.

    SLOTS   a wish ─▶ its subject, details, style and what to avoid
    scene   a wish ─▶ the same with sentences in place of details, in the dialects of prose
    REPLY   a reply to a picture ─▶ what is meant: a kind, and words of the reply

A model that was not trained on our questions is told what to do and shown two examples
(`examples.toml`), then asked:

    system: instructions   user: a wish   assistant: its answer   user: ...   user: the wish

The invariant: an answer is one line of JSON in the question's grammar, bounded everywhere, so that
the longest one is known before its first token is drawn.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from prompting.errors import Unreadable
from prompting.slots import SCHEMA, schema
from prompting.speaking.dialects import DIALECTS
from prompting.writers import instructions, template
from prompting.writers.sent import object_in

VERSION = "q2"  # changes with what models are told: answers are cached and recorded by it
EXAMPLES = Path(__file__).with_name("examples.toml")

KINDS = (
    "edit", "rewrite", "restyle", "vary", "upscale", "outpaint", "inpaint", "parameters", "again",
    "reproduce", "info", "undo", "describe", "video", "sound", "form", "extend", "frame", "pick",
    "delete", "none", "ask",
)  # fmt: skip
ACTIONS = ("set", "add", "remove", "swap", "subtle", "strong", "")
LONGEST_SPAN = 120  # characters of words that are copied from a reply

Schema = Mapping[str, object]


class Canonical(Protocol):
    """An answer as servers send it, perhaps cut at a limit: as the grammar has it."""

    def __call__(self, raw: str, cut: bool = False) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedExample:
    """A wish and the answer that a good model gives, in canonical form."""

    wish: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One form of question."""

    name: str
    grammar: str  # GBNF
    schema: Schema  # the same for servers that take one
    shown: str  # its table in `examples.toml`; "": the dialect's
    longest: int  # tokens of an answer; a longer one is going round in circles
    enough: str  # stands in an answer that is of use though its end is missing; "": none is
    instructions: Callable[[str, str], str]  # by dialect and language, for untrained models
    canonical: Canonical


def question(dialect: str, language: str = "en") -> Question:
    """The question that is asked in a dialect: one of ours, or the name of one of prose."""
    if dialect == template.REPLY:
        return REPLY
    row = None if dialect in template.DIALECTS else DIALECTS.get(dialect)
    if row is None or not row.words:
        return SLOTS
    # Room for more than is wanted: what is too long is cut at a sentence.
    return _scene(2 * row.words[1] + 40 if language == "zh" else 7 * row.words[1] + 100)


@cache
def _scene(longest: int) -> Question:
    """The question for a scene of so many characters."""
    return Question(
        name=f"scene of {longest}",
        grammar=template.scene_grammar(longest),
        schema=schema(scene=longest),
        shown="scene",
        longest=500,
        enough='", "style": [',
        instructions=instructions.about_scenes,
        canonical=template.readable,
    )


@cache
def examples(dialect: str, language: str) -> tuple[WorkedExample, ...]:
    """What a model is shown before it is asked in that dialect."""
    tables = tomllib.loads(EXAMPLES.read_text(encoding="utf-8"))
    write = reply_answer if dialect == template.REPLY else template.answer
    rows = tables.get(question(dialect).shown or dialect, tables["prose"])
    return tuple(
        WorkedExample(wish=row["wish"], answer=write(**row.get(language, row["en"])))
        for row in rows
    )


def messages(dialect: str, language: str, wish: str) -> list[tuple[str, str]]:
    """The turns of a chat in which a model is asked: who speaks, and what is said."""
    told = question(dialect, language).instructions(dialect, language)
    shown = [
        turn
        for example in examples(dialect, language)
        for turn in (("user", example.wish), ("assistant", example.answer))
    ]
    return [("system", told), *shown, ("user", wish)]


def reply_answer(
    *, kind: str, action: str = "", what: str = "", into: str = "", where: str = ""
) -> str:
    """The canonical text of an answer about a reply."""
    said = {"kind": kind, "action": action, "what": what, "into": into, "where": where}
    return json.dumps(said, ensure_ascii=False)


def _reply(raw: str, cut: bool = False) -> str:
    """Raises Unreadable for what is no answer about a reply."""
    data = object_in(raw, "kind", cut=cut)
    said: dict[str, str] = {}
    for name in ("kind", "action", "what", "into", "where"):
        text = data.get(name) or ""
        if not isinstance(text, str) or len(text) > LONGEST_SPAN:
            raise Unreadable("answer", "no text, or too long", raw)
        said[name] = text
    if said["kind"] not in KINDS or said["action"] not in ACTIONS:
        raise Unreadable("answer", "not one of the kinds", raw)
    return reply_answer(**said)


_SPAN = rf'"\"" (first ch{{0,{LONGEST_SPAN - 1}}})? "\""'
_CHOICE = {
    name: " | ".join(f'"{word}"' if word else '""' for word in words)
    for name, words in (("kind", KINDS), ("action", ACTIONS))
}
_CHARACTERS = template.GRAMMAR[template.GRAMMAR.index("first   ::=") :]

SLOTS = Question(
    name="slots",
    grammar=template.GRAMMAR,
    schema=SCHEMA,
    shown="",
    longest=400,
    enough='", "details": [',
    instructions=instructions.about_wishes,
    canonical=template.readable,
)
REPLY = Question(
    name="reply",
    grammar=rf"""
root   ::= "{{\"kind\": \"" kind "\", \"action\": \"" action "\", \"what\": " span rest
rest   ::= ", \"into\": " span ", \"where\": " span "}}"
kind   ::= {_CHOICE["kind"]}
action ::= ({_CHOICE["action"].removesuffix(' | ""')})?
span   ::= {_SPAN}
{_CHARACTERS}""",
    schema={
        "type": "object",
        "additionalProperties": False,
        "required": ["kind", "action", "what", "into", "where"],
        "properties": {
            "kind": {"type": "string", "enum": list(KINDS)},
            "action": {"type": "string", "enum": list(ACTIONS)},
            **{name: {"type": "string"} for name in ("what", "into", "where")},
        },
    },
    shown="reply",
    longest=160,
    enough="",
    instructions=instructions.about_replies,
    canonical=_reply,
)
