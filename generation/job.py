"""A job: a recipe somebody waits for.  An errand: an answer about a picture that is waited for.

The recipe decides the pixels; the job says whose turn it takes up and what it will cost them.  An
errand takes its turn as a job does, and is paid for as one, but nothing of it is stored: whoever
asked still waits for the answer, or it is gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NewType

from generation.model_key import ModelKey, key_of, model_key
from generation.recipe import Recipe, Weights

JobId = NewType("JobId", int)
UserId = NewType("UserId", int)
GroupId = NewType("GroupId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Out of whose part of the device a job is paid.

    The device is divided among groups by their weights (a Discord server is a group; newcomers of
    all servers together are one), and a group's part among its members by theirs.
    """

    group: GroupId
    group_weight: float = 1.0
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture to draw."""

    id: JobId
    owner: UserId
    recipe: Recipe
    cost: float  # predicted seconds of the device
    share: Share

    needs: ModelKey = field(init=False)  # on the device; kept, as queues ask for it all the time

    def __post_init__(self) -> None:
        object.__setattr__(self, "needs", model_key(self.recipe))


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One picture to say of what it shows: in words, or how well given words say it.

    The number is below 0, so that it comes before what the same person waits for already.
    """

    id: JobId
    owner: UserId
    weights: Weights  # of the captioner or scorer
    picture: bytes = field(repr=False)
    cost: float  # predicted seconds of the device
    share: Share
    texts: tuple[str, ...] = field(default=(), repr=False)  # to be scored; none: it is described

    needs: ModelKey = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "needs", key_of(self.weights))


AnyJob = Job | Errand
