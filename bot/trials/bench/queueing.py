"""What a decision of the queue costs while a crowd waits.

Ten thousand people of five hundred servers with a hundred thousand jobs, once for three models and
once for four; the dearer of the two counts.  A decision is the end of one chunk and the choice of
the next; what the bench does between two of them is not counted, nor what others do with the
processor meanwhile.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.trials.bench.figure import Figure, Ground, percentile
from bot.trials.bench.keeping import RECIPE
from generation.job import GroupId, Job, JobId, Share, UserId
from generation.model_key import ModelKey, model_key
from generation.queue.fair_queue import FairQueue, SeatId
from generation.recipe import Recipe, Sha256, Weights

PEOPLE, GROUPS, JOBS, DECISIONS = 10_000, 500, 100_000, 50_000
RECIPES = tuple(
    replace(RECIPE, checkpoint=Weights(name="m", sha256=Sha256(letter * 64))) for letter in "abcd"
)
SWAPS = dict(zip(map(model_key, RECIPES), (1.5, 4.0, 1.5, 8.0), strict=True))
MODELS = (3, 4)  # of these
HOW = f"{PEOPLE} people of {GROUPS} servers, {JOBS} jobs for 3 or 4 models, the worse; one core"


@dataclass
class _Card:
    """A seat that holds one model."""

    id: SeatId
    model: ModelKey

    def is_warm(self, model: ModelKey) -> bool:
        return model == self.model

    def swap_seconds(self, model: ModelKey) -> float:
        return 0.0 if model == self.model else SWAPS[model]

    def can_draw(self, model: ModelKey) -> bool:
        return model in SWAPS

    def holds(self, models: Collection[ModelKey]) -> bool:
        return {*models} <= {self.model}


async def decisions(_: Ground) -> tuple[Figure, ...]:
    """Chunk after chunk on one seat."""
    crowds = [_waits(RECIPES[:count]) for count in MODELS]
    return (
        Figure(
            name="queue_decision",
            what="A decision of the queue, on average (20 us: 50,000 a second)",
            value=max(sum(waits) for waits in crowds) / DECISIONS * 1e6,
            target=20.0,
            unit="us",
            how=HOW,
        ),
        Figure(
            name="queue_decision_p99",
            what="A decision of the queue, p99",
            value=max(percentile(waits, 99) for waits in crowds) * 1000,
            target=1.0,
            unit="ms",
            how=HOW,
        ),
    )


def _waits(recipes: Sequence[Recipe]) -> list[float]:
    """The seconds of each decision while a crowd wants these models."""
    queue, card = FairQueue(), _Card(SeatId("card"), model_key(recipes[0]))
    for job in _crowd(recipes):
        queue.put(job, 0.0)
    waits: list[float] = []
    # As `run` does at its start: what is here is not looked through again.
    gc.collect()
    gc.freeze()
    try:
        _serve(queue, card, waits)
    finally:
        gc.unfreeze()
    return waits


def _crowd(recipes: Sequence[Recipe]) -> list[Job]:
    dice = random.Random(4)
    shares = [Share(group=GroupId(f"guild {number}")) for number in range(GROUPS)]
    owners = [dice.randrange(PEOPLE) for _ in range(JOBS)]
    return [
        Job(
            id=JobId(number),
            owner=UserId(owner),
            recipe=dice.choice(recipes),
            cost=dice.uniform(2.0, 12.0),
            share=shares[owner % GROUPS],
        )
        for number, owner in enumerate(owners)
    ]


def _serve(queue: FairQueue, card: _Card, waits: list[float]) -> None:
    left: dict[JobId, float] = {}
    now = 0.0
    job = queue.take(card, now)
    for _ in range(DECISIONS):
        assert job is not None, "there are more jobs than decisions"
        swap = card.swap_seconds(job.needs)
        card.model = job.needs
        rest = left.pop(job.id, job.cost)
        chunk = min(queue.rules.chunk, rest)
        now += swap + chunk
        if rest > chunk:
            left[job.id] = rest - chunk
        began = time.process_time()
        queue.settle(job.id, swap + chunk, now, left=left.get(job.id))
        job = queue.take(card, now)
        waits.append(time.process_time() - began)
