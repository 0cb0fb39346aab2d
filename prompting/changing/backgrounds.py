"""What a reply asks for behind what is there: another background, or none.

The invariant: an hour or a weather is no background, and what stands in front stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prompting.changing.aspects import aspect_of, content, is_attribute, kind_of
from prompting.changing.becoming import LEADING, turned
from prompting.changing.clause import Clause, Intents
from prompting.changing.intents import Action, Aspect
from prompting.changing.phrasebook import Found
from prompting.changing.vocabulary import UNSPACED
from prompting.changing.wearing import exchanged, is_somebody, is_worn

_GROUNDS = ("place", "nature")
_TOWARDS = {"to": "in", "into": "in", "onto": "on"}


def background(found: Found, clause: Clause) -> Intents | None:
    into = clause.phrase(found["into"])
    if not into or clause.book.it.fullmatch(into):
        return None
    grounds = [kind_of(word) in _GROUNDS for word in content(into, clause.language)]
    if found["at"] and grounds[-1:] != [True]:
        return None
    if clause.language in UNSPACED:
        if is_worn(into, clause.language):
            return exchanged(clause, "", into)
        if is_somebody(into, clause.language) and "背景" not in clause.text:
            return None
        if is_attribute(into, clause.language) and not into.endswith("背景"):
            into = f"{into}背景"
    first, _, rest = into.partition(" ")
    if first.casefold() in _TOWARDS and rest:
        into = f"{_TOWARDS[first.casefold()]} {rest}"
    if aspect_of(into, clause.language) in (Aspect.LIGHT, Aspect.WEATHER):
        return turned(clause, clause.thing(rest) or into)  # an hour is no place
    if clause.book.spaced and is_attribute(into, clause.language) and first not in LEADING:
        into = f"{into} background"
    return clause.edit(Action.SET, Aspect.BACKGROUND, into=into)


def backdrop(found: Found, clause: Clause) -> Intents | None:
    """Something behind what is there, which stays."""
    into, where = clause.phrase(found["into"]), clause.phrase(found["where"])
    if not content(into, clause.language):
        return None
    return clause.edit(Action.ADD, Aspect.OBJECT, into=into, where=where)


def removebackground(found: Found, clause: Clause) -> Intents | None:  # noqa: ARG001
    return clause.edit(Action.REMOVE, Aspect.BACKGROUND, what="background")


HANDLERS: Mapping[str, Callable[[Found, Clause], Intents | None]] = {
    "background": background,
    "removebackground": removebackground,
    "backdrop": backdrop,
}
