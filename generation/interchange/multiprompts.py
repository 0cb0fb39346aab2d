"""Midjourney's multi-prompts: "space::2 ship::1 fog::-0.5", parts that weigh more and less.

There the weights count relative to one another, and a part of negative weight must not be seen.
Here they become A1111's weights around 1, and words of the negative prompt:

    (space:1.33), (ship:0.67)      negative: fog

Pure.  The invariant: two colons inside of brackets, or within a word, are something else, and
words that hold no others stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST = 20  # parts

# Behind it the part is over; a number is its weight.
_END = re.compile(r"(?<=\S)(?<!:)::(-?(?:\d{1,4}(?:\.\d{1,4})?|\.\d{1,4}))?(?=[\s,]|$)")
_OPENING, _CLOSING = "([{<", ")]}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiPrompt:
    """Words with A1111's weights, and those that must not be seen."""

    text: str
    negative: str = ""


def weighed(text: str) -> MultiPrompt | None:
    """What the parts of a multi-prompt come to; None where it is none."""
    parts = _parts(text)
    seen = [(words, weight) for words, weight in parts if weight > 0]
    if not parts:
        return None
    mean = sum(weight for _, weight in seen) / len(seen) if seen else 1.0
    return MultiPrompt(
        text=", ".join(_weighted(words, weight / mean) for words, weight in seen),
        negative=", ".join(words for words, weight in parts if weight < 0),
    )


def _parts(text: str) -> list[tuple[str, float]]:
    """Each part and its weight; none where nothing ends one."""
    found: list[tuple[str, float]] = []
    at = 0
    for end in _END.finditer(text):
        if len(found) < MOST and _outside(text, end.start()):
            found.append((text[at : end.start()], float(end[1]) if end[1] else 1.0))
            at = end.end()
    if not found:
        return []
    found.append((text[at:], 1.0))
    return [(words.strip(" \t\n,"), weight) for words, weight in found if words.strip(" \t\n,")]


def _outside(text: str, place: int) -> bool:
    """Whether no bracket is open there."""
    before = text[:place]
    opened = sum(before.count(bracket) for bracket in _OPENING)
    return opened <= sum(before.count(bracket) for bracket in _CLOSING)


def _weighted(words: str, weight: float) -> str:
    return words if f"{weight:.2g}" == "1" else f"({words}:{weight:.3g})"
