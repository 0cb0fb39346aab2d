"""Judges details that somebody else wrote: do they agree with the wish, and with each other?

    wish "a fox, line art"   details ("bold contours", "bokeh", "night", "bright sun")
    ▶ "bokeh" is against the wish's medium; "bright sun" is against "night"

The invariant: a detail without a word of the table claims nothing and is let pass; of two that
quarrel the later one is named.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from prompting.reading.lexicon import fold
from prompting.scenery.deciding import settings
from prompting.scenery.gist import Gist
from prompting.scenery.grammar import TABLES

Claim = tuple[str, str]  # of which kind, and which


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A detail that does not fit."""

    detail: str
    why: str  # what it is against: a fact of the wish, or another detail


def violations(details: Sequence[str], facts: frozenset[str]) -> tuple[Violation, ...]:
    """The details that do not fit the facts of a wish, or those before them."""
    found: list[Violation] = []
    kept: dict[Claim, str] = {}
    for detail in details:
        claims = claimed(detail)
        why = _against(claims, facts) or _beside(claims, kept)
        if why:
            found.append(Violation(detail=detail, why=why))
        else:
            kept |= dict.fromkeys(claims, detail)
    return tuple(found)


def known(gist: Gist) -> frozenset[str]:
    """The facts of a wish, with what is true of the places that it names."""
    here = {fact for fact, places in settings().items() if places & set(gist.places)}
    if {"indoor", "outdoor"} <= here:  # a room in a city, a window on a street
        here -= {"indoor", "outdoor"}
    return gist.facts | here


def claimed(detail: str) -> frozenset[Claim]:
    """What a detail claims of the picture."""
    words = fold(detail)
    return frozenset(claim for claim, pattern in _table().words.items() if pattern.search(words))


def _against(claims: frozenset[Claim], facts: frozenset[str]) -> str:
    """A fact of the wish that one of the claims cannot stand beside."""
    for claim in sorted(claims):
        # A wish may state more than one hour or season; what it states itself is no violation.
        if claim[1] in facts:
            continue
        if bad := _table().against.get(claim, frozenset()) & facts:
            return min(bad)
    return ""


def _beside(claims: frozenset[Claim], kept: Mapping[Claim, str]) -> str:
    """An earlier detail that one of the claims quarrels with."""
    for kind, name in sorted(claims):
        for (other_kind, other), detail in kept.items():
            agree = frozenset((name, other)) in _table().together.get(kind, ())
            if kind == other_kind and name != other and not agree:
                return detail
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claims:
    words: Mapping[Claim, re.Pattern[str]]
    together: Mapping[str, frozenset[frozenset[str]]]
    against: Mapping[Claim, frozenset[str]]


@lru_cache(maxsize=1)
def _table() -> _Claims:
    tables = tomllib.loads((TABLES / "claims.toml").read_text("utf-8"))
    together, against = tables.pop("together"), tables.pop("against")
    words = {
        (kind, name): _pattern(forms)
        for kind, rows in tables.items()
        for name, forms in rows.items()
    }
    return _Claims(
        words=words,
        together={
            kind: frozenset(frozenset(pair.split()) for pair in pairs)
            for kind, pairs in together.items()
        },
        against={_claim(claim): frozenset(facts.split()) for claim, facts in against.items()},
    )


def _claim(text: str) -> Claim:
    kind, _, name = text.partition(" ")
    return kind, name


def _pattern(forms: str) -> re.Pattern[str]:
    return re.compile(
        "|".join(
            rf"\b{re.escape(form)}(?:s|es|ed|ly)?\b" if form.isascii() else re.escape(form)
            for form in forms.split("/")
        )
    )
