"""How long a decision takes when 10,000 people wait with 100,000 jobs.

Invariant: what is measured is time of the processor, for the throughput the best of several rounds
counts, and both are told at the pace of the reference processor (`generation.yardstick`): so they
are about the queue, and not about the machine or what else it is doing.
"""

from __future__ import annotations

import random
from time import process_time

from generation.job import GroupId, Job, JobId, Share, UserId
from generation.simulator.engine import SimulatedSeat, TurnPolicy
from generation.simulator.figures import Figures, percentile
from generation.simulator.policies import Contender
from generation.simulator.traces import DISK, recipe
from generation.yardstick import processor_slowness

GROUPS = 500
ROUNDS, DECISIONS = 5, 4_000


def figures(contender: Contender) -> Figures:
    """For the full crowd, and by how much a decision costs more than with a tenth of it."""
    small, _ = _decide(contender, people=1_000, jobs=10_000)
    before = processor_slowness()
    large, seconds = _decide(contender, people=10_000, jobs=100_000)
    slowness = max(before, processor_slowness())
    return {
        "decisions/s": large * slowness,
        "p99 ms": percentile(seconds, 99) * 1000 / slowness,
        "longest ms": max(seconds) * 1000 / slowness,
        "x10": small / large,
        "slowness": slowness,
    }


def _decide(contender: Contender, *, people: int, jobs: int) -> tuple[float, list[float]]:
    """Decisions per second, and how long each took."""
    policy = contender.make(1)
    for job in _crowd(people, jobs):
        policy.put(job, 0.0)
    day = _Day(policy)
    day.serve(ROUNDS * DECISIONS)
    starts = range(0, ROUNDS * DECISIONS, DECISIONS)
    best = min(sum(day.seconds[start : start + DECISIONS]) for start in starts)
    return DECISIONS / best, day.seconds


class _Day:
    """Chunk after chunk on one seat; a decision is the end of one and the choice of the next."""

    def __init__(self, policy: TurnPolicy) -> None:
        self.seconds: list[float] = []  # that each decision took
        self._policy = policy
        models = [model for name, model in DISK.items() if name != "video"]
        self._seat = SimulatedSeat(0, 1, {model.key: model.swap for model in models})
        self._left: dict[JobId, float] = {}
        self._now = 0.0
        self._job = policy.take(self._seat, self._now)

    def serve(self, decisions: int) -> None:
        for _ in range(decisions):
            job = self._job
            assert job is not None, "a crowd was promised"
            seconds = self._seat.load(job.needs)
            rest = self._left.pop(job.id, job.cost)
            chunk = min(2.0, rest)
            self._now += seconds + chunk
            if rest > chunk:
                self._left[job.id] = rest - chunk
            left = self._left.get(job.id)
            before = process_time()
            self._policy.settle(job.id, seconds + chunk, self._now, left=left)
            self._job = self._policy.take(self._seat, self._now)
            self.seconds.append(process_time() - before)


def _crowd(people: int, jobs: int) -> list[Job]:
    dice = random.Random(0)
    shares = [Share(group=GroupId(f"server {number}")) for number in range(GROUPS)]
    models = [name for name in DISK if name != "video"]
    crowd = []
    for number in range(jobs):
        owner = dice.randrange(people)
        crowd.append(
            Job(
                id=JobId(number),
                owner=UserId(owner),
                recipe=recipe(dice.choice(models), 28),
                cost=dice.uniform(2.0, 12.0),
                share=shares[owner % GROUPS],
            )
        )
    return crowd
