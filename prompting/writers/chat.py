"""Puts a wish into the turns of any chat model, by the model's own template.

The invariant: the template never sees the wish.  It is rendered around a mark that stands for it,
so the parts before and after hold only what we and the template's author wrote.

A template is a program in Jinja that came with the weights; it runs in Jinja's sandbox.  What
cannot be used is refused when the model is opened, and not at the first wish.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from jinja2 import TemplateError, UndefinedError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from prompting.errors import Unreadable
from prompting.writers.openings import Bridges, opening
from prompting.writers.questions import messages
from prompting.writers.template import Turns

_MARK, _ANSWER, _THOUGHT = (f"{word}-0f4c1d7e-{word}" for word in ("WISH", "ANSWER", "THOUGHT"))
_MOST_UNKNOWN = 8  # names that a template wants and nobody gave it

Said = Sequence[tuple[str, str]]

# What a template may fail with: it is a stranger's program.
_BROKEN = (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class ChatTemplate:
    """A model's own chat template.  Raises Unreadable when it cannot be used."""

    def __init__(self, source: str, *, bos: str = "", eos: str = "") -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _Generation]
        )
        environment.filters["tojson"] = _json  # with non-ASCII letters as they are, and options
        try:
            self._template = environment.from_string(source)
        except TemplateError as error:
            raise Unreadable("chat template", f"no Jinja: {error}", source) from error
        self._source, self._in_parts = source, False
        self._known: dict[tuple[str, str], tuple[str, str]] = {}
        self._names: Mapping[str, object] = {
            "bos_token": bos,
            "eos_token": eos,
            "raise_exception": _refuse,
            "strftime_now": lambda _form: "",  # the date is no part of a wish, nor of its cache
            **_quiet(source),
        }
        self.turns("", dialect="tags", language="en")

    def turns(self, wish: str, *, dialect: str, language: str) -> Turns:
        """What the model is told and shown, and the user's turn with the wish."""
        if (dialect, language) not in self._known:
            self._known[dialect, language] = self._around(dialect, language)
        head, tail = self._known[dialect, language]
        return Turns(head=head, wish=wish, tail=tail)

    def _around(self, dialect: str, language: str) -> tuple[str, str]:
        """What stands before the wish, and between it and the answer."""
        reason = ""
        for said, self._in_parts in product(_ways(dialect, language), (False, True)):
            try:
                text = self._written(said, add_generation_prompt=True)
            except _BROKEN as error:
                reason = str(error)
                continue
            head, mark, tail = text.partition(_MARK)
            told = [content.partition(_MARK)[0].strip() for _, content in said]
            if mark and _MARK not in tail and all(part in head for part in told):
                return head, opening(self._shown(said, tail))
            reason = "it does not show what was said"
        raise Unreadable("chat template", reason)

    def _shown(self, said: Said, prompt: str) -> Bridges:
        """What the template writes before an answer that was given, thought about or not."""
        after = self._end([*said, ("assistant", _ANSWER)])
        answer = after.partition(_ANSWER)[0] if after and _ANSWER in after else None
        thought = self._end([*said, ("assistant", _ANSWER)], _THOUGHT)
        between = re.search(f"{_THOUGHT}(.*?){_ANSWER}", thought or "", re.DOTALL)
        return Bridges(
            prompt=prompt,
            answer=answer,
            ending=between[1] if between else None,
            source=self._source,
        )

    def _end(self, said: Said, thought: str = "") -> str | None:
        """The text behind the wish; None where the template refuses such turns."""
        try:
            text = self._written(said, thought=thought, add_generation_prompt=False)
        except _BROKEN:
            return None
        return text.partition(_MARK)[2]

    def _written(self, said: Said, *, thought: str = "", add_generation_prompt: bool) -> str:
        turns: list[dict[str, object]] = [
            # Models that see want a list of what is said and shown.
            {"role": role, "content": [{"type": "text", "text": text}] if self._in_parts else text}
            for role, text in said
        ]
        if thought:
            turns[-1] |= dict.fromkeys(("reasoning_content", "reasoning", "thinking"), thought)
        names = dict(self._names)
        names |= {"messages": turns, "add_generation_prompt": add_generation_prompt}
        try:
            return self._rendered(names | {"tools": None})
        except TypeError:  # some templates go through the tools in any case
            return self._rendered(names | {"tools": []})

    def _rendered(self, names: dict[str, object]) -> str:
        """What the template writes; a name that it wants and nobody knows says nothing."""
        for _ in range(_MOST_UNKNOWN):
            try:
                return self._template.render(**names)
            except UndefinedError as error:
                wanted = re.fullmatch(r"'(\w+)' is undefined", str(error))
                if wanted is None or wanted[1] in names:
                    raise
                names[wanted[1]] = ""
        raise UndefinedError("it wants too many names that nobody knows")


def _ways(dialect: str, language: str) -> Iterator[Said]:
    """The same said in turns that more and more templates show: some know no system, some no past.

    The user's last turn holds the mark of the wish.
    """
    said = messages(dialect, language, _MARK)
    yield said
    (_, told), *shown, _ = said
    pairs = zip(shown[::2], shown[1::2], strict=True)
    written = "\n\n".join(f"Wish:\n{wish}\nReply:\n{answer}" for (_, wish), (_, answer) in pairs)
    yield [("system", f"{told}\n\n{written}"), ("user", _MARK)]
    yield [("user", f"{told}\n\n{written}\n\nWish:\n{_MARK}\nReply:")]


def _quiet(source: str) -> dict[str, object]:
    """The names by which templates are told not to think, or to think little."""
    efforts = ("no_think", "none", "minimal", "low")
    named = (word for word in efforts if re.search(rf"[\"']{word}[\"']", source))
    return {
        "enable_thinking": False,
        "thinking": False,
        "thinking_mode": "disabled",
        "thinking_budget": 0,
        "thinking_effort": "low",
        "reasoning_strength": "low",
        "reasoning_effort": next(named, "low"),
    }


def _refuse(reason: str) -> None:
    raise TemplateError(reason)


def _json(value: object, ensure_ascii: bool = False, **options: Any) -> str:
    """`tojson` as chat templates mean it: no letters escaped for HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, **options)


class _Generation(Extension):
    """`{% generation %}` marks what a model is trained on; here its body is just written."""

    tags = {"generation"}  # noqa: RUF012  # the type that Jinja says

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)
