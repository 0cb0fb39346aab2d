"""The port to a worker: one seat where one job at a time is drawn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from generation.fleet.wire import (
    Describe,
    Described,
    Holding,
    Ready,
    Render,
    Report,
    Score,
    Scored,
)
from generation.job import JobId
from generation.recipe import Recipe


class Worker(Protocol):
    """One seat where one job at a time is drawn."""

    @property
    def ready(self) -> Ready | None:
        """What the worker said of itself when it started; None while there is no live one."""

    @property
    def holding(self) -> Holding:
        """The checkpoints at hand, as the worker last said; nothing while there is no live one."""

    async def start(self) -> Ready:
        """Start, or start again after a death, and wait until it can draw.  Raises WorkerDied."""

    def render(self, order: Render) -> AsyncIterator[Report]:
        """Draw one job.

        Yields Stepped any number of times, Drawn once (the seat is free for the next job) and
        Finished once.  Raises Cancelled, OutOfMemory, UnusableWeights, BadPicture, RenderFailed,
        or WorkerDied when the process is gone.
        """

    async def describe(self, order: Describe) -> Described:
        """Say what a picture shows; it takes its turn among what is drawn.  Raises as `render`."""

    async def score(self, order: Score) -> Scored:
        """Say how well words fit a picture; in its turn, too.  Raises as `render`."""

    async def cancel(self, job: JobId) -> None:
        """End the job within one step; its `render` then raises Cancelled.  Unknown: no effect."""

    async def pause(self, job: JobId) -> None:
        """Hold the job at its next step boundary; its state stays in the worker's memory."""

    async def resume(self, job: JobId) -> None:
        """Let a paused job go on."""

    async def prefetch(self, recipe: Recipe) -> None:
        """Have these weights read while something else is drawn.  A hint: it may be ignored."""

    async def stop(self) -> None:
        """End the worker, politely for a moment and then with SIGKILL."""
