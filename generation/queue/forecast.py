"""When will it be ready?  The rules played in advance, and how far off such forecasts were.

`play` lets a copy of the queue decide for imagined seats until its jobs are done.  `Promises`
learns from the last forecasts by how much they were wrong, and widens the next ones so that nine
of ten are kept (split-conformal prediction: Vovk et al.; the rank is theirs).
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Protocol

from generation.job import AnyJob, JobId
from generation.model_key import ModelKey
from generation.queue.seat import Seat, SeatId

PROMISES = 200  # that are remembered
COVERAGE = 0.9
DECISIONS = 1000  # of one play


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedTurn:
    """When a job comes, in seconds from now."""

    ahead: int  # waiting jobs that begin before it
    starts_in: float  # until it begins, or goes on
    ready_in: float


class Queue(Protocol):
    """The part of FairQueue that decides."""

    def take(self, seat: Seat, now: float, /) -> AnyJob | None: ...

    def settle(
        self, job_id: JobId, seconds: float, now: float, /, *, left: float | None
    ) -> None: ...


class ImaginedSeat:
    """A seat as it would be: it starts with the models of a real one."""

    def __init__(self, seat: Seat, models: Collection[ModelKey]) -> None:
        self._seat = seat
        self._warm = {model for model in models if seat.is_warm(model)}
        self._swaps = {model: seat.swap_seconds(model) for model in models}
        cold = [seconds for seconds in self._swaps.values() if seconds]
        self._usual = sum(cold) / len(cold) if cold else 0.0  # for what is warm now

    @property
    def id(self) -> SeatId:
        return self._seat.id

    def is_warm(self, model: ModelKey) -> bool:
        return model in self._warm

    def swap_seconds(self, model: ModelKey) -> float:
        return 0.0 if model in self._warm else self._swaps.get(model) or self._usual

    def can_draw(self, model: ModelKey) -> bool:
        return self._seat.can_draw(model)

    def holds(self, models: Collection[ModelKey]) -> bool:
        return self._seat.holds(models)

    def load(self, model: ModelKey) -> float:
        """Have the model; returns the seconds that takes."""
        seconds = self.swap_seconds(model)
        if not self._seat.holds(self._warm | {model}):
            self._warm.clear()
        self._warm.add(model)
        return seconds


@dataclass(slots=True)
class Played:
    """What happened, in seconds from the beginning."""

    starts: dict[JobId, float] = field(default_factory=dict)  # began, or went on
    ends: dict[JobId, float] = field(default_factory=dict)
    busy: float = 0.0  # seconds of all seats together


def play(
    queue: Queue, seats: Sequence[ImaginedSeat], chunk: float, left: dict[JobId, float]
) -> Played:
    """Let the seats draw until nothing is left, or for DECISIONS; `left` of jobs that have begun.

    Nobody comes, nothing fails, and every prediction is right.
    """
    played = Played()
    chunks: list[tuple[float, int, AnyJob, float]] = []  # being drawn: until when, by which seat
    idle = set(range(len(seats)))
    now = 0.0
    for _ in range(DECISIONS):
        for number in sorted(idle):
            job = queue.take(seats[number], now)
            if job is None:
                continue
            idle.discard(number)
            played.starts.setdefault(job.id, now)
            seconds = min(chunk, left.setdefault(job.id, job.cost)) + seats[number].load(job.needs)
            heappush(chunks, (now + seconds, number, job, seconds))
        if not chunks:
            break
        now, number, job, seconds = heappop(chunks)
        idle.add(number)
        played.busy += seconds
        left[job.id] -= min(chunk, left[job.id])
        if left[job.id] <= 0.0:
            played.ends[job.id] = now
        queue.settle(job.id, seconds, now, left=left[job.id] or None)
    return played


class Promises:
    """Learns how much longer than predicted things take."""

    def __init__(self, ratios: Iterable[float] = ()) -> None:
        self._ratios = deque(ratios, maxlen=PROMISES)  # actual / predicted

    def kept(self, predicted: float, actual: float) -> None:
        """What was to take `predicted` seconds took `actual`.

        What cannot be true is passed over.
        """
        if 0.0 < predicted < math.inf and 0.0 <= actual < math.inf:
            self._ratios.append(actual / predicted)

    def p90(self, p50: float) -> float:
        """Within this time nine of ten are ready that are predicted to take `p50`; never less."""
        if not self._ratios:
            return p50
        ordered = sorted(self._ratios)
        rank = math.ceil(COVERAGE * (len(ordered) + 1))  # it has to cover the next one, too
        return p50 * max(ordered[min(rank, len(ordered)) - 1], 1.0)

    def dump(self) -> str:
        """All that was learnt, as JSON; `load` reads it back."""
        return json.dumps(list(self._ratios))

    @classmethod
    def load(cls, text: str | None) -> Promises:
        """What `dump` wrote.  What cannot be read is forgotten: it is learnt again in a day."""
        try:
            ratios = [float(ratio) for ratio in json.loads(text or "[]")]
        except (TypeError, ValueError):
            return cls()
        return cls(ratio for ratio in ratios if 0.0 <= ratio < math.inf)
