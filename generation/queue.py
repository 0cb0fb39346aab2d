"""Whose turn is it?  Theirs, who have been given the least.

Each person has an account of the seconds served to them, divided by their weight: their *tag*.  The
next job comes from the smallest tag, so whoever queues fifty pictures waits behind forty-nine of
their own, never in front of anyone else's.  A job is charged with its predicted cost when it is
taken, and settled with the measured one when it ends.

The *level* is the clock that newcomers are set to: the tag of whoever is being served.  Time away
earns no credit (a tag below the level is lifted to it on return), and debt survives (a tag above it
stays).

The bound: while two people both keep waiting, what they are served, divided by weight, differs by
at most the cost of one job of each, divided by weight.  `tests/test_queue.py` holds it.

No clock, no I/O, no randomness: the same calls in the same order give the same jobs in the same
order.  This is start-time fair queueing (Goyal, Vin and Cheng, 1996) with accounts that outlive
an idle spell, charged ahead as Kubernetes' Kueue learnt to (KEP-4136).
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace

from generation.errors import GenerationError
from generation.job import Job, JobId, UserId

# Newcomers start level with whoever is served, so an endless stream of them could keep the level,
# and everybody above it, where they are.  Hence the level also moves by itself, at this part of the
# speed of the average tag.  At 1 it would be fair to the second, but a short job would wait half a
# round of long ones; at 0 a debt of a minute may wait for ever.
CREEP = 0.25


class QueueFull(GenerationError):
    """One person has enough waiting: `waiting` and `limit` count `what`, "jobs" or "seconds"."""

    def __init__(self, waiting: int, limit: int, what: str) -> None:
        super().__init__(f"{waiting} {what} would wait for one person; the limit is {limit}")
        self.waiting, self.limit, self.what = waiting, limit, what


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What must be remembered for the queue to stay fair across a restart."""

    level: float
    tags: Mapping[UserId, float]  # seconds / weight; without the charges of unfinished jobs


@dataclass(frozen=True, slots=True)
class _Charge:
    job: Job
    weight: float  # as it was when the job was taken


class FairQueue:
    """Jobs in waiting, and the accounts of their owners."""

    def __init__(
        self, *, max_jobs_per_user: int = 16, max_seconds_per_user: float = 1800.0
    ) -> None:
        self._max_jobs = max_jobs_per_user
        self._max_seconds = max_seconds_per_user
        self._level = 0.0
        self._tags: dict[UserId, float] = {}
        self._weights: dict[UserId, float] = {}
        self._lines: dict[UserId, deque[Job]] = {}  # never empty ones
        self._owners: dict[JobId, UserId] = {}  # of the waiting jobs
        self._running: dict[JobId, _Charge] = {}
        # The first job of every line under its owner's tag; ties go to whoever came first.  Entries
        # that no longer say the truth stay until they surface.
        self._turns: list[tuple[float, JobId, UserId]] = []
        self._resuming: set[UserId] = set()

    def __len__(self) -> int:
        return len(self._owners)

    def room_for(self, user: UserId, costs: Sequence[float]) -> None:
        """Raise QueueFull when these jobs are too much for one person's line.

        `put` refuses nobody: what is stored as a ticket must find its place again after a restart.
        A single job is never too long, or a bad prediction could shut somebody out for good.
        """
        jobs = len(self._lines.get(user, ())) + len(costs)
        seconds = sum(job.cost for job in self._lines.get(user, ())) + sum(costs)
        if jobs > self._max_jobs:
            raise QueueFull(jobs, self._max_jobs, "jobs")
        if jobs > 1 and seconds > self._max_seconds:
            raise QueueFull(math.ceil(seconds), math.floor(self._max_seconds), "seconds")

    def put(self, job: Job, *, weight: float = 1.0) -> None:
        """Let a job wait at the end of its owner's line.  The weight holds until the next `put`."""
        if not 0.0 < job.cost < math.inf or not 0.0 < weight < math.inf:
            raise ValueError(f"cost {job.cost} and weight {weight} must be positive and finite")
        if job.id in self._owners or job.id in self._running:
            raise ValueError(f"job {job.id} is here already")
        if job.owner not in self._lines and job.owner not in self._resuming:
            # Whoever slept all night must not wake up owning the morning.
            self._tags[job.owner] = max(self._tags.get(job.owner, 0.0), self._level)
        self._weights[job.owner] = weight
        self._line_up(job)

    def take(self) -> Job | None:
        """Remove the next job to run and charge its owner; None if nobody waits."""
        self._resuming.clear()
        while self._turns:
            tag, job_id, owner = heappop(self._turns)
            if self._is_true(tag, job_id, owner):
                break
        else:
            return None
        waiting = len(self._lines)
        job = self._drop(job_id)
        price = job.cost / self._weights[owner]
        self._level = max(self._level + CREEP * price / waiting, tag)
        self._running[job.id] = _Charge(job, self._weights[owner])
        self._credit(owner, -price)
        return job

    def settle(self, job_id: JobId, seconds: float) -> None:
        """End a taken job: its owner pays what it took instead of what was predicted."""
        if not 0.0 <= seconds < math.inf:
            raise ValueError(f"{seconds} seconds cannot be paid")
        charge = self._running.pop(job_id)
        self._credit(charge.job.owner, (charge.job.cost - seconds) / charge.weight)

    def put_back(self, job_id: JobId) -> None:
        """Undo a `take` that came to nothing: the money back, and the old place in the line."""
        charge = self._running[job_id]
        self.settle(job_id, 0.0)
        self._line_up(charge.job)

    def cancel(self, job_id: JobId) -> Job | None:
        """Remove a waiting job; None if it does not wait (it runs, or is unknown)."""
        if job_id not in self._owners:
            return None
        job = self._drop(job_id)
        self._announce(job.owner)
        return job

    def waiting_of(self, user: UserId) -> tuple[Job, ...]:
        """One person's line, first come first."""
        return tuple(self._lines.get(user, ()))

    def order(self) -> tuple[Job, ...]:
        """All waiting jobs in the order in which they will start if nothing else happens."""
        return tuple(self._replay())

    def ahead_of(self, job_id: JobId) -> int:
        """How many waiting jobs will start before this one; 0 for a running one."""
        if job_id in self._running:
            return 0
        return next(i for i, job in enumerate(self._replay_to(job_id)) if job.id == job_id)

    def eta(self, job_id: JobId, *, seats: int, busy: Sequence[float]) -> float:
        """Seconds until the job starts; `busy` are the remaining seconds of the running jobs."""
        if job_id in self._running:
            return 0.0
        free = [*busy, *[0.0] * (max(seats, 1) - len(busy))]  # when each seat is free
        heapify(free)
        for job in self._replay_to(job_id):
            if job.id != job_id:
                heapreplace(free, free[0] + job.cost)
        return free[0]

    def accounts(self) -> Accounts:
        """The accounts as if every running job had been put back, as it will be after a crash."""
        tags = {u: t for u, t in self._tags.items() if t > self._level or u in self._lines}
        for charge in self._running.values():
            owner = charge.job.owner
            tags[owner] = tags.get(owner, self._tags[owner]) - charge.job.cost / charge.weight
        return Accounts(level=self._level, tags=tags)

    def restore(self, accounts: Accounts) -> None:
        """Take over the accounts of an earlier life, before the first `put`.

        Whoever is put again before the first `take` has waited all along, and keeps a tag below the
        level.
        """
        self._level = accounts.level
        self._tags = dict(accounts.tags)
        self._resuming = set(accounts.tags)

    def _line_up(self, job: Job) -> None:
        # Ids are given in the order of arrival, so a job that was put back finds its old place.
        line = self._lines.setdefault(job.owner, deque())
        if line and line[-1].id > job.id:
            insort(line, job, key=lambda other: other.id)
        else:
            line.append(job)
        self._owners[job.id] = job.owner
        if line[0] is job:
            self._announce(job.owner)

    def _drop(self, job_id: JobId) -> Job:
        owner = self._owners.pop(job_id)
        line = self._lines[owner]
        at = next(i for i, job in enumerate(line) if job.id == job_id)
        job = line[at]
        del line[at]
        if not line:
            del self._lines[owner]
        return job

    def _credit(self, owner: UserId, amount: float) -> None:
        self._tags[owner] -= amount
        self._announce(owner)

    def _announce(self, owner: UserId) -> None:
        if owner not in self._lines:
            return
        heappush(self._turns, (self._tags[owner], self._lines[owner][0].id, owner))
        if len(self._turns) > 64 + 4 * len(self._lines):
            self._turns = [turn for turn in self._turns if self._is_true(*turn)]
            heapify(self._turns)

    def _is_true(self, tag: float, job_id: JobId, owner: UserId) -> bool:
        line = self._lines.get(owner)
        return line is not None and line[0].id == job_id and self._tags[owner] == tag

    def _replay_to(self, job_id: JobId) -> Iterator[Job]:
        """The waiting jobs in order, ending with this one.  Raises KeyError if it does not wait."""
        self._owners[job_id]
        for job in self._replay():
            yield job
            if job.id == job_id:
                return

    def _replay(self) -> Iterator[Job]:
        """Play `take` on a copy.  Lazy: it costs the people once, then only the jobs asked for."""
        turns = []
        for owner, line in self._lines.items():
            rest = iter(line)
            first = next(rest)
            turns.append((self._tags[owner], first.id, first, rest))
        heapify(turns)
        while turns:
            tag, _, job, rest = turns[0]
            yield job
            following = next(rest, None)
            if following is None:
                heappop(turns)
            else:
                tag += job.cost / self._weights[job.owner]
                heapreplace(turns, (tag, following.id, following, rest))
