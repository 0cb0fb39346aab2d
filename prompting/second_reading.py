"""A language model reads a reply that the rules have doubts about.

    reply ─hidden─▶ writer ─▶ {"kind", "action", "what", "into", "where"} ─shown─▶ Understood | None

The invariant: no word of an intent is the model's own.  Words that the reply does not say are an
answer that is not taken, and so is one that comes too late: the caller goes by the rules then.
"""

from __future__ import annotations

import json

from prompting.changing.aspects import aspect_of, content, kind_of
from prompting.changing.intents import (
    Action,
    Aspect,
    ContentChange,
    Intent,
    IntentKind,
    Understood,
)
from prompting.errors import PromptingError, Unreadable
from prompting.hiding import Hidden, hide
from prompting.reading.lexicon import built_in, fold
from prompting.writers.template import LANGUAGES, REPLY
from prompting.writers.writer import Ask, Writer

DEADLINE = 2.0  # seconds that a reply waits for another reading of it
LONGEST = 300  # characters of a reply that is read again; a longer one is a description, or talk
_SEED = 1  # the likeliest answer is asked for, so that any seed would do

# What needs no more than its kind.  Numbers, directions and what cannot be taken back are read by
# rules or not at all.
_ALONE = frozenset(
    {
        *(IntentKind.AGAIN, IntentKind.REPRODUCE, IntentKind.INFO, IntentKind.UNDO),
        *(IntentKind.DESCRIBE, IntentKind.VIDEO, IntentKind.SOUND, IntentKind.FORM),
        IntentKind.NONE,
    }
)


async def read_again(
    reply: str, language: str, writer: Writer, *, deadline: float = DEADLINE
) -> Understood | None:
    """What the model says a reply means; None where it is of no use."""
    if len(reply) > LONGEST:
        return None
    spoken = language if language in LANGUAGES else "en"
    hidden = _hidden(reply, language, spoken, writer.placeholders)
    ask = Ask(
        text=hidden.text if hidden else reply,
        dialect=REPLY,
        seed=_SEED,
        temperature=0.0,
        deadline=deadline,
        language=spoken,
    )
    try:
        answer = await writer.write(ask)
        intent = _intent(json.loads(answer.raw), reply, language, hidden)
    except (PromptingError, ValueError, KeyError):
        return None
    return Understood(intents=(intent,), sure=False, by=writer.name, language=language)


def _hidden(reply: str, language: str, spoken: str, placeholders: int) -> Hidden | None:
    """The reply as a small model reads it: with signs for words that it cannot spell."""
    if not placeholders:
        return None
    return hide(reply, built_in(), spoken=language, language=spoken, most=placeholders)


def _intent(answer: dict[str, str], reply: str, language: str, hidden: Hidden | None) -> Intent:
    """The intent of an answer.  Raises Unreadable where its words are not the reply's."""
    kind = IntentKind(answer["kind"])
    what, into, where = (_said(answer[name], reply, hidden) for name in ("what", "into", "where"))
    if kind in (IntentKind.EDIT, IntentKind.INPAINT):
        if hidden is not None:
            _check_known(what, into, language)
        return _edit(kind, Action(answer["action"]), (what, into, where), language)
    if kind is IntentKind.RESTYLE and into:
        return Intent(kind=kind, style=into)
    # The small model was taught descriptions, and takes what it does not know for one.
    if kind is IntentKind.REWRITE and hidden is None:
        return Intent(kind=kind, prompt=reply)
    if kind is IntentKind.VARY:
        return Intent(kind=kind, strength=answer["action"] or None)
    if kind is IntentKind.ASK:
        return Intent(kind=kind, question="what")
    if kind not in _ALONE:
        raise Unreadable("answer", f"{kind} needs more than a kind", str(answer))
    return Intent(kind=kind)


def _edit(kind: IntentKind, action: Action, spans: tuple[str, str, str], language: str) -> Intent:
    what, into, where = spans
    if not (what if action is Action.REMOVE else into):
        raise Unreadable("answer", f"{action} of nothing", f"{what} {into}")
    change = ContentChange(
        action=action,
        aspect=aspect_of(into or what, language) or Aspect.OBJECT,
        what=what,
        into=into,
        where=where,
        language=language,
    )
    region = what if kind is IntentKind.INPAINT else ""
    return Intent(kind=kind, changes=(change,), region=region)


def _check_known(what: str, into: str, language: str) -> None:
    """Raise Unreadable where no word of it is known: a small model may take thanks for things."""
    if not any(kind_of(word) for word in content(f"{what} {into}", language)):
        raise Unreadable("answer", "words that are not known", f"{what} {into}")


def _said(span: str, reply: str, hidden: Hidden | None) -> str:
    """The words of an answer, if the reply says them.  Raises Unreadable."""
    words = hidden.show(span) if hidden else span.strip()
    source = f"{reply} {' '.join(hidden.words)}" if hidden else reply
    if fold(words) not in fold(source):
        raise Unreadable("answer", "words that nobody said", words)
    return words
