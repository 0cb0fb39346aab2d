"""Divides a text without spaces, Chinese or Japanese, into words.

    一只红色的猫  ▶  一只 · 红色 · 的 · 猫          花木兰骑马  ▶  花木兰 (a name) · 骑 · 马

The invariant: the pieces put together are the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

# A single character of these kinds keeps its meaning beside a name; others are part of it.
_INDEPENDENT = frozenset({"action", "number", "quality"})


def divide(
    text: str, kinds: Mapping[str, str], function: Set[str], longest: int
) -> list[tuple[int, int]]:
    """Where the words begin and end: the longest known ones, and what lies between.

    `kinds` are the known words with their kinds, `longest` the characters of the longest one.
    """
    spans: list[tuple[int, int, bool]] = []  # from, to, known
    at = 0
    while at < len(text):
        size = next(
            (
                size
                for size in range(min(longest, len(text) - at), 0, -1)
                if text[at : at + size] in kinds or text[at : at + size] in function
            ),
            0,
        )
        if size:
            spans.append((at, at + size, True))
        elif spans and not spans[-1][2]:
            spans[-1] = (spans[-1][0], at + 1, False)
        else:
            spans.append((at, at + 1, False))
        at += size or 1
    return _merged(text, spans, kinds)


def _merged(
    text: str, spans: list[tuple[int, int, bool]], kinds: Mapping[str, str]
) -> list[tuple[int, int]]:
    """A single character that touches an unknown run is part of a name: the 花 of 花木兰."""

    def swallowed(at: int) -> bool:
        begin, end, known = spans[at]
        kind = kinds.get(text[begin:end])
        if not known or end - begin > 1 or kind is None or kind in _INDEPENDENT:
            return False
        return any(not spans[i][2] for i in (at - 1, at + 1) if 0 <= i < len(spans))

    out: list[tuple[int, int]] = []
    loose = False  # whether the last span is part of a name
    for at, (begin, end, known) in enumerate(spans):
        name = not known or swallowed(at)
        if name and loose:
            out[-1] = (out[-1][0], end)
        else:
            out.append((begin, end))
        loose = name
    return out
