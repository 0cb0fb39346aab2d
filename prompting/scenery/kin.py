"""What goes together, so that a thing that a wish denies comes by no other name.

    no leaves, a leafless tree, 光秃的树  ▶  leaf, foliage, canopy, 枝叶

The invariant: a quality that denies a thing denies its kin as much as a denial does.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache

from prompting.reading.lexicon import fold
from prompting.scenery.grammar import TABLES

__all__ = ["kin", "lacked"]

_LESS = re.compile(r"\b[a-z]{3,}less\b")
# Not what is left of these is lacking: they are words of their own.
_NAMED_SO = frozenset({"time", "end", "rest", "reck", "care", "home", "ruth", "relent", "price"})


def kin(words: Set[str]) -> frozenset[str]:
    """All that goes with any of these words."""
    return frozenset[str]().union(*(own.words for own in _kin() if words & own.words))


def lacked(text: str) -> frozenset[str]:
    """What a quality says that is not there, with its kin: no fur of a hairless cat."""
    gone = {word.removesuffix("less") for word in _LESS.findall(fold(text))}
    gone -= _NAMED_SO
    own = [it.words for it in _kin() if gone & it.words or it.lacking.search(fold(text))]
    return frozenset(gone).union(*own)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kin:
    """What nothing brings where one of them is denied, and the qualities that deny it."""

    words: frozenset[str]
    lacking: re.Pattern[str]


@lru_cache(maxsize=1)
def _kin() -> tuple[_Kin, ...]:
    return tuple(
        _Kin(
            words=frozenset(row["words"].split("/")),
            lacking=re.compile(
                "|".join(
                    rf"\b{re.escape(form)}\b" if form.isascii() else re.escape(form)
                    for form in row["lacking"].split("/")
                )
                or r"(?!)"
            ),
        )
        for row in tomllib.loads((TABLES / "kin.toml").read_text("utf-8")).values()
    )
