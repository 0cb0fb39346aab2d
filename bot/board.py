"""The board: how every open request stands, in memory.

Fed by the dispatcher, read by the announcer and by /queue.  It holds nothing that a restart needs:
after one, it is filled again from the tickets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heapify, heapreplace

from bot.audience import Phase, Standing
from generation.job import Job, JobId
from generation.queue import FairQueue
from storage.tickets import Request, RequestId, State, Ticket


@dataclass(slots=True)
class _Line:
    """One open request."""

    request: Request
    waiting: dict[JobId, Job]
    done: int
    total: int
    running: dict[JobId, _Run] = field(default_factory=dict)
    keeping: int = 0


@dataclass(slots=True)
class _Run:
    """One job on a worker."""

    job: Job
    began: float  # the clock's time
    loading: str = ""
    step: int = 0
    preview: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """When a waiting job will begin."""

    ahead: int
    starts_in: float


class Board:
    """Open requests and how far they are."""

    def __init__(self, queue: FairQueue, *, seats: int, clock: Callable[[], float]) -> None:
        self._queue = queue
        self._seats = seats
        self._clock = clock
        self._lines: dict[RequestId, _Line] = {}
        self._request_of: dict[JobId, RequestId] = {}

    def open(self, request: Request, tickets: Iterable[Ticket]) -> None:
        """Put a request on the board, or put it there again after a restart."""
        tickets = tuple(tickets)
        jobs = {t.job.id: t.job for t in tickets if t.state in (State.WAITING, State.RUNNING)}
        self._lines[request.id] = _Line(
            request=request, waiting=jobs, done=len(tickets) - len(jobs), total=len(tickets)
        )
        for job in jobs:
            self._request_of[job] = request.id

    def request_of(self, job: JobId) -> RequestId | None:
        """The open request that the job belongs to."""
        return self._request_of.get(job)

    def began(self, job: Job) -> None:
        """A worker has the job."""
        if line := self._line(job.id):
            line.waiting.pop(job.id, None)
            line.running[job.id] = _Run(job=job, began=self._clock())

    def loading(self, job: JobId, name: str) -> None:
        """The worker reads weights for it."""
        if run := self._run(job):
            run.loading = name

    def stepped(self, job: JobId, step: int, preview: bytes) -> None:
        """A step is done."""
        if run := self._run(job):
            run.loading, run.step = "", step
            run.preview = preview or run.preview

    def drawn(self, job: JobId) -> None:
        """The device has finished with it; it is being saved."""
        if (line := self._line(job)) and line.running.pop(job, None):
            line.keeping += 1

    def back(self, job: Job) -> None:
        """The job waits again."""
        if line := self._line(job.id):
            line.running.pop(job.id, None)
            line.waiting[job.id] = job

    def ended(self, job: JobId) -> None:
        """The job will not be heard of again."""
        line = self._line(job)
        if line is None:
            return
        del self._request_of[job]
        line.waiting.pop(job, None)
        if line.running.pop(job, None) is None and line.keeping:
            line.keeping -= 1
        line.done += 1
        if line.done >= line.total:
            del self._lines[line.request.id]

    def busy(self) -> tuple[float, ...]:
        """Predicted seconds that each running job still needs."""
        return tuple(
            self._left(run) for line in self._lines.values() for run in line.running.values()
        )

    def standing(self, request: RequestId) -> Standing | None:
        """How the request stands, or None when it is not open."""
        line = self._lines.get(request)
        if line is None:
            return None
        turns: dict[JobId, _Turn] = {}
        for job in {min(line.waiting), max(line.waiting)} if line.waiting else ():
            starts_in = self._queue.eta(job, seats=self._seats, busy=self.busy())
            turns[job] = _Turn(ahead=self._queue.ahead_of(job), starts_in=starts_in)
        return self._standing(line, turns)

    def standings(self) -> tuple[Standing, ...]:
        """Every open request, those being drawn first, then in the order of their turn."""
        turns = self._turns()
        found = [self._standing(line, turns) for line in self._lines.values()]
        return tuple(sorted(found, key=lambda s: (s.phase is Phase.WAITING, s.ahead, s.request)))

    def _turns(self) -> dict[JobId, _Turn]:
        """The turn of every waiting job: one replay for all, where `standing` needs two for one."""
        free = [*self.busy(), *[0.0] * (self._seats - len(self.busy()))]
        heapify(free)
        turns = {}
        for ahead, job in enumerate(self._queue.order()):
            turns[job.id] = _Turn(ahead=ahead, starts_in=free[0])
            heapreplace(free, free[0] + job.cost)
        return turns

    def _standing(self, line: _Line, turns: dict[JobId, _Turn]) -> Standing:
        run = next(iter(line.running.values()), None)
        # A person's jobs keep their order, so the first and the last are known by their ids.
        first = turns[min(line.waiting)] if line.waiting else _Turn(ahead=0, starts_in=0.0)
        ready_in = self._left(run) if run else 0.0
        if line.waiting:
            last = max(line.waiting)
            ready_in = turns[last].starts_in + line.waiting[last].cost
        return Standing(
            request=line.request.id,
            owner=line.request.owner,
            phase=self._phase(line, run),
            done=line.done,
            total=line.total,
            ahead=0 if run else first.ahead,
            starts_in=0.0 if run else first.starts_in,
            ready_in=ready_in,
            loading=run.loading if run else "",
            step=run.step if run else 0,
            steps=run.job.recipe.steps if run else 0,
            preview=run.preview if run else b"",
            words=line.request.words,
        )

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

    def _phase(self, line: _Line, run: _Run | None) -> Phase:
        if run is None:
            return Phase.WAITING if line.waiting else Phase.KEEPING
        return Phase.LOADING if run.loading or not run.step else Phase.DRAWING

    def _left(self, run: _Run) -> float:
        by_prediction = run.job.cost - (self._clock() - run.began)
        by_steps = run.job.cost * (1 - run.step / run.job.recipe.steps)
        return max(0.0, by_steps if run.step else by_prediction)

    def _line(self, job: JobId) -> _Line | None:
        request = self._request_of.get(job)
        return None if request is None else self._lines.get(request)

    def _run(self, job: JobId) -> _Run | None:
        line = self._line(job)
        return line.running.get(job) if line else None
