"""A prompt in A1111's syntax -> pieces of text with weights.

    (word)  x 1.1      (word:1.3)  x 1.3      [word]  / 1.1      \\( a bracket      BREAK  new chunk

Round and square brackets close apart from each other, so they may cross: "([a)b]".  `parse_first`
is the first version of this reading ("a1111" in recipes): there a closing bracket closed what was
opened inside it, too.  Invariant: every text is a prompt.  What makes no sense as syntax is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

EMPHASIS = 1.1
MAX_WEIGHT = 100.0  # of a span; nested brackets without end would leave all numbers behind

_BRACKETS: dict[str, tuple[str, float]] = {")": ("(", EMPHASIS), "]": ("[", 1 / EMPHASIS)}

_TOKEN = re.compile(
    r"""
      \\(?P<escaped>[()\[\]\\]?)           # a backslash before anything else is dropped
    | (?P<open>[(\[])
    | :\s*(?P<weight>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))\s*\)
    | (?P<close>[)\]])
    | (?P<text>[^\\()\[\]:]+|:)
    """,
    re.VERBOSE,
)
_BREAK = re.compile(r"\s*\bBREAK\b\s*")


@dataclass(slots=True)
class Span:
    """Text of one weight; `text` None is a BREAK."""

    text: str | None
    weight: float


def parse(text: str) -> list[Span]:
    """Text in A1111's syntax -> spans with weights.

    Brackets that are never closed count as closed at the end; those never opened are text.  A BREAK
    inside brackets is one, too.
    """
    spans: list[Span] = []
    open_: dict[str, list[int]] = {"(": [], "[": []}  # where the spans behind each one begin
    for token in _TOKEN.finditer(text):
        kind, piece = token.lastgroup or "", token[token.lastgroup or 0]
        if kind == "open":
            open_[piece].append(len(spans))
        elif kind == "weight" and open_["("]:
            _scale(spans, open_["("].pop(), float(piece))
        elif kind == "close" and open_[_BRACKETS[piece][0]]:
            bracket, factor = _BRACKETS[piece]
            _scale(spans, open_[bracket].pop(), factor)
        elif kind == "text":
            for number, part in enumerate(_BREAK.split(piece)):
                spans += [Span(None, 1.0)] if number else []
                spans.append(Span(part, 1.0))
        else:
            spans.append(Span(piece if kind != "weight" else token[0], 1.0))
    for bracket, factor in _BRACKETS.values():
        for start in open_[bracket]:
            _scale(spans, start, factor)
    return _merged(spans)


def _scale(spans: list[Span], start: int, factor: float) -> None:
    for span in spans[start:]:
        if span.text is not None:
            span.weight *= factor


def _merged(spans: list[Span]) -> list[Span]:
    """Neighbours of one weight as one text, since a word may go over the edge of a span."""
    merged: list[Span] = []
    for span in spans:
        last = merged[-1] if merged else None
        if last and last.text is not None and span.text is not None and last.weight == span.weight:
            last.text += span.text
        else:
            merged.append(span)
    for span in merged:
        span.weight = max(-MAX_WEIGHT, min(MAX_WEIGHT, span.weight))
    return merged or [Span("", 1.0)]


def parse_first(text: str) -> list[Span]:
    """The same as it was read at first, for the recipes that say so."""
    scanner = _Scanner()
    for kind, piece in _pieces(text):
        scanner.take(kind, piece)
    return scanner.finished()


_Kind = Literal["text", "open", "close", "weight", "break"]


def _pieces(text: str) -> Iterator[tuple[_Kind, str]]:
    """Cut the text at everything that may have a meaning."""
    at = 0
    while at < len(text):
        letter = text[at]
        if letter == "\\" and at + 1 < len(text):
            yield "text", text[at + 1]
            at += 2
        elif letter in "([":
            yield "open", letter
            at += 1
        elif letter in _BRACKETS:
            yield "close", letter
            at += 1
        elif letter == ":" and (end := _weight_end(text, at)):
            yield "weight", text[at:end]
            at = end
        elif text.startswith("BREAK", at) and _stands_alone(text, at, at + 5):
            yield "break", ""
            at += 5
        else:
            yield "text", letter
            at += 1


def _weight_end(text: str, colon: int) -> int:
    """Where ":1.3)" ends, bracket included; 0 when it is none."""
    end = colon + 1
    while end < len(text) and text[end] in " +-.0123456789":
        end += 1
    if end == len(text) or text[end] != ")" or _number(text[colon + 1 : end]) is None:
        return 0
    return end + 1


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) <= MAX_WEIGHT else None


def _stands_alone(text: str, start: int, end: int) -> bool:
    return not text[start - 1 : start].isalnum() and not text[end : end + 1].isalnum()


class _Scanner:
    """Open brackets remember where their spans begin; closing one scales those."""

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self._open: list[tuple[str, int]] = []
        self._text = ""

    def take(self, kind: _Kind, piece: str) -> None:
        if kind == "open":
            self._flush()
            self._open.append((piece, len(self._spans)))
        elif kind == "close" and self._is_open(_BRACKETS[piece][0]):
            self._close(*_BRACKETS[piece])
        elif kind == "weight" and self._is_open("("):
            self._close("(", float(piece[1:-1]))
        elif kind == "break":
            self._text = self._text.rstrip()
            self._flush()
            self._spans.append(Span(None, 1.0))
        else:
            self._text += piece

    def finished(self) -> list[Span]:
        self._flush()
        while self._open:
            bracket, _ = self._open[-1]
            self._close(bracket, EMPHASIS if bracket == "(" else 1 / EMPHASIS)
        merged: list[Span] = []
        for span in self._spans:
            last = merged[-1] if merged else None
            if last and last.text is not None and span.text and last.weight == span.weight:
                last.text += span.text
            else:
                merged.append(span)
        return merged or [Span("", 1.0)]

    def _is_open(self, bracket: str) -> bool:
        return any(kind == bracket for kind, _ in self._open)

    def _close(self, bracket: str, factor: float) -> None:
        self._flush()
        while self._open:
            kind, start = self._open.pop()
            usual = EMPHASIS if kind == "(" else 1 / EMPHASIS
            for span in self._spans[start:]:
                span.weight *= factor if kind == bracket else usual
            if kind == bracket:
                return

    def _flush(self) -> None:
        if self._text:
            self._spans.append(Span(self._text, 1.0))
            self._text = ""
