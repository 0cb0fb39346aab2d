"""A prompt as ComfyUI reads it -> pieces of text with weights, and how their tokens are cut.

    (word)  x 1.1      (word:1.3)  is 1.3, whatever is around it      \\( \\)  brackets

Square brackets, BREAK and all else are text.  A round bracket that is never closed is text up to
the end, with all that is in it; but where such a text ends in a bracket, the two are taken for a
pair.  What stands behind the last colon within a pair is its weight, if it is a number.  A weight
counts from what an empty prompt says at the same place: z = empty + (z - empty) x weight.

The invariant: every text is a prompt, and reading it costs no more than MAX_NESTED walks along it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

from generation.worker.text.emphasis import EMPHASIS, MAX_WEIGHT, Span

MAX_NESTED = 100  # brackets within brackets; further in they are text
READ = MAX_NESTED + 1  # how deep what needs no further reading is said to lie
WHOLE = 8  # tokens: a group of fewer is never cut in two

# Signs that no prompt has, in place of brackets that are text.
_OPEN, _CLOSE = "\ue000", "\ue001"

T = TypeVar("T")


def parse(text: str) -> list[Span]:
    """Text in ComfyUI's syntax -> spans with weights."""
    hidden = text.replace("\\)", _CLOSE).replace("\\(", _OPEN)
    spans: list[Span] = []
    # What is still to be read, the next on top: how deep it lies, its weight, the text.
    waiting = [(0, 1.0, hidden)]
    while waiting:
        depth, weight, rest = waiting.pop()
        if depth >= READ:
            spans.append(Span(rest, weight))
            continue
        pieces = [_weighed(piece, weight) for piece in _top_level(rest)]
        read = [(depth + 1 if inner else READ, w, piece) for inner, w, piece in pieces]
        waiting += reversed(read)
    for span in spans:
        shown = (span.text or "").replace(_OPEN, "(").replace(_CLOSE, ")")
        span.text = shown
        span.weight = max(-MAX_WEIGHT, min(MAX_WEIGHT, span.weight))
    return [span for span in spans if span.text] or [Span("", 1.0)]


def _top_level(text: str) -> list[str]:
    """The text cut before and behind each outermost pair of brackets."""
    pieces, begun, depth = [], 0, 0
    for at, letter in enumerate(text):
        if letter == "(":
            if depth == 0 and at > begun:
                pieces.append(text[begun:at])
                begun = at
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth == 0:
                pieces.append(text[begun : at + 1])
                begun = at + 1
    return [*pieces, text[begun:]] if begun < len(text) else pieces


def _weighed(piece: str, weight: float) -> tuple[bool, float, str]:
    """Whether a piece is a pair of brackets, the weight of what it holds, and that."""
    if len(piece) < 2 or piece[0] != "(" or piece[-1] != ")":
        return False, weight, piece
    inner = piece[1:-1]
    colon = inner.rfind(":")
    if colon > 0 and (said := _number(inner[colon + 1 :])) is not None:
        return True, said, inner[:colon]
    return True, weight * EMPHASIS, inner


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def cut(groups: Iterable[Sequence[T]], room: int) -> list[list[T]]:
    """Tokens in chunks of `room`: a small group goes whole into the next, a large one is cut."""
    chunks: list[list[T]] = [[]]
    for group in groups:
        large = len(group) >= WHOLE
        rest = list(group)
        while len(chunks[-1]) + len(rest) > room:
            free = room - len(chunks[-1])
            if large:
                chunks[-1] += rest[:free]
                rest = rest[free:]
            chunks.append([])
        chunks[-1] += rest
    return chunks
