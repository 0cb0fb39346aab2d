"""The open requests: how each of them stands, in memory.

Told by `bot.dispatch.lifecycle`, read by the announcer and by /queue.  They hold nothing that a
restart needs: after one, they are filled again from the tickets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from bot.dispatch.audience import Phase, Progress
from generation.fleet.wire import Stepped
from generation.job import Job, JobId
from generation.queue.fair_queue import FairQueue
from generation.queue.forecast import ExpectedTurn, Promises
from storage.tickets import Request, RequestId, State, Ticket

# Tells when each job comes; asked with a job that must be among them, if it waits at all.
Forecast = Callable[[JobId | None], Mapping[JobId, ExpectedTurn]]

SHORTEST_PROMISE = 2.0  # seconds; how well a shorter one was kept teaches nothing


@dataclass(slots=True)
class _OpenRequest:
    """One open request."""

    request: Request
    waiting: dict[JobId, Job]
    done: int
    total: int
    running: dict[JobId, _Drawing] = field(default_factory=dict)
    keeping: int = 0
    promised: tuple[float, float] | None = None  # when (monotonic), and in how many seconds


@dataclass(slots=True)
class _Drawing:
    """One job on a worker."""

    job: Job
    loading: str = ""
    step: int = 0
    steps: int = 0  # as the worker says
    preview: bytes = b""
    paused: bool = False


class OpenRequests:
    """Open requests and how far they are."""

    def __init__(
        self,
        queue: FairQueue,
        promises: Promises,
        forecast: Forecast,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._queue, self._promises, self._forecast = queue, promises, forecast
        self._clock = clock
        self._newest: Mapping[JobId, ExpectedTurn] = {}  # the forecast that `_latest` is the end of
        self._latest = 0.0
        # Why nothing is drawn in a server; None: it is.
        self.rest: Callable[[int | None], str | None] = lambda _: None
        self._open: dict[RequestId, _OpenRequest] = {}
        self._request_of: dict[JobId, RequestId] = {}

    def open(self, request: Request, tickets: Iterable[Ticket]) -> None:
        """A request waits; also said of each that a restart finds."""
        tickets = tuple(tickets)
        jobs = {t.job.id: t.job for t in tickets if t.state in (State.WAITING, State.RUNNING)}
        self._open[request.id] = _OpenRequest(
            request=request, waiting=jobs, done=len(tickets) - len(jobs), total=len(tickets)
        )
        for job in jobs:
            self._request_of[job] = request.id

    def request_of(self, job: JobId) -> RequestId | None:
        """The open request that the job belongs to."""
        return self._request_of.get(job)

    def began(self, job: Job) -> float:
        """A worker has the job.  Returns how many seconds ago it was asked for."""
        opened = self._of(job.id)
        if opened is None:
            return 0.0
        opened.waiting.pop(job.id, None)
        opened.running[job.id] = _Drawing(job=job)
        if opened.promised is not None:
            at, seconds = opened.promised
            if seconds >= SHORTEST_PROMISE:
                self._promises.kept(seconds, time.monotonic() - at)
            opened.promised = None
        return max(self._clock() - opened.request.created, 0.0)

    def loading(self, job: JobId, name: str) -> None:
        """The worker reads weights for it."""
        if drawing := self._drawing_of(job):
            drawing.loading = name

    def paused(self, job: JobId) -> None:
        """The job is held at a step."""
        if drawing := self._drawing_of(job):
            drawing.paused = True

    def resumed(self, job: JobId) -> None:
        """The job goes on."""
        if drawing := self._drawing_of(job):
            drawing.paused = False

    def stepped(self, job: JobId, report: Stepped) -> None:
        """A step is done."""
        if drawing := self._drawing_of(job):
            drawing.loading, drawing.step, drawing.steps = "", report.done, report.total
            drawing.preview = report.preview or drawing.preview

    def drawn(self, job: JobId) -> None:
        """The device has finished with it; it is being saved."""
        if (opened := self._of(job)) and opened.running.pop(job, None):
            opened.keeping += 1

    def back(self, job: Job) -> None:
        """The job waits again."""
        if opened := self._of(job.id):
            if opened.running.pop(job.id, None) is None and opened.keeping:
                opened.keeping -= 1
            opened.waiting[job.id] = job

    def ended(self, job: JobId) -> RequestId | None:
        """The job will not be heard of again.  Returns the request that it was of."""
        opened = self._of(job)
        if opened is None:
            return None
        del self._request_of[job]
        waited = opened.waiting.pop(job, None)
        if waited is None and opened.running.pop(job, None) is None and opened.keeping:
            opened.keeping -= 1
        opened.done += 1
        if opened.done >= opened.total:
            del self._open[opened.request.id]
        return opened.request.id

    def standing(self, request: RequestId) -> Progress | None:
        """How the request stands, or None when it is not open."""
        opened = self._open.get(request)
        if opened is None:
            return None
        wanted = max(opened.waiting) if opened.waiting else None
        standing = self._standing(opened, self._forecast(wanted))
        if opened.promised is None and opened.waiting and not opened.running:
            opened.promised = (time.monotonic(), standing.starts_in)
        return standing

    def standings(self) -> tuple[Progress, ...]:
        """Every open request, those being drawn first, then in the order of their turn."""
        waiting = (max(opened.waiting) for opened in self._open.values() if opened.waiting)
        turns = self._forecast(max(waiting, default=None))
        found = [self._standing(opened, turns) for opened in self._open.values()]
        return tuple(sorted(found, key=lambda s: (s.phase is Phase.WAITING, s.ahead, s.request)))

    def _standing(self, opened: _OpenRequest, turns: Mapping[JobId, ExpectedTurn]) -> Progress:
        drawing = min(opened.running.values(), key=lambda r: r.paused, default=None)
        # A person's jobs keep their order, so the first and the last are known by their ids.
        first = self._turn(turns, min(opened.waiting)) if opened.waiting else None
        ready_in = 0.0
        for job in opened.running:
            ready_in = max(ready_in, self._turn(turns, job).ready_in)
        if opened.waiting:
            ready_in = max(ready_in, self._turn(turns, max(opened.waiting)).ready_in)
        return Progress(
            request=opened.request.id,
            owner=opened.request.origin.owner,
            phase=self._phase(opened, drawing),
            done=opened.done,
            total=opened.total,
            ahead=0 if drawing or first is None else first.ahead,
            starts_in=0.0 if drawing or first is None else first.starts_in,
            ready_in=ready_in,
            loading=drawing.loading if drawing else "",
            step=drawing.step if drawing else 0,
            steps=drawing.steps if drawing else 0,
            preview=drawing.preview if drawing else b"",
            words=opened.request.words,
            guild=opened.request.origin.guild,
            share=self._share(opened),
            ready_p90=self._promises.p90(ready_in),
            paused=drawing.paused if drawing else False,
            rest=None if drawing else self.rest(opened.request.origin.guild),
        )

    def _turn(self, turns: Mapping[JobId, ExpectedTurn], job: JobId) -> ExpectedTurn:
        if (turn := turns.get(job)) is not None:
            return turn
        # One that came since the forecast was made: behind everybody, until the next one.
        if turns is not self._newest:
            self._newest = turns
            self._latest = max((turn.ready_in for turn in turns.values()), default=0.0)
        return ExpectedTurn(ahead=len(self._queue), starts_in=self._latest, ready_in=self._latest)

    def _share(self, opened: _OpenRequest) -> float:
        job = next(iter(opened.running), None) or next(iter(opened.waiting), None)
        if job is None or (job in opened.waiting and self.rests(job)):
            return 0.0
        return self._queue.share_of(job)

    def in_guild(self, guild: int) -> tuple[RequestId, ...]:
        """Every open request of a server, in the order of arrival."""
        opened = self._open.items()
        return tuple(number for number, one in opened if one.request.origin.guild == guild)

    def waiting_of(self, request: RequestId) -> tuple[Job, ...]:
        """The jobs of it that have not begun."""
        opened = self._open.get(request)
        return tuple(opened.waiting.values()) if opened else ()

    def rests(self, job: JobId) -> bool:
        """Whether nothing is drawn at present in the server that asked for it."""
        opened = self._of(job)
        return opened is not None and self.rest(opened.request.origin.guild) is not None

    def is_open(self, request: RequestId) -> bool:
        """Whether some job of the request has not ended."""
        return request in self._open

    def is_drawing(self, request: RequestId) -> bool:
        """Whether a worker has a job of the request."""
        opened = self._open.get(request)
        return opened is not None and bool(opened.running or opened.keeping)

    def requests(self) -> tuple[RequestId, ...]:
        """Every open request, in the order of arrival."""
        return tuple(self._open)

    def _phase(self, opened: _OpenRequest, drawing: _Drawing | None) -> Phase:
        if drawing is None:
            return Phase.WAITING if opened.waiting else Phase.KEEPING
        return Phase.LOADING if drawing.loading or not drawing.step else Phase.DRAWING

    def _of(self, job: JobId) -> _OpenRequest | None:
        request = self._request_of.get(job)
        return None if request is None else self._open.get(request)

    def _drawing_of(self, job: JobId) -> _Drawing | None:
        opened = self._of(job)
        return opened.running.get(job) if opened else None
