"""The wishes of a reply: "make it night and less steps, pls" are two.

A text is always divided at what only stands between wishes ("then", "but", a full stop); at
"and" and a comma only where another wish begins behind them: "red and blue" is one.  The
invariant: the parts put together are the text, but for what divides them and what is polite.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from prompting.changing import asked
from prompting.changing.clause import Clause
from prompting.changing.phrasebook import Found
from prompting.changing.reply import LONGEST
from prompting.changing.wishes import HANDLERS

_MOST = 24  # wishes of one reply


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidWish:
    """One wish of a text."""

    text: str
    question: bool  # whether it is one, and not only a polite wish
    whole: bool = False  # two halves of one wish


def parts(clause: Clause) -> tuple[SaidWish, ...]:
    """The wishes of a text, in order."""
    out: list[SaidWish] = []
    for strong in _strongly(clause):
        question = strong.rstrip(" !.)").endswith(("?", "？"))
        plain = strong.strip(" ?？!！.。,，;；~…¡¿")
        wish = clause.book.without_politeness(plain) if plain else ""
        if not wish:
            continue
        # A question that only asks politely is none: "could you make it night?"
        question = question and wish == plain
        pieces = list(_weakly(replace(clause, text=wish, continuing=bool(out))))
        out += [SaidWish(text=piece, question=question) for piece in pieces]
    return tuple(out[:_MOST])


def _strongly(clause: Clause) -> Iterator[str]:
    at = 0
    for found in clause.book.strong.finditer(clause.text):
        end = found.start() + (1 if found[0][:1] in "?？" else 0)
        yield clause.text[at:end]
        at = found.end()
    yield clause.text[at:]


def _weakly(clause: Clause) -> Iterator[str]:
    text = clause.text
    if len(text) > LONGEST:
        yield text
        return
    for found in clause.book.weak.finditer(text):
        left, right = text[: found.start()].strip(), text[found.end() :].strip()
        right = clause.book.without_politeness(right) if right else ""
        if left and right and _opens(right, clause):
            yield left
            yield from _weakly(replace(clause, text=right, continuing=True))
            return
    for found in clause.book.before_setting.finditer(text):
        left, right = text[: found.start()].strip(), text[found.end() :].strip()
        named = left.casefold() in clause.book.tables["settings"]  # "cfg 调低一点" is one
        if left and right and not named and _is_setting(right, clause):
            yield left
            yield right
            return
    yield text


def _opens(text: str, clause: Clause) -> bool:
    """Whether a wish of its own begins here."""
    inner = replace(clause, text=text, continuing=True)
    first = next(_meant(inner), None)
    if first is not None:
        return True
    # What goes on after a comma: "..., night", and not the second half of a listing.
    return any(
        left and _opens_shortly(left, clause)
        for found in clause.book.weak.finditer(text)
        for left in (text[: found.start()].strip(),)
    )


def _opens_shortly(text: str, clause: Clause) -> bool:
    return next(_meant(replace(clause, text=text, continuing=True)), None) is not None


def _meant(clause: Clause) -> Iterator[Found]:
    for found in clause.book.find(clause.text, of=clause.shown.medium, opening=True):
        if HANDLERS[found.rule.does](found, clause):
            yield found


def _is_setting(text: str, clause: Clause) -> bool:
    return any(
        found.rule.does in asked.SETTINGS and HANDLERS[found.rule.does](found, clause)
        for found in clause.book.find(text, of=clause.shown.medium)
    )
