"""Draws an answer from a model, one token after the other, under a grammar.

    engine.feed(tokens) ──▶ logits ──▶ rank ──▶ the first candidate that the grammar takes ──▶ feed

Everything that decides is here, in one place for every engine: an engine only gives logits.  Two
invariants.  The answer belongs to the grammar, whatever the model wants: where the tokens run out,
the grammar's shortest ending is appended.  And the same engine, question and seed give the same
text, in a fresh process and in one that has answered before: the dice are a function of seed,
place and token, and the cache is only ever cut at the end of the question's head, so that the
arithmetic is the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from prompting.writers.grammar import Grammar, Parse

Floats = npt.NDArray[np.float32]

CANDIDATES = 40  # the likeliest tokens take part in the draw,
LEAST = 0.05  # those at least so likely as this share of the likeliest
LONGEST_ANSWER = 1024  # tokens


class TokenModel(Protocol):
    """A model and its cache of the tokens that it has read."""

    context: int  # tokens that fit
    interrupted: Callable[[], bool]  # asked often while it works

    @property
    def length(self) -> int:
        """Tokens read so far."""

    @property
    def pieces(self) -> Sequence[bytes]:
        """What each token writes; b"" for control tokens."""

    def encode(self, text: str, *, control: bool) -> list[int]: ...

    def rewind(self, length: int) -> None:
        """Keep only the first `length` tokens."""

    def feed(self, tokens: Sequence[int]) -> Floats:
        """Append tokens; the logits behind the last.  Raises Interrupted, or its own error."""


class Interrupted(Exception):
    """`interrupted` said so; what the cache holds beyond `length` is void."""


class BrokenModel(Exception):
    """The model's numbers are no numbers."""


class Composer:
    """An engine that answers questions, each in at most `longest` tokens.

    `grammar` is that of the answers; `compose` may be given another.
    """

    def __init__(self, engine: TokenModel, grammar: Grammar, longest: int = LONGEST_ANSWER) -> None:
        self._engine, self._grammar, self._longest = engine, grammar, longest
        self._head: list[int] | None = None  # what the cache begins with
        self._by_first_byte: npt.NDArray[np.int16] | None = None

    def compose(
        self,
        head: list[int],
        rest: list[int],
        *,
        seed: int,
        temperature: float,
        grammar: Grammar | None = None,
    ) -> str:
        """The answer to `head` (the same for many questions) followed by `rest`.

        Raises Interrupted, or what the engine raises; the cache is then forgotten.
        """
        try:
            dice = _Dice(seed & 0x7FFFFFFF, temperature)
            return self._compose(head, rest, dice, grammar or self._grammar)
        except BaseException:
            self._head = None
            raise

    def _compose(self, head: list[int], rest: list[int], dice: _Dice, grammar: Grammar) -> str:
        engine = self._engine
        if self._head == head:
            engine.rewind(len(head))
        else:
            self._head = None
            engine.rewind(0)
            engine.feed(head)
            self._head = head
        logits = engine.feed(rest)
        reading, text = grammar.start(), b""
        tokens_left = min(self._longest, engine.context - engine.length)
        while not reading.over:
            if tokens_left == 0:
                return text[: len(text) - len(reading.partial)].decode() + reading.finish()
            token, reading = self._next(logits, reading, dice)
            text += engine.pieces[token]
            tokens_left -= 1
            if tokens_left and not reading.over:
                logits = engine.feed([token])
        return text.decode()

    def _next(self, logits: Floats, reading: Parse, dice: _Dice) -> tuple[int, Parse]:
        engine = self._engine
        for tried, token in enumerate(self._ranked(logits, reading, dice)):
            if (after := reading.advance(engine.pieces[token])) is not None:
                return token, after
            if tried % 256 == 255 and engine.interrupted():
                raise Interrupted
        raise BrokenModel("no token of this vocabulary goes on in the grammar")

    def _ranked(self, logits: Floats, reading: Parse, dice: _Dice) -> Iterator[int]:
        """Every token: first the candidates in an order that is drawn, then all that may follow.

        The candidates' order is that of their logits with Gumbel noise; the first of them that
        the grammar takes is distributed exactly as a draw among those it takes.
        """
        likeliest = _largest(logits, CANDIDATES)
        top = logits[likeliest].astype(np.float64)
        if not np.isfinite(top[0]):
            raise BrokenModel("the model's answer is not a number")
        if dice.temperature > 0:
            drawn = likeliest[top >= top[0] + math.log(LEAST)]
            keys = top[: len(drawn)] / dice.temperature + dice.noise(self._engine.length, drawn)
            yield from drawn[np.argsort(-keys, kind="stable")].tolist()
            likeliest = likeliest[len(drawn) :]
        yield from likeliest.tolist()
        tokens = np.flatnonzero(np.isin(self._first_bytes(), list(reading.first_bytes())))
        yield from tokens[np.argsort(-logits[tokens], kind="stable")].tolist()

    def _first_bytes(self) -> npt.NDArray[np.int16]:
        """The first byte that each token writes; -1 for those that write nothing."""
        if self._by_first_byte is None:
            firsts = [piece[0] if piece else -1 for piece in self._engine.pieces]
            self._by_first_byte = np.array(firsts, np.int16)
        return self._by_first_byte


def _largest(logits: Floats, count: int) -> npt.NDArray[np.intp]:
    """The tokens with the largest logits, in falling order; among equals, the smaller id first."""
    some = np.arange(len(logits))
    if len(logits) > 4 * count:
        some = np.sort(np.argpartition(logits, -count)[-count:])
    return some[np.argsort(-logits[some], kind="stable")][:count]


@dataclass(frozen=True, slots=True)
class _Dice:
    """Noise for one answer."""

    seed: int
    temperature: float

    def noise(self, place: int, tokens: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Gumbel noise that depends on seed, place and token, and on nothing else.

        So two engines whose logits differ in the last bits draw the same token, unless that token
        itself is within those bits of another.
        """
        x = tokens.astype(np.uint64) + np.uint64((self.seed << 32) + (place << 18))
        for shift, factor in _SPLITMIX:
            x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
        uniform = ((x ^ (x >> np.uint64(31))) >> np.uint64(11)).astype(np.float64)
        return -np.log(-np.log((uniform + 0.5) * 2.0**-53))


# SplitMix64's finaliser (Steele, Lea, Flood 2014): shifts and multipliers, twice.
_SPLITMIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)) * 2
