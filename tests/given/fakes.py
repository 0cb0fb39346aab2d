"""Small honest stand-ins: they do what their port promises, only quickly."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator

from generation.errors import Cancelled, GenerationError, WorkerDied
from generation.fleet.wire import (
    Describe,
    Described,
    Drawn,
    Finished,
    Holding,
    Loading,
    Question,
    Ready,
    Render,
    Report,
    Score,
    Scored,
    Stepped,
)
from generation.job import JobId
from generation.media.table import MEDIA, Media, carried, medium_of
from generation.model_key import ModelKey, model_key
from generation.recipe import Recipe, needed
from tests.given.builders import an_environment


def steps_of(recipe: Recipe) -> int:
    """Those of sampling, or one where nothing is drawn."""
    return recipe.sampling.steps if recipe.sampling is not None else 1


def doodle(recipe: Recipe, brush: bytes) -> bytes:
    """RGB bytes that are a function of the recipe and the brush, and of nothing else."""
    colour = hashlib.sha256(recipe.id.encode() + brush).digest()[:3]
    return colour * (needed(recipe.canvas).width * needed(recipe.canvas).height)


class FakeWorker:
    """A Worker without a process: one colour per recipe, one job at a time, paused when told to.

    `deaths[prompt]` is how often it dies with such a job; `failures[prompt]` what such a job
    raises; while `gate` is clear, no step is made.  `log` tells what it was told and what it did.
    `step_seconds` and `encode_seconds` are the clock's, `step_cost` and `load_cost` the seconds of
    a device that it claims for a step and for weights that it does not have.
    """

    def __init__(
        self,
        *,
        step_seconds: float = 0.0,
        step_cost: float = 0.1,
        load_cost: float = 0.0,
        encode_seconds: float = 0.0,
        memory_bytes: int = 2**40,
        media: Media = MEDIA,
    ) -> None:
        self.media = media
        self.environment = an_environment()
        self.step_seconds, self.step_cost = step_seconds, step_cost
        self.load_cost, self.encode_seconds = load_cost, encode_seconds
        self.memory_bytes = memory_bytes
        self.starts = 0
        self.deaths: Counter[str] = Counter()
        self.failures: dict[str, GenerationError] = {}
        self.brush = b""  # stands for everything about a machine that moves the last bits
        self.gate = asyncio.Event()
        self.gate.set()
        self.orders: list[Render] = []
        self.described: list[Describe] = []
        self.caption, self.describe_cost = "a red cat at sea, flat", 0.5
        self.scored: list[Score] = []
        self.scores: dict[int, float] = {}  # of pictures by their seeds; of others 0
        self.prefetched: list[Recipe] = []
        self.log: list[tuple[str, JobId]] = []
        self.starts = 0
        self._ready: Ready | None = None
        self._on_device: tuple[ModelKey, ...] = ()
        self._line: list[JobId] = []  # the first that is not paused has the device
        self._paused: set[JobId] = set()
        self._cancelled: set[JobId] = set()
        self._died = 0
        self._moved = asyncio.Condition()

    @property
    def ready(self) -> Ready | None:
        return self._ready

    @property
    def holding(self) -> Holding:
        return Holding(on_device=self._on_device, in_memory=())

    async def start(self) -> Ready:
        self.starts += 1
        self._ready = Ready(environment=self.environment, memory_bytes=self.memory_bytes)
        return self._ready

    async def render(self, order: Render) -> AsyncIterator[Report]:
        self.orders.append(order)
        self._line.append(order.job)
        life = self._died
        try:
            async for report in self._drawn(order, life):
                yield report
        finally:
            await self._leave(order.job)

    async def _drawn(self, order: Render, life: int) -> AsyncIterator[Report]:
        recipe, steps = order.recipe, steps_of(order.recipe)
        await self._device(order.job, life)
        self.log.append(("began", order.job))
        loading = 0.0
        if model_key(recipe) not in self._on_device:
            loading = self.load_cost
            yield Loading(job=order.job, name=recipe.leading.name)
            self._on_device = (model_key(recipe),)
        if failure := self.failures.get(recipe.prompt):
            raise failure
        for step in range(1, steps + 1):
            await self._device(order.job, life)
            await self.gate.wait()
            await asyncio.sleep(self.step_seconds)
            if order.job in self._cancelled:
                raise Cancelled
            if self.deaths[recipe.prompt]:
                self.deaths[recipe.prompt] -= 1
                await self.die()
                await self._device(order.job, life)
            yield Stepped(
                job=order.job,
                done=step,
                total=steps,
                preview=b"",
                seconds=loading + self.step_cost * step,
            )
        await self._leave(order.job)
        self.log.append(("drew", order.job))
        yield Drawn(job=order.job, seconds=self.step_cost * steps, loading_seconds=loading)
        if self.encode_seconds:
            await asyncio.sleep(self.encode_seconds)
            if self._died != life:
                raise WorkerDied("it was killed by SIGKILL")
        rgb = self.content(recipe)
        medium = medium_of(recipe, self.media)
        yield Finished(
            job=order.job,
            file=medium.write(rgb, recipe, {}),
            pixels_sha256=medium.digest(rgb),
            latents_sha256=hashlib.sha256(b"latents" + rgb).hexdigest(),
            seconds=self.step_cost * steps,
        )

    def content(self, recipe: Recipe) -> bytes:
        """What it makes."""
        return doodle(recipe, self.brush)

    async def describe(self, order: Describe) -> Described:
        """The caption, after `describe_cost` seconds of a device that it claims."""
        self.described.append(order)
        await self._asked(order)
        return Described(
            job=order.job,
            words=self.caption,
            sure=0.9,
            seconds=self.describe_cost,
            loading_seconds=self.load_cost,
        )

    async def score(self, order: Score) -> Scored:
        """The picture's score for every text, after as long."""
        self.scored.append(order)
        await self._asked(order)
        return Scored(
            job=order.job,
            scores=(self._score(order.picture),) * len(order.texts),
            seconds=self.describe_cost,
            loading_seconds=self.load_cost,
        )

    def _score(self, picture: bytes) -> float:
        found = carried(picture)
        return self.scores.get(found[0].seed, 0.0) if found is not None else 0.0

    async def _asked(self, order: Question) -> None:
        self._line.append(order.job)
        life = self._died
        try:
            await self._device(order.job, life)
            await self.gate.wait()
            if self.deaths[order.name]:
                self.deaths[order.name] -= 1
                await self.die()
            await self._device(order.job, life)
            if failure := self.failures.get(order.name):
                raise failure
        finally:
            await self._leave(order.job)

    async def die(self) -> None:
        """As a process that is killed: every job that it has raises WorkerDied."""
        self._ready, self._on_device = None, ()
        self._died += 1
        self._line.clear()
        self._paused.clear()
        async with self._moved:
            self._moved.notify_all()

    async def cancel(self, job: JobId) -> None:
        self._cancelled.add(job)
        self.gate.set()
        await self._tell("cancel", job)

    async def pause(self, job: JobId) -> None:
        self._paused.add(job)
        await self._tell("pause", job)

    async def resume(self, job: JobId) -> None:
        self._paused.discard(job)
        await self._tell("resume", job)

    async def prefetch(self, recipe: Recipe) -> None:
        self.prefetched.append(recipe)

    async def stop(self) -> None:
        self._ready = None

    async def _tell(self, what: str, job: JobId) -> None:
        self.log.append((what, job))
        async with self._moved:
            self._moved.notify_all()

    async def _leave(self, job: JobId) -> None:
        if job in self._line:
            self._line.remove(job)
        async with self._moved:
            self._moved.notify_all()

    async def _device(self, job: JobId, life: int) -> None:
        """Wait until it is this job's turn."""

        def ours() -> bool:
            first = next((j for j in self._line if j not in self._paused), None)
            return first == job or job in self._cancelled or self._died != life

        async with self._moved:
            await self._moved.wait_for(ours)
        if self._died != life:
            raise WorkerDied("it was killed by SIGKILL")
        if job in self._cancelled:
            raise Cancelled
