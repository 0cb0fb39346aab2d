"""A job's transitions: each of them is told in one sentence, here and nowhere else.

    queued --> began --> loading, stepped, paid --> freed --> ended      (drawn, and kept)
      ^          |  ^                                 |
      |          |  +--- paused, resumed              |
      |          +------ ended                        |                  (failed, cancelled)
      +----------------- waits_again -----------------+                  (its seat failed it)
      +--> withdrawn --> ended                                           (cancelled in time)

A sentence tells those whom the transition concerns, always in this order:

    seat, queue, books (meter), open requests, watch, audience, who has to act on it now

Whoever decides (`dispatcher`), carries out (`drawing`) or admits (`bot.studio.admission`) says one
of these and tells nobody else.  Invariant: nothing is awaited within a sentence, so whatever comes
in between two of them finds every job where it belongs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bot.dispatch.audience import Audience
from bot.dispatch.meter import Meter
from bot.dispatch.open_requests import OpenRequests
from bot.dispatch.seats import Describing, Drawing, Seats, WorkerSeat, believable
from bot.telemetry.events import (
    ChunkPaid,
    JobEnded,
    Paused,
    Picked,
    Queued,
    Resumed,
    Watch,
    WorkerEnded,
)
from generation.fleet.wire import Drawn, Loading, Stepped
from generation.job import Errand, Job, JobId
from generation.queue.fair_queue import FairQueue
from storage.tickets import Request, RequestId, State, Ticket


class Lifecycle:
    """Tells everybody of each transition of a job.

    Whoever decides by them may ask `queue` and `seats`; what is told to them, is told here.
    """

    def __init__(
        self,
        *,
        queue: FairQueue,
        meter: Meter,
        open_requests: OpenRequests,
        seats: Seats,
        watch: Watch,
        request_ended: Callable[[], None],
    ) -> None:
        self.seats, self.queue, self._meter = seats, queue, meter
        self._open_requests, self._watch = open_requests, watch
        self._request_ended = request_ended
        self._audience: Audience | None = None
        self._resting: dict[JobId, Job] = {}  # they wait outside of the queue

    @contextmanager
    def told_to(self, audience: Audience) -> Iterator[None]:
        """The audience hears of every change while the block runs."""
        self._audience = audience
        try:
            yield
        finally:
            self._audience = None

    # -- waiting ---------------------------------------------------------------------------

    def queued(self, request: Request, tickets: Sequence[Ticket]) -> int:
        """The request is committed, or was found after a restart.  Returns how many jobs wait."""
        waiting = [ticket.job for ticket in tickets if ticket.state.open]
        for job in waiting:
            self.queue.put(job, time.monotonic())
        self._open_requests.open(request, tickets)
        for job in waiting:
            if self._open_requests.rests(job.id):
                self._let_rest(job)
        for job in waiting:
            self._watch(Queued(job=job))
        self.seats.look()
        return len(waiting)

    def waits_again(self, seat: WorkerSeat, drawing: Drawing) -> None:
        """The seat failed the job, which is not the person's to pay for."""
        job, now = drawing.job, time.monotonic()
        seat.forget(drawing)
        if drawing.freed:
            self.queue.put(job, now, refund=drawing.paid)
        else:
            self.queue.put_back(job.id, now)
        self._meter.lost(job, drawing.paid, drawing.loading)
        self._open_requests.back(job)
        if self._open_requests.rests(job.id):
            self._let_rest(job)
        self._tell(self._open_requests.request_of(job.id))
        self.seats.look()

    def rested_or_not(self, guild: int) -> None:
        """A server's drawing rests from now on, or goes on: as `OpenRequests.rest` says.

        What waits keeps its turn among its server's; what has begun is drawn to its end.
        """
        for request in self._open_requests.in_guild(guild):
            for job in sorted(self._open_requests.waiting_of(request), key=lambda job: job.id):
                if self._open_requests.rests(job.id):
                    self._let_rest(job)
                elif self._resting.pop(job.id, None) is not None:
                    self.queue.put(job, time.monotonic())
            self._tell(request)
        self.seats.look()

    def _let_rest(self, job: Job) -> None:
        if self.queue.cancel(job.id) is not None:
            self._resting[job.id] = job

    def withdrawn(self, job: JobId) -> Job | None:
        """A job that waits leaves the queue, to be `ended` when that is stored; None: it does not.

        By itself, because from here on no seat may take it, however long storage needs.
        """
        left = self._resting.pop(job, None) or self.queue.cancel(job)
        return left if isinstance(left, Job) else None

    # -- on a seat -------------------------------------------------------------------------

    def began(self, seat: WorkerSeat, drawing: Drawing) -> None:
        """The seat has taken the job out of the queue."""
        seat.begin(drawing)
        waited = self._open_requests.began(drawing.job)
        self._watch(Picked(job=drawing.job, seat=seat.id, waited=waited))
        for request in self._open_requests.requests():
            self._tell(request)  # everybody has moved up

    def loading(self, drawing: Drawing, report: Loading) -> None:
        """The worker reads weights for the job."""
        self._open_requests.loading(drawing.job.id, report.name)
        self._tell(self._open_requests.request_of(drawing.job.id))

    def stepped(self, drawing: Drawing, report: Stepped) -> None:
        """A step of the job is done."""
        drawing.stepped(report.done, report.total, report.seconds)
        self._open_requests.stepped(drawing.job.id, report)
        self._tell(self._open_requests.request_of(drawing.job.id))

    def paid(self, seat: WorkerSeat, drawing: Drawing, *, left: float) -> None:
        """What the device has done for the job since the last time; it still needs `left`."""
        self._watch(self._settled(seat, drawing, left))

    def paused(self, seat: WorkerSeat) -> Job:
        """The job that has the device gives it away, and stays on the seat."""
        job = seat.park().job
        self._open_requests.paused(job.id)
        self._watch(Paused(job=job, seat=seat.id))
        return job

    def resumed(self, seat: WorkerSeat, job: Job) -> None:
        """A paused job has the device again."""
        seat.unpark(job.id)
        self._open_requests.resumed(job.id)
        self._watch(Resumed(job=job, seat=seat.id))

    def freed(self, seat: WorkerSeat, drawing: Drawing, report: Drawn | None = None) -> None:
        """The device has nothing more to do for the job, however long storage takes.

        `report`: it is drawn, and took that long; None: it failed.  Said again, nothing changes.
        """
        loading_seconds = 0.0
        if report is not None:
            loading_seconds = believable(report.loading_seconds)
            drawing.seconds = believable(report.seconds) + loading_seconds
        seat.forget(drawing)
        if drawing.freed:
            return
        drawing.freed = True
        paid = self._settled(seat, drawing, None, loading_seconds)
        if report is not None:
            self._meter.learn(drawing.job, report, near=drawing.near)
        self._open_requests.drawn(drawing.job.id)
        self._watch(paid)

    def _settled(
        self, seat: WorkerSeat, drawing: Drawing, left: float | None, loading_seconds: float = 0.0
    ) -> ChunkPaid:
        job, seconds = drawing.job, drawing.pay(loading_seconds)
        self.queue.settle(job.id, seconds, time.monotonic(), left=left)
        self._meter.served(job, seconds, loading_seconds, ended=left is None)
        return ChunkPaid(job=job, seat=seat.id, seconds=seconds, swap_seconds=loading_seconds)

    def worker_ended(self, seat: WorkerSeat, reason: str) -> None:
        """The seat's worker died with a job."""
        self._watch(WorkerEnded(seat=seat.id, reason=reason))

    # -- errands, of which nobody but the one who waits for the answer is told ----------------

    def sent(self, errand: Errand) -> None:
        """Somebody waits for what a picture shows."""
        self.queue.put(errand, time.monotonic())
        self.seats.look()

    def called_off(self, errand: JobId) -> None:
        """An errand leaves the queue for which nobody waits; a seat is told elsewhere."""
        self.queue.cancel(errand)

    def describing(self, seat: WorkerSeat, described: Describing) -> None:
        """The seat has taken the errand out of the queue."""
        seat.begin(described)
        for request in self._open_requests.requests():
            self._tell(request)  # everybody has moved up

    def described(
        self, seat: WorkerSeat, described: Describing, seconds: float, loading_seconds: float
    ) -> None:
        """The errand is over, and took so long.  Said again, nothing changes."""
        seat.forget(described)
        if described.paid:
            return
        described.paid = True
        errand, whole = described.job, seconds + loading_seconds
        self.queue.settle(errand.id, whole, time.monotonic(), left=None)
        if whole:
            self._meter.ran(errand, seconds, loading_seconds)

    # -- over ------------------------------------------------------------------------------

    def ended(self, job: Job, state: State, seconds: float) -> None:
        """How the job ended is stored; it had `seconds` of a device."""
        self._meter.stored(job.id)
        request = self._open_requests.ended(job.id)
        self._watch(JobEnded(job=job, state=state, seconds=seconds))
        self._tell(request)
        self._request_ended()

    def _tell(self, request: RequestId | None) -> None:
        if request is not None and self._audience is not None:
            self._audience.changed(request)
