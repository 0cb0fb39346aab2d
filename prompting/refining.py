"""A further wish about words that were found already: "warmer, no dog".

    words found for a wish ─further wish understood─▶ the wish with the change in it
                            their additions ────────▶ those that still go with it

The invariant: all words of the wish that the further one does not speak of stay, and so do the
additions that agree with it.  No writer is asked, so the same words come of the same further wish.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from prompting.changes import understand
from prompting.changing.aspects import adjective_of
from prompting.changing.intents import (
    Action,
    Aspect,
    ContentChange,
    Intent,
    IntentKind,
    ShownPicture,
)
from prompting.changing.rewording import reworded
from prompting.changing.styling import library_style
from prompting.filling import composed
from prompting.reading.lexicon import Lexicon
from prompting.reading.prose import divided, together
from prompting.repair import Repairer, SlotVerdict
from prompting.slots import Slots
from prompting.speaking.added import additions_of
from prompting.speaking.order import Order
from prompting.speaking.plain import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
    """The wish with a further one in it."""

    wish: str
    negative: str  # the person's own, with what is to go
    style: str | None = None  # as the library names it or as it was said; None: nobody asked


def refined(wish: str, negative: str, further: str) -> Refined | None:
    """The wish as the further one changes it; None where that changes no picture."""
    intents = understand(further, ShownPicture(prompt=wish, negative=negative)).intents
    style = next((intent.style for intent in intents if intent.style), None)
    if told := _described(intents):
        return Refined(wish=f"{wish.rstrip(' .,，。')}, {told}", negative=negative, style=style)
    changes = [_plain(change) for intent in intents for change in intent.changes]
    if not changes and style is None:
        return None
    new = reworded(wish, negative, changes, style)
    known = style if style and library_style(style, "en") else None  # others are in the words
    return Refined(wish=new.prompt, negative=new.negative, style=known)


def unsaid(before: str, new: Refined, lexicon: Lexicon) -> Refined:
    """For a model without a negative prompt: what went out of the words `before` is said no more.

    What was never in them has still to be turned into something positive.
    """
    there = {word.key for word in lexicon.read(before) if word.content}
    parts = [part.strip() for part in new.negative.split(",") if part.strip()]
    kept = [
        part
        for part in parts
        if not {word.key for word in lexicon.read(part) if word.content} <= there
    ]
    return replace(new, negative=", ".join(kept))


def refitted(order: Order, before: Order, slots: Slots, seed: int) -> SlotVerdict:
    """The slots of the wish before as they are spoken for the order of the new one.

    A scene of our own is composed again, with the dice as they fell, so that what the further wish
    does not touch is the same.  Of a writer's, additions that name what is to go, or are against
    the new wish, go.
    """
    judge = Repairer(order, closed=True)
    kept = _composed_again(order, before, slots, seed) or _fitting(order, slots)
    subject = plain(order.wish, order.lexicon) or slots.subject
    return judge.repair(judge.judge(replace(kept, subject=subject)))


def _composed_again(order: Order, before: Order, slots: Slots, seed: int) -> Slots | None:
    """The slots with a scene for the new wish; None where theirs is not our own."""
    was = composed(before.wish, before, seed)
    theirs = additions_of(slots)
    if not theirs or not {*theirs} <= {*was.details, *divided(was.scene)[0]}:
        return None
    again = composed(order.wish, order, seed)
    if order.dialect.words:
        return replace(slots, details=(), scene=again.scene)
    return replace(slots, details=again.details)


def _fitting(order: Order, slots: Slots) -> Slots:
    """The slots without additions that name what is to go."""
    gone = {word.key for word in order.lexicon.read(order.negative) if word.content}

    def stays(phrase: str) -> bool:
        return not any(word.key in gone for word in order.lexicon.read(phrase) if word.content)

    scene = filter(stays, divided(slots.scene)[0])
    return replace(
        slots, details=tuple(filter(stays, slots.details)), scene=together(tuple(scene), "en")
    )


def _described(intents: Sequence[Intent]) -> str:
    """A description: whoever has a further wish does not begin another picture."""
    return next((i.prompt for i in intents if i.kind is IntentKind.REWRITE and i.prompt), "")


def _plain(change: ContentChange) -> ContentChange:
    """A comparison as what it leads to: there is no picture yet that this one is warmer than."""
    if change.action is not Action.SET or change.what:
        return change
    if change.aspect is Aspect.FRAMING:
        return replace(change, into=_FRAMED.get(change.into.casefold(), change.into))
    if not (into := adjective_of(change.into)):
        return change
    lit = change.aspect is Aspect.LIGHT and into not in _SAY_ENOUGH
    return replace(change, into=f"{into} light" if lit else into, language="en")


_FRAMED = {"closer": "close-up", "near": "close-up", "further away": "wide shot"}
_SAY_ENOUGH = ("dark", "bright")
