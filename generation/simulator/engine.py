"""The device, simulated: seats that swap models, draw chunks, pause and resume.

Invariant: every job is waiting, running on one seat, parked on one seat, or done; a policy that
takes anything else, or parks too much, raises `Broken`.  Time passes only here: the policy is told
what time it is.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple, Protocol

from generation.job import AnyJob, Job, JobId
from generation.model_key import ModelKey
from generation.queue.fair_queue import Seat, SeatId
from generation.recipe import needed
from generation.simulator.traces import Arrival, Trace

PAUSE = 0.05  # seconds of the device to put a job aside and another in its place


class TurnPolicy(Protocol):
    """Whose turn is it: the face of `FairQueue` that the device needs."""

    def put(self, job: Job, now: float, /) -> None: ...

    def take(self, seat: Seat, now: float, /) -> AnyJob | None: ...

    def settle(
        self, job_id: JobId, seconds: float, now: float, /, *, left: float | None
    ) -> None: ...


class Broken(Exception):
    """The policy did what no device can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What the simulated machines can do."""

    seats: int = 1
    slots: int = 1  # models that a seat holds at once
    chunk: float | None = 2.0  # seconds between two chances to pause; None: a job runs to its end
    max_parked: int = 4  # on one seat


class Served(NamedTuple):
    """A stretch of one seat for one job; the first `overhead` seconds were swap or pause."""

    start: float
    end: float
    job: JobId
    overhead: float


@dataclass(slots=True)
class Log:
    """What has happened by the horizon."""

    horizon: float
    seats: int
    served: list[Served] = field(default_factory=list)
    started: dict[JobId, float] = field(default_factory=dict)
    finished: dict[JobId, float] = field(default_factory=dict)
    swaps: int = 0
    pauses: int = 0
    decisions: int = 0
    idle: float = 0.0  # seat-seconds in which a seat had nothing to do and somebody waited


class SimulatedSeat:
    """A seat, with the models it holds, least recently used first."""

    def __init__(self, number: int, slots: int, swaps: dict[ModelKey, float]) -> None:
        self.id = SeatId(f"seat {number}")
        self.job: JobId | None = None
        self.parked: set[JobId] = set()
        self._slots = slots
        self._swaps = swaps
        self._resident: list[ModelKey] = []

    def is_warm(self, model: ModelKey) -> bool:
        return model in self._resident

    def swap_seconds(self, model: ModelKey) -> float:
        return 0.0 if model in self._resident else self._swaps[model]

    def can_draw(self, model: ModelKey) -> bool:
        return model in self._swaps

    def holds(self, models: Collection[ModelKey]) -> bool:
        return len({*models, *self._resident}) <= self._slots

    def load(self, model: ModelKey) -> float:
        """Make room, bring it in; returns the seconds that takes."""
        seconds = self.swap_seconds(model)
        if not seconds and model in self._resident:
            self._resident.remove(model)
        elif len(self._resident) == self._slots:
            del self._resident[0]
        self._resident.append(model)
        return seconds


class Simulation:
    """One policy, one trace, one device."""

    def __init__(self, trace: Trace, policy: TurnPolicy, device: Device, *, horizon: float) -> None:
        self._trace = trace
        self._policy = policy
        self._device = device
        self._left = [  # places where it can be left, by job id
            asked.checkpoint.places(needed(asked.job.recipe.sampling).steps) for asked in trace
        ]
        swaps = {asked.job.needs: asked.checkpoint.swap for asked in trace}
        self._seats = [SimulatedSeat(number, device.slots, swaps) for number in range(device.seats)]
        self._ends: list[tuple[float, int, int]] = []  # of chunks: when, order, seat
        self._chunks: list[tuple[JobId, float, int]] = [(JobId(-1), 0.0, 0)] * device.seats
        self._waiting: set[JobId] = set()
        self.log = Log(horizon, device.seats)

    def run(self) -> Log:
        """Play until the horizon."""
        coming = 0
        now = 0.0
        while True:
            arrival = self._trace[coming].at if coming < len(self._trace) else math.inf
            end = self._ends[0][0] if self._ends else math.inf
            then = min(arrival, end)
            if self._waiting:
                idle = sum(1 for seat in self._seats if seat.job is None)
                self.log.idle += idle * (min(then, self.log.horizon) - now)
            if then > self.log.horizon:
                return self.log
            now = then
            if arrival <= end:
                job = self._trace[coming].job
                coming += 1
                self._waiting.add(job.id)
                self._policy.put(job, now)
            else:
                self._end_chunk(heappop(self._ends)[2], now)
            for number, seat in enumerate(self._seats):
                if seat.job is None:
                    self._begin(number, now, before=None)

    def _end_chunk(self, number: int, now: float) -> None:
        seat = self._seats[number]
        job, seconds, places = self._chunks[number]
        asked = self._trace[job]
        self._left[job] -= places
        seat.job = None
        if not self._left[job]:
            self.log.finished[job] = now
            self._policy.settle(job, seconds, now, left=None)
            self._begin(number, now, before=None)
            return
        seat.parked.add(job)
        left = asked.checkpoint.until(self._left[job], self._left[job]) * asked.error
        self._policy.settle(job, seconds, now, left=left)
        self._begin(number, now, before=job)

    def _begin(self, number: int, now: float, *, before: JobId | None) -> None:
        """Ask the policy what this seat does next, and do it."""
        seat = self._seats[number]
        self.log.decisions += 1
        taken = self._policy.take(seat, now)
        if taken is None:
            if seat.parked:
                raise Broken(f"{seat.id} idles with {len(seat.parked)} jobs parked on it")
            return
        job = taken.id
        self._claim(seat, job)
        overhead = 0.0
        if before is not None and before != job:
            self.log.pauses += 1
            overhead += PAUSE
        swap = seat.load(taken.needs)
        if swap:
            self.log.swaps += 1
        overhead += swap
        places, seconds = self._next_chunk(self._trace[job])
        seconds += overhead
        seat.job = job
        self._chunks[number] = (job, seconds, places)
        self.log.started.setdefault(job, now)
        self.log.served.append(Served(now, now + seconds, job, overhead))
        heappush(self._ends, (now + seconds, self.log.decisions, number))

    def _claim(self, seat: SimulatedSeat, job: JobId) -> None:
        if job in seat.parked:
            seat.parked.remove(job)
        elif job in self._waiting:
            self._waiting.remove(job)
        else:
            raise Broken(f"job {job} neither waits nor is parked on {seat.id}")
        if len(seat.parked) > self._device.max_parked:
            raise Broken(f"{len(seat.parked)} jobs are parked on {seat.id}")

    def _next_chunk(self, asked: Arrival) -> tuple[int, float]:
        """Places until the next boundary, and their seconds."""
        model, left = asked.checkpoint, self._left[asked.job.id]
        places = model.stretch(left, self._device.chunk)
        return places, model.until(places, left)


def simulate(trace: Trace, policy: TurnPolicy, device: Device, *, horizon: float) -> Log:
    """What a policy makes of a trace."""
    return Simulation(trace, policy, device, horizon=horizon).run()
