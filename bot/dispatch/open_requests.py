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
        self._lines: dict[RequestId, _OpenRequest] = {}
        self._request_of: dict[JobId, RequestId] = {}

    def open(self, request: Request, tickets: Iterable[Ticket]) -> None:
        """A request waits; also said of each that a restart finds."""
        tickets = tuple(tickets)
        jobs = {t.job.id: t.job for t in tickets if t.state in (State.WAITING, State.RUNNING)}
        self._lines[request.id] = _OpenRequest(
            request=request, waiting=jobs, done=len(tickets) - len(jobs), total=len(tickets)
        )
        for job in jobs:
            self._request_of[job] = request.id

    def request_of(self, job: JobId) -> RequestId | None:
        """The open request that the job belongs to."""
        return self._request_of.get(job)

    def began(self, job: Job) -> float:
        """A worker has the job.  Returns how many seconds ago it was asked for."""
        line = self._line(job.id)
        if line is None:
            return 0.0
        line.waiting.pop(job.id, None)
        line.running[job.id] = _Drawing(job=job)
        if line.promised is not None:
            at, seconds = line.promised
            if seconds >= SHORTEST_PROMISE:
                self._promises.kept(seconds, time.monotonic() - at)
            line.promised = None
        return max(self._clock() - line.request.created, 0.0)

    def loading(self, job: JobId, name: str) -> None:
        """The worker reads weights for it."""
        if run := self._run(job):
            run.loading = name

    def paused(self, job: JobId) -> None:
        """The job is held at a step."""
        if run := self._run(job):
            run.paused = True

    def resumed(self, job: JobId) -> None:
        """The job goes on."""
        if run := self._run(job):
            run.paused = False

    def stepped(self, job: JobId, report: Stepped) -> None:
        """A step is done."""
        if run := self._run(job):
            run.loading, run.step, run.steps = "", report.done, report.total
            run.preview = report.preview or run.preview

    def drawn(self, job: JobId) -> None:
        """The device has finished with it; it is being saved."""
        if (line := self._line(job)) and line.running.pop(job, None):
            line.keeping += 1

    def back(self, job: Job) -> None:
        """The job waits again."""
        if line := self._line(job.id):
            if line.running.pop(job.id, None) is None and line.keeping:
                line.keeping -= 1
            line.waiting[job.id] = job

    def ended(self, job: JobId) -> RequestId | None:
        """The job will not be heard of again.  Returns the request that it was of."""
        line = self._line(job)
        if line is None:
            return None
        del self._request_of[job]
        waited = line.waiting.pop(job, None)
        if waited is None and line.running.pop(job, None) is None and line.keeping:
            line.keeping -= 1
        line.done += 1
        if line.done >= line.total:
            del self._lines[line.request.id]
        return line.request.id

    def standing(self, request: RequestId) -> Progress | None:
        """How the request stands, or None when it is not open."""
        line = self._lines.get(request)
        if line is None:
            return None
        wanted = max(line.waiting) if line.waiting else None
        standing = self._standing(line, self._forecast(wanted))
        if line.promised is None and line.waiting and not line.running:
            line.promised = (time.monotonic(), standing.starts_in)
        return standing

    def standings(self) -> tuple[Progress, ...]:
        """Every open request, those being drawn first, then in the order of their turn."""
        waiting = (max(line.waiting) for line in self._lines.values() if line.waiting)
        turns = self._forecast(max(waiting, default=None))
        found = [self._standing(line, turns) for line in self._lines.values()]
        return tuple(sorted(found, key=lambda s: (s.phase is Phase.WAITING, s.ahead, s.request)))

    def _standing(self, line: _OpenRequest, turns: Mapping[JobId, ExpectedTurn]) -> Progress:
        run = min(line.running.values(), key=lambda r: r.paused, default=None)
        # A person's jobs keep their order, so the first and the last are known by their ids.
        first = self._turn(turns, min(line.waiting)) if line.waiting else None
        ready_in = 0.0
        for job in line.running:
            ready_in = max(ready_in, self._turn(turns, job).ready_in)
        if line.waiting:
            ready_in = max(ready_in, self._turn(turns, max(line.waiting)).ready_in)
        return Progress(
            request=line.request.id,
            owner=line.request.origin.owner,
            phase=self._phase(line, run),
            done=line.done,
            total=line.total,
            ahead=0 if run or first is None else first.ahead,
            starts_in=0.0 if run or first is None else first.starts_in,
            ready_in=ready_in,
            loading=run.loading if run else "",
            step=run.step if run else 0,
            steps=run.steps if run else 0,
            preview=run.preview if run else b"",
            words=line.request.words,
            guild=line.request.origin.guild,
            share=self._share(line),
            ready_p90=self._promises.p90(ready_in),
            paused=run.paused if run else False,
        )

    def _turn(self, turns: Mapping[JobId, ExpectedTurn], job: JobId) -> ExpectedTurn:
        if (turn := turns.get(job)) is not None:
            return turn
        # One that came since the forecast was made: behind everybody, until the next one.
        if turns is not self._newest:
            self._newest = turns
            self._latest = max((turn.ready_in for turn in turns.values()), default=0.0)
        return ExpectedTurn(ahead=len(self._queue), starts_in=self._latest, ready_in=self._latest)

    def _share(self, line: _OpenRequest) -> float:
        job = next(iter(line.running), None) or next(iter(line.waiting), None)
        return self._queue.share_of(job) if job is not None else 0.0

    def is_open(self, request: RequestId) -> bool:
        """Whether some job of the request has not ended."""
        return request in self._lines

    def is_drawing(self, request: RequestId) -> bool:
        """Whether a worker has a job of the request."""
        line = self._lines.get(request)
        return line is not None and bool(line.running or line.keeping)

    def requests(self) -> tuple[RequestId, ...]:
        """Every open request, in the order of arrival."""
        return tuple(self._lines)

    def _phase(self, line: _OpenRequest, run: _Drawing | None) -> Phase:
        if run is None:
            return Phase.WAITING if line.waiting else Phase.KEEPING
        return Phase.LOADING if run.loading or not run.step else Phase.DRAWING

    def _line(self, job: JobId) -> _OpenRequest | None:
        request = self._request_of.get(job)
        return None if request is None else self._lines.get(request)

    def _run(self, job: JobId) -> _Drawing | None:
        line = self._line(job)
        return line.running.get(job) if line else None
