"""How true the queue's forecasts are: what light users are promised, and what comes of it.

Invariant: a promise is made when the job arrives, by what is known then; it learns only from those
that had been kept by that time.
"""

from __future__ import annotations

from statistics import median

from generation.job import AnyJob, Job, JobId
from generation.queue.fair_queue import FairQueue, Rules
from generation.queue.forecast import Promises
from generation.queue.seat import Seat, SeatId
from generation.simulator.engine import Device, simulate
from generation.simulator.figures import Figures
from generation.simulator.traces import HOUR, Crowd, Trace

LEARNT = 20  # kept promises before p90 is judged


def figures(trace: Trace) -> Figures:
    """Parts of the promises that were kept, and by how much the median one was wrong."""
    rules = Rules()
    promising = _Promising(trace, FairQueue(rules=rules))
    device = Device(chunk=rules.chunk, max_parked=rules.max_parked)
    simulate(trace, promising, device, horizon=2 * HOUR)
    return {
        "covered": sum(promising.covered) / len(promising.covered),
        "error": median(promising.errors),
        "promises": float(len(promising.errors)),
    }


class _Promising:
    """The queue on one seat, asked at arrivals when the job will be ready."""

    def __init__(self, trace: Trace, queue: FairQueue) -> None:
        self.covered: list[bool] = []  # whether p90 was kept
        self.errors: list[float] = []  # of p50, as a part of what it took
        self._trace = trace
        self._queue = queue
        self._promises = Promises()
        self._learnt = 0
        self._seat: Seat | None = None
        self._running: tuple[SeatId, JobId, float, float] | None = None  # left at, since
        self._left: dict[JobId, float] = {}
        self._made: dict[JobId, tuple[float, float, float]] = {}  # at, p50, p90

    def put(self, job: Job, now: float) -> None:
        self._queue.put(job, now)
        if self._seat is None or self._trace[job.id].kind is not Crowd.LIGHT:
            return
        ready = self._queue.forecast([self._seat], self._busy(now), now)[job.id].ready_in
        self._made[job.id] = (now, ready, self._promises.p90(ready))

    def take(self, seat: Seat, now: float) -> AnyJob | None:
        self._seat = seat
        job = self._queue.take(seat, now)
        if job is not None:
            left = self._left.get(job.id, job.cost) + seat.swap_seconds(job.needs)
            self._running = (seat.id, job.id, left, now)
        return job

    def settle(self, job_id: JobId, seconds: float, now: float, *, left: float | None) -> None:
        self._running = None
        if left is None:
            self._left.pop(job_id, None)
            self._judge(job_id, now)
        else:
            self._left[job_id] = left
        self._queue.settle(job_id, seconds, now, left=left)

    def _busy(self, now: float) -> dict[SeatId, tuple[JobId, float]]:
        if self._running is None:
            return {}
        seat, job, left, since = self._running
        return {seat: (job, max(left - (now - since), 0.0))}

    def _judge(self, job: JobId, now: float) -> None:
        if job not in self._made:
            return
        at, p50, p90 = self._made.pop(job)
        if self._learnt >= LEARNT:
            self.covered.append(now - at <= p90)
            self.errors.append(abs(p50 - (now - at)) / (now - at))
        self._promises.kept(p50, now - at)
        self._learnt += 1
