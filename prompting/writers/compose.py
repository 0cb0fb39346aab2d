"""Draws an answer from a model, one token after the other, under a grammar.

    engine.feed(tokens) ──▶ logits ──▶ rank ──▶ the first candidate that the grammar takes ──▶ feed

Everything that decides is here, in one place for every engine: an engine only gives logits.  Two
invariants.  The answer belongs to the grammar, whatever the model wants: where the tokens or the
time run out, or it goes round in circles, the grammar's shortest ending is appended.  And the same
engine, question and seed give the same text, in a fresh process and in one that has answered
before: the dice are a function of seed, place and token, and every answer begins with the state
that was saved behind the question's head, restored.  No cache is ever cut: those of recurrent
models cannot be, and those of a sliding window have forgotten what is to be kept.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from prompting.writers.grammar import Grammar, Parse
from prompting.writers.loops import circle, ended, twice

Floats = npt.NDArray[np.float32]

CANDIDATES = 40  # the likeliest tokens take part in the draw,
LEAST = 0.05  # those at least so likely as this share of the likeliest
HELD_BYTES = 256 * 2**20  # of heads that are remembered; the one not asked for longest goes first


class Saved(Protocol):
    """What a model had read, as the engine that saved it can restore it."""

    @property
    def nbytes(self) -> int: ...


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

    def forget(self) -> None:
        """Begin anew."""

    def save(self) -> Saved | None:
        """What was read, for `restore`; None where it cannot be kept, and is read again."""

    def restore(self, saved: Saved) -> None:
        """Be where `save` was called, whatever was read since."""

    def feed(self, tokens: Sequence[int]) -> Floats:
        """Append tokens; the logits behind the last.  Raises Interrupted, or its own error."""


class Interrupted(Exception):
    """`interrupted` said so; what the cache holds beyond `length` is void."""


class BrokenModel(Exception):
    """The model's numbers are no numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How one question is to be answered."""

    grammar: Grammar
    longest: int  # tokens
    enough: str = ""  # stands in an answer that is of use though its end is missing; "": none is


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnAnswer:
    """An answer."""

    raw: str
    cut: bool = False  # whether it ends early because the time was up


class Composer:
    """An engine that answers questions; it remembers the heads of the last ones."""

    def __init__(self, engine: TokenModel, *, held_bytes: int = HELD_BYTES) -> None:
        self._engine, self._held_bytes = engine, held_bytes
        self._heads: OrderedDict[tuple[int, ...], Saved] = OrderedDict()
        self._by_first_byte: npt.NDArray[np.int16] | None = None

    def warm(self, head: list[int]) -> None:
        """Read a head before anybody asks.  Raises Interrupted, or what the engine raises."""
        if tuple(head) not in self._heads:
            self._begin(head)

    def compose(
        self,
        head: list[int],
        rest: list[int],
        asked: Bounds,
        *,
        seed: int,
        temperature: float,
        wanted: Callable[[], bool] = lambda: False,
    ) -> DrawnAnswer:
        """The answer to `head` (the same for many questions) followed by `rest`.

        `wanted` says, once the engine is interrupted, whether what there is of an answer is still
        of use.  Raises Interrupted, or what the engine raises.
        """
        dice = _Dice(seed & 0x7FFFFFFF, temperature)
        self._begin(head)
        logits = self._engine.feed(rest)
        answer = _Answer(asked, min(asked.longest, self._engine.context - self._engine.length))
        try:
            while not answer.over:
                token, answer.reading = self._next(logits, answer, dice)
                fed = answer.add(self._engine.pieces[token], token)
                if answer.tokens_left > 0 and not answer.over:
                    logits = self._engine.feed(fed or self._engine.encode('"', control=False))
        except Exception:
            early = answer.early() if self._engine.interrupted() and wanted() else None
            if early is None:
                raise
            return DrawnAnswer(raw=early, cut=True)
        return DrawnAnswer(raw=answer.whole())

    def _begin(self, head: list[int]) -> None:
        """Be behind the head, with the same state whether it was read now or long ago."""
        key = tuple(head)
        saved = self._heads.get(key)
        if saved is None:
            self._engine.forget()
            self._engine.feed(head)
            saved = self._engine.save()
            if saved is None:
                return
            self._heads[key] = saved
            while len(self._heads) > 1 and self._held() > self._held_bytes:
                self._heads.popitem(last=False)
        self._heads.move_to_end(key)
        self._engine.restore(saved)

    def _held(self) -> int:
        return sum(saved.nbytes for saved in self._heads.values())

    def _next(self, logits: Floats, answer: _Answer, dice: _Dice) -> tuple[int, Parse]:
        engine, reading = self._engine, answer.reading
        for tried, token in enumerate(self._ranked(logits, reading, dice)):
            piece = engine.pieces[token]
            if (after := reading.advance(piece)) is not None and not answer.repeats(piece):
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


class _Answer:
    """What was drawn so far."""

    def __init__(self, asked: Bounds, tokens: int) -> None:
        self._asked = asked
        self._text = b""
        self._circles = 0
        self.tokens_left = tokens
        self.reading = asked.grammar.start()

    @property
    def over(self) -> bool:
        """Whether nothing more is drawn."""
        return self.reading.over or self.tokens_left <= 0

    def repeats(self, piece: bytes) -> bool:
        """Whether a list would go on behind an item that was there before."""
        return b"," in piece and twice((self._text + piece).decode(errors="ignore"))

    def add(self, piece: bytes, token: int) -> list[int]:
        """The tokens to feed for a piece that was drawn; none: the string ends here instead.

        The first circle ends its string, the second the answer.
        """
        self._text += piece
        self.tokens_left -= 1
        kept = None if self.reading.partial else circle(self._text.decode())
        if kept is None:
            return [token]
        self._circles += 1
        text = self._text.decode()[:kept].rstrip(" ,;")
        after = self._asked.grammar.start().advance(f'{text}"'.encode())
        if after is None or self._circles > 1:
            self.tokens_left = 0
            self._text = text.encode()
            self.reading = self._asked.grammar.start().advance(self._text) or self.reading
            return [token]
        self._text, self.reading = f'{text}"'.encode(), after
        return []

    def early(self) -> str | None:
        """The answer as far as it goes, if that is of use."""
        text = self._text[: len(self._text) - len(self.reading.partial)].decode()
        return ended(text, self._asked.grammar, self._asked.enough)

    def whole(self) -> str:
        """The answer, ended where it must be."""
        if self.reading.over:
            return self._text.decode()
        text = self._text[: len(self._text) - len(self.reading.partial)].decode()
        return self.early() or text + self.reading.finish()


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
