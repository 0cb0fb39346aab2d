"""Small honest stand-ins: they do what their port promises, only quickly."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator

from generation import metadata
from generation.errors import Cancelled, GenerationError, WorkerDied
from generation.fleet.wire import Drawn, Finished, Loading, Ready, Render, Report, Stepped
from generation.job import JobId
from generation.recipe import Recipe
from tests.builders import an_environment


def doodle(recipe: Recipe, brush: bytes) -> bytes:
    """RGB bytes that are a function of the recipe and the brush, and of nothing else."""
    colour = hashlib.sha256(recipe.id.encode() + brush).digest()[:3]
    return colour * (recipe.width * recipe.height)


class FakeWorker:
    """A Worker without a process: one colour per recipe.

    `deaths[prompt]` is how often it dies with such a job; `failures[prompt]` what such a job
    raises; while `gate` is clear, no step is made.
    """

    def __init__(self, *, step_seconds: float = 0.0) -> None:
        self.environment = an_environment()
        self.step_seconds = step_seconds
        self.deaths: Counter[str] = Counter()
        self.failures: dict[str, GenerationError] = {}
        self.brush = b""  # stands for everything about a machine that moves the last bits
        self.gate = asyncio.Event()
        self.gate.set()
        self.orders: list[Render] = []
        self.starts = 0
        self._ready: Ready | None = None
        self._cancelled: set[JobId] = set()

    @property
    def ready(self) -> Ready | None:
        return self._ready

    async def start(self) -> Ready:
        self.starts += 1
        self._ready = Ready(environment=self.environment, memory_bytes=2**30)
        return self._ready

    async def render(self, order: Render) -> AsyncIterator[Report]:
        recipe = order.recipe
        self.orders.append(order)
        yield Loading(job=order.job, name=recipe.checkpoint.name)
        if failure := self.failures.get(recipe.prompt):
            raise failure
        for step in range(1, recipe.steps + 1):
            await self.gate.wait()
            await asyncio.sleep(self.step_seconds)
            if order.job in self._cancelled:
                raise Cancelled
            if self.deaths[recipe.prompt]:
                self.deaths[recipe.prompt] -= 1
                self._ready = None
                raise WorkerDied("it was killed by SIGKILL")
            yield Stepped(job=order.job, step=step, steps=recipe.steps, preview=b"")
        seconds = 0.1 * recipe.steps
        yield Drawn(job=order.job, seconds=seconds, loading_seconds=0.0)
        rgb = doodle(recipe, self.brush)
        png = metadata.png(
            rgb, recipe.width, recipe.height, recipe, model_name=recipe.checkpoint.name
        )
        yield Finished(
            job=order.job,
            png=png,
            pixels_sha256=metadata.rgb_sha256(rgb),
            latents_sha256=hashlib.sha256(b"latents" + rgb).hexdigest(),
            seconds=seconds,
        )

    async def cancel(self, job: JobId) -> None:
        self._cancelled.add(job)
        self.gate.set()

    async def pause(self, job: JobId) -> None:
        """Nothing is paused here."""

    async def resume(self, job: JobId) -> None:
        """Nothing is paused here."""

    async def stop(self) -> None:
        self._ready = None
