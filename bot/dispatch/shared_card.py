"""The graphics card as the language model sees it: the pictures', and in between its own.

    gpu     beside the pictures, in memory that they leave free; while they are drawn, for a part
            of the card's seconds and no more
    idle    while nothing is drawn; let go before the next picture begins

The invariant: no picture waits for the language model longer than letting it go takes, and while
pictures are drawn its answers take at most `SHARE` of the card.  Whoever may not have the card now
hears so at once, and the built-in assistant writes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from bot.dispatch.meter import Meter
from bot.dispatch.seats import WorkerSeat
from prompting.errors import WriterUnavailable
from prompting.writers.writer import Answer, Ask, Writer

log = logging.getLogger(__name__)

SHARE = 0.25  # of the seconds in which pictures are drawn
MOST_SAVED = 10.0  # seconds of the card that answers may save up


@runtime_checkable
class LoadedOnCard(Writer, Protocol):
    """A writer whose model lies on the card; `close` lets it go, and asking loads it again."""

    @property
    def pid(self) -> int | None:
        """The process of a model that is loaded."""

    @property
    def loading(self) -> bool:
        """Whether it is being loaded, and takes memory already."""

    def begin(self) -> None:
        """Load it without being waited for."""


@runtime_checkable
class GivesWay(Protocol):
    """A worker that leaves so many bytes of its device free while nothing is drawn."""

    async def give_way(self, size: int) -> None: ...


class SharedCard:
    """One card, its seats and the language model on it.

    `size`: bytes that the model takes; `clock` in seconds.
    """

    def __init__(
        self, *, only_idle: bool, size: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.only_idle, self._size, self._clock = only_idle, size, clock
        self._seats: Sequence[WorkerSeat] = ()
        self._meter: Meter | None = None
        self._saved, self._counted = MOST_SAVED, clock()
        self._writers: list[CardWriter] = []

    def shared_with(self, seats: Sequence[WorkerSeat], meter: Meter) -> None:
        """From now on these seats draw on it, and what answers take is learnt by the meter."""
        self._seats, self._meter = seats, meter
        for seat in seats:
            seat.clear = self.clear

    def guarded(self, writer: LoadedOnCard) -> CardWriter:
        """The writer, asked only when the card may be had."""
        guarded = CardWriter(writer, self)
        self._writers.append(guarded)
        return guarded

    async def clear(self) -> None:
        """A picture is about to have the card: what may only use it idle goes.  Never raises."""
        if self.only_idle:
            for writer in self._writers:
                try:
                    await writer.let_go()
                except Exception:
                    log.exception("the language model does not leave the card")

    async def make_room(self) -> None:
        """The model is about to be loaded: weights that nobody draws with go where it is to be."""
        for seat in self._seats:
            if self.only_idle and self._size and isinstance(seat.worker, GivesWay):
                await seat.worker.give_way(self._size)

    @property
    def busy(self) -> bool:
        """Whether a picture has the card, or is paused on it."""
        return any(seat.drawings() for seat in self._seats)

    def expected(self, writer: Writer, *, loading: bool) -> float:
        """Predicted seconds of an answer, or of loading the model."""
        costs = self._meter.costs if self._meter is not None else None
        return costs.predict_words(writer.digest, loading=loading) if costs else 0.0

    def refusal(self, writer: Writer) -> str:
        """Why the writer may not have the card now; empty where it may."""
        if not self.busy:
            return ""
        if self.only_idle:
            return "the graphics card is drawing"
        self._count()
        if self.expected(writer, loading=False) > self._saved:
            return "the graphics card is drawing, and its part of it is used up"
        return ""

    def had(self, writer: Writer, seconds: float, *, loading: bool = False) -> None:
        """The writer had the card for so long; learnt, and counted while pictures wait for it."""
        if self._meter is not None:
            self._meter.learn_words(writer.digest, seconds, loading=loading)
        if self.busy:
            self._count()
            self._saved -= seconds

    def _count(self) -> None:
        """Add what the time since the last look has brought."""
        now = self._clock()
        self._saved = min(MOST_SAVED, self._saved + SHARE * (now - self._counted))
        self._counted = now


class CardWriter:
    """A `Writer` whose model lies on a card that pictures are drawn on."""

    def __init__(self, inner: LoadedOnCard, card: SharedCard) -> None:
        self._inner, self._card = inner, card
        self._asking: set[asyncio.Task[Answer]] = set()
        self._counted = 0.0  # up to when its seconds are counted

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def digest(self) -> str:
        return self._inner.digest

    @property
    def template(self) -> str:
        return self._inner.template

    @property
    def placeholders(self) -> int:
        return self._inner.placeholders

    async def write(self, ask: Ask) -> Answer:
        """Ask once, if the card may be had; raises WriterUnavailable where it may not."""
        card, inner = self._card, self._inner
        if refusal := card.refusal(inner):
            raise WriterUnavailable(refusal)
        fresh = inner.pid is None
        if fresh and (loading := card.expected(inner, loading=True)) > ask.deadline:
            inner.begin()  # who asks next finds it further on
            raise WriterUnavailable(f"it is being loaded, which takes {loading:.0f} s")
        began = time.monotonic()
        if fresh:
            await card.make_room()
        asking = asyncio.create_task(inner.write(ask))
        self._asking.add(asking)
        try:
            answer = await asking
        except asyncio.CancelledError:
            if not asking.cancelled() or _is_cancelled():
                asking.cancel()
                raise
            raise WriterUnavailable("the graphics card was needed for a picture") from None
        finally:
            self._asking.discard(asking)
        # Of several that are asked at once, each counts what no other one has counted.
        now = time.monotonic()
        began, self._counted = max(began, self._counted), now
        card.had(inner, now - began, loading=fresh)  # loading: until the first answer
        return answer

    async def let_go(self) -> None:
        """Free the card's memory now; who waits for an answer hears why there is none."""
        for asking in self._asking:
            asking.cancel()
        if self._asking or self._inner.loading or self._inner.pid is not None:
            await self._inner.close()

    async def close(self) -> None:
        """Leave no process behind."""
        await self._inner.close()


def _is_cancelled() -> bool:
    """Whether the one who asks was cancelled, and not only what was asked."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
