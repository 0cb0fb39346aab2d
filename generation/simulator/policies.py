"""What others do, through the same face as `FairQueue`, and the contenders by name.

`Fifo` is what most bots have; `WarmFirst` swaps as rarely as can be, whoever waits; `RoundRobin`
is InvokeAI's rule since its multi-user queue (the user who was started longest ago; of theirs, the
first of 32 whose model is loaded); `TokenCounter` is the virtual token counter of Sheng et al.
(2024), counting seconds of the device.  None of them pauses a job.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from generation.job import Job, JobId, UserId
from generation.model_key import ModelKey
from generation.queue.fair_queue import FairQueue, Rules, Seat
from generation.simulator.engine import TurnPolicy

LOOKAHEAD = 32  # of RoundRobin, in one user's line


class Fifo:
    """First come, first served."""

    def __init__(self) -> None:
        self._line: deque[Job] = deque()

    def put(self, job: Job, _now: float) -> None:
        self._line.append(job)

    def take(self, _seat: Seat, _now: float) -> Job | None:
        return self._line.popleft() if self._line else None

    def settle(self, job_id: JobId, seconds: float, now: float, *, left: float | None) -> None:
        pass


class WarmFirst:
    """The oldest job whose model is on the device; if there is none, the oldest."""

    def __init__(self) -> None:
        self._lines: dict[ModelKey, deque[Job]] = {}

    def put(self, job: Job, _now: float) -> None:
        self._lines.setdefault(job.needs, deque()).append(job)

    def take(self, seat: Seat, _now: float) -> Job | None:
        heads = [(line[0].id, model) for model, line in self._lines.items() if line]
        if not heads:
            return None
        warm = [head for head in heads if seat.is_warm(head[1])]
        return self._lines[min(warm or heads)[1]].popleft()

    def settle(self, job_id: JobId, seconds: float, now: float, *, left: float | None) -> None:
        pass


class RoundRobin:
    """The user who was started longest ago; who never was comes first."""

    def __init__(self) -> None:
        self._lines: dict[UserId, deque[Job]] = {}
        self._started: dict[UserId, float] = {}
        # Last start, first job, user: one for each line that is not empty.
        self._turns: list[tuple[float, JobId, UserId]] = []

    def put(self, job: Job, _now: float) -> None:
        line = self._lines.setdefault(job.owner, deque())
        line.append(job)
        if len(line) == 1:
            self._queue_up(job.owner)

    def take(self, seat: Seat, now: float) -> Job | None:
        if not self._turns:
            return None
        _, _, owner = heappop(self._turns)
        line = self._lines[owner]
        near = range(min(LOOKAHEAD, len(line)))
        at = next((i for i in near if seat.is_warm(line[i].needs)), 0)
        job = line[at]
        del line[at]
        self._started[owner] = now
        if line:
            self._queue_up(owner)
        return job

    def settle(self, job_id: JobId, seconds: float, now: float, *, left: float | None) -> None:
        pass

    def _queue_up(self, owner: UserId) -> None:
        heappush(self._turns, (self._started.get(owner, -1.0), self._lines[owner][0].id, owner))


class TokenCounter:
    """The smallest counter of seconds / weight first; who returns is lifted to the smallest."""

    def __init__(self) -> None:
        self._lines: dict[UserId, deque[Job]] = {}
        self._counters: dict[UserId, float] = {}
        self._last = 0.0  # counter of whoever emptied the queue
        self._charged: dict[JobId, tuple[Job, float]] = {}
        self._turns: list[tuple[float, JobId, UserId]] = []  # some are no longer true

    def put(self, job: Job, _now: float) -> None:
        line = self._lines.setdefault(job.owner, deque())
        if not line:
            first = self._first()
            level = self._last if first is None else self._counters[first]
            self._counters[job.owner] = max(self._counters.get(job.owner, 0.0), level)
        line.append(job)
        if len(line) == 1:
            self._queue_up(job.owner)

    def take(self, seat: Seat, _now: float) -> Job | None:
        owner = self._first()
        if owner is None:
            return None
        job = self._lines[owner].popleft()
        heappop(self._turns)
        if self._first() is None:
            self._last = self._counters[owner]
        charged = job.cost + seat.swap_seconds(job.needs)
        self._charged[job.id] = (job, charged)
        self._charge(owner, charged / job.share.weight)
        return job

    def settle(
        self,
        job_id: JobId,
        seconds: float,
        _now: float,
        *,
        left: float | None,  # noqa: ARG002  # it never pauses
    ) -> None:
        job, charged = self._charged.pop(job_id)
        self._charge(job.owner, (seconds - charged) / job.share.weight)

    def _charge(self, owner: UserId, amount: float) -> None:
        self._counters[owner] += amount
        if self._lines[owner]:
            self._queue_up(owner)

    def _queue_up(self, owner: UserId) -> None:
        heappush(self._turns, (self._counters[owner], self._lines[owner][0].id, owner))

    def _first(self) -> UserId | None:
        while self._turns:
            counter, job, owner = self._turns[0]
            line = self._lines[owner]
            if line and line[0].id == job and self._counters[owner] == counter:
                return owner
            heappop(self._turns)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A policy under its name."""

    name: str
    make: Callable[[int], TurnPolicy]  # for so many seats
    chunk: float | None = None  # seconds between two chances to pause; None: it never pauses
    rules: Rules | None = field(default=None)


def fair(name: str, rules: Rules, queue: type[FairQueue] = FairQueue) -> Contender:
    """The real queue under these rules."""
    return Contender(
        name=name,
        make=lambda seats: queue(rules=rules, seats=seats),
        chunk=rules.chunk,
        rules=rules,
    )


FIFO = Contender(name="FIFO", make=lambda _: Fifo())
WARM = Contender(name="warm first", make=lambda _: WarmFirst())
ROUND = Contender(name="round robin", make=lambda _: RoundRobin())
VTC = Contender(name="VTC", make=lambda _: TokenCounter())
FAIR = fair("fair", Rules())
FAIR_2 = fair("fair, affinity 2", Rules(affinity=2.0))
FAIR_8 = fair("fair, affinity 8", Rules(affinity=8.0))
OTHERS: Sequence[Contender] = (FIFO, WARM, ROUND, VTC)
