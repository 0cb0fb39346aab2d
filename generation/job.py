"""A job: a recipe somebody waits for.

The recipe decides the pixels; the job says whose turn it takes up and what it will cost them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from generation.recipe import Recipe

JobId = NewType("JobId", int)
UserId = NewType("UserId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture to draw."""

    id: JobId
    owner: UserId
    recipe: Recipe
    cost: float  # predicted seconds of the device


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job has come."""

    job: JobId
    step: int
    steps: int
    preview: bytes | None = None  # a small JPEG of the picture so far
