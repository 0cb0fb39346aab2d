"""Seats for tests of the queue: one card that holds so many models, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from generation.job import GroupId, Job, JobId, Share, UserId
from generation.model_key import ModelKey, model_key
from generation.queue.fair_queue import FairQueue, SeatId
from generation.recipe import Weights
from tests.given.builders import a_digest, a_recipe

ANN, BEN, CLEO, DAN = (UserId(number) for number in (1, 2, 3, 4))
HERE, THERE = GroupId("here"), GroupId("there")

_RECIPES = {
    model_key(recipe): recipe
    for letter in "fac"
    if (recipe := a_recipe(checkpoint=Weights(name=letter, sha256=a_digest(letter))))
}
FLOWER, SKETCH, FILM = _RECIPES  # three models


def a_job(
    number: int,
    owner: UserId = ANN,
    cost: float = 1.0,
    *,
    model: ModelKey = FLOWER,
    group: GroupId = HERE,
    weight: float = 1.0,
    group_weight: float = 1.0,
) -> Job:
    share = Share(group=group, group_weight=group_weight, weight=weight)
    return Job(id=JobId(number), owner=owner, recipe=_RECIPES[model], cost=cost, share=share)


@dataclass
class Card:
    """A seat; loading a model costs `swaps[model]` seconds (1 unless it says so)."""

    id: SeatId = SeatId("card")  # noqa: RUF009  # a plain string
    room: int = 1  # models that fit at once
    swaps: Mapping[ModelKey, float] = field(default_factory=dict)
    too_big: Collection[ModelKey] = ()
    loaded: list[ModelKey] = field(default_factory=list)

    def is_warm(self, model: ModelKey) -> bool:
        return model in self.loaded

    def swap_seconds(self, model: ModelKey) -> float:
        return 0.0 if self.is_warm(model) else self.swaps.get(model, 1.0)

    def can_draw(self, model: ModelKey) -> bool:
        return model not in self.too_big

    def holds(self, models: Collection[ModelKey]) -> bool:
        return len(set(models)) <= self.room

    def load(self, model: ModelKey) -> float:
        """Use a model; returns the seconds that takes."""
        seconds = self.swap_seconds(model)
        if model in self.loaded:
            self.loaded.remove(model)
        self.loaded = [*self.loaded, model][-self.room :]
        return seconds


def a_warm_card(name: str = "card", **fields: object) -> Card:
    """A seat that has every model at hand."""
    return Card(id=SeatId(name), room=3, loaded=[FLOWER, SKETCH, FILM], **fields)  # type: ignore[arg-type]


@dataclass
class Drawing:
    """A queue and one seat in simulated time: whoever is taken draws a chunk, and settles it."""

    queue: FairQueue
    card: Card = field(default_factory=a_warm_card)
    now: float = 0.0
    truth: Callable[[Job], float] = lambda job: job.cost  # what jobs really cost
    left: dict[JobId, float] = field(default_factory=dict)
    served: dict[UserId, float] = field(default_factory=dict)
    begun: list[int] = field(default_factory=list)  # jobs in the order in which they begin
    ended: list[int] = field(default_factory=list)

    def chunk(self) -> Job | None:
        """Draw one chunk."""
        job = self.queue.take(self.card, self.now)
        if not isinstance(job, Job):
            return None
        if job.id not in self.left:
            self.begun.append(job.id)
            self.left[job.id] = self.truth(job)
        drawn = min(self.queue.rules.chunk, self.left[job.id])
        seconds = drawn + self.card.load(job.needs)
        self.now += seconds
        self.served[job.owner] = self.served.get(job.owner, 0.0) + seconds
        self.left[job.id] -= drawn
        over = self.left[job.id] <= 1e-9
        if over:
            self.ended.append(job.id)
        self.queue.settle(job.id, seconds, self.now, left=None if over else self.left[job.id])
        return job

    def chunks(self, count: int) -> None:
        for _ in range(count):
            self.chunk()

    def until(self, moment: float) -> None:
        while self.now < moment and self.chunk() is not None:
            pass

    def all(self) -> list[int]:
        """Draw until nobody waits; returns the jobs in the order in which they began."""
        while self.chunk() is not None:
            pass
        return self.begun
