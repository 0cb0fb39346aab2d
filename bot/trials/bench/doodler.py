"""The program that `restarting` times: the bot with a worker that is ready at once.

    python bot/trials/bench/doodler.py FOLDER     prints `draws N` at the first of N orders

It is run by its path, so that nothing of `bot.trials.bench` is loaded: the bot's own start does
not.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from bot.app import open_app
from bot.settings import Settings
from generation.fleet.wire import (
    Describe,
    Described,
    Holding,
    Loading,
    Ready,
    Render,
    Report,
    Score,
    Scored,
)
from generation.job import JobId
from generation.picture import UNKNOWN
from generation.recipe import Recipe


class Doodler:
    """A worker that is ready at once, and tells of its first order."""

    def __init__(self) -> None:
        self.ordered = asyncio.Event()

    @property
    def ready(self) -> Ready | None:
        """At once."""
        return Ready(environment=UNKNOWN, memory_bytes=2**33)

    @property
    def holding(self) -> Holding:
        """Nothing."""
        return Holding(on_device=(), in_memory=())

    async def start(self) -> Ready:
        """There is nothing to start."""
        assert self.ready is not None
        return self.ready

    async def render(self, order: Render) -> AsyncIterator[Report]:
        """Tell, and read weights for ever."""
        self.ordered.set()
        while True:
            yield Loading(job=order.job, name=order.recipe.leading.name)
            await asyncio.sleep(3600.0)

    async def describe(self, order: Describe) -> Described:
        """Nothing, as long as anybody listens."""
        self.ordered.set()
        await asyncio.Event().wait()
        return Described(job=order.job, words="", sure=0.0, seconds=0.0, loading_seconds=0.0)

    async def score(self, order: Score) -> Scored:
        """The same."""
        self.ordered.set()
        await asyncio.Event().wait()
        return Scored(job=order.job, scores=(), seconds=0.0, loading_seconds=0.0)

    async def cancel(self, job: JobId) -> None:
        """Nothing is drawn."""

    async def pause(self, job: JobId) -> None:
        """Nothing is drawn."""

    async def resume(self, job: JobId) -> None:
        """Nothing is drawn."""

    async def prefetch(self, recipe: Recipe) -> None:
        """Nothing is needed."""

    async def stop(self) -> None:
        """There is nothing to stop."""


async def _main(folder: Path) -> None:
    worker = Doodler()
    settings = Settings(data=folder, assist="off")
    # On Discord as a real start: its imports cost time.
    async with open_app(settings, [worker]) as app, app.on_discord():
        await worker.ordered.wait()
        print("draws", app.replayed, flush=True)
        await asyncio.Event().wait()  # to be killed


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
