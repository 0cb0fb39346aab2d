"""The same recipe made again: elsewhere, paused, from its file alone, after the process has died.

The invariant: what is compared is what a worker says of a work, the digests of its content and of
its latents; and of a file, the digest of the content that is read back from it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from generation.errors import Lossy, RenderFailed, WorkerDied
from generation.fleet.local import PROGRAM, LocalWorker
from generation.fleet.wire import Finished, Render, Stepped
from generation.job import JobId
from generation.media.table import carried, medium_of
from generation.picture import Environment
from generation.recipe import Sha256
from generation.trials.media.recipes import AskedWork

HALTING = (sys.executable, "-m", "generation.worker.trials.halting")

ELSEWHERE = "another process, after other works"
PAUSED = "paused behind every step"
FROM_FILE = "from its file alone"
RESTARTED = "after the process was killed"
WAYS = (ELSEWHERE, PAUSED, FROM_FILE, RESTARTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstMade:
    """A work as it was made the first time, and where its file lies."""

    asked: AskedWork
    content: str
    latents: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Remade:
    """A work that was made again, and in what it is another one; nothing: it is the same."""

    original: FirstMade
    way: str
    differs: tuple[str, ...]


def compared(original: FirstMade, way: str, made: Finished) -> Remade:
    """Whether a worker's second work is its first."""
    found = {
        "content": made.pixels_sha256 != original.content,
        "latents": made.latents_sha256 != original.latents,
    }
    return Remade(original=original, way=way, differs=tuple(name for name in found if found[name]))


@dataclass(slots=True)
class KeptWorks:
    """Where works and what they are made of are kept, by nothing but their bytes."""

    path: Path
    inputs: dict[Sha256, bytes] = field(default_factory=dict)

    def keep(self, number: int, asked: AskedWork, made: Finished) -> FirstMade:
        """Write the file, and remember the inputs."""
        for one, data in zip(asked.recipe.inputs, asked.inputs, strict=True):
            self.inputs[one.sha256] = data
        suffix = medium_of(asked.recipe).suffix_for(made.file)
        path = self.path / f"{number}{suffix}"
        path.write_bytes(made.file)
        return FirstMade(
            asked=asked, content=made.pixels_sha256, latents=made.latents_sha256, path=path
        )

    def asked_in(self, original: FirstMade) -> tuple[AskedWork, tuple[str, ...]]:
        """What the file says is to be made, and what in the file is not as it was made."""
        file = original.path.read_bytes()
        found = carried(file)
        if found is None:
            return original.asked, ("file: no recipe",)
        recipe, medium = found
        wrong = [] if recipe == original.asked.recipe else ["file: another recipe"]
        with contextlib.suppress(Lossy):
            if medium.digest_in(file) != original.content:
                wrong.append("file: another content")
        inputs = tuple(self.inputs[one.sha256] for one in recipe.inputs)
        return AskedWork(medium=medium.name, recipe=recipe, inputs=inputs), tuple(wrong)


class Maker:
    """A worker, and how a work is made by it."""

    def __init__(self, worker: LocalWorker, *, preview_every: int = 0) -> None:
        self._worker, self._preview_every = worker, preview_every
        self._numbers = iter(range(1, 10**9))
        self.pauses = 0

    async def start(self) -> Environment:
        """Start the process, also after it has died."""
        return (await self._worker.start()).environment

    async def made(self, asked: AskedWork, between: Iterator[AskedWork] | None = None) -> Finished:
        """The work; with others, by a worker that halts, and one of them behind each step."""
        order = self._order(asked)
        async for report in self._worker.render(order):
            if isinstance(report, Stepped):  # one that halts goes on at once
                if between is not None:
                    await self.made(next(between))
                    self.pauses += 1
                await self._worker.resume(order.job)
            if isinstance(report, Finished):
                return report
        raise RenderFailed("it ended without a work")

    async def killed(self, asked: AskedWork) -> None:
        """Have the process killed in the middle of a work, and wait for the news."""
        with contextlib.suppress(WorkerDied, ProcessLookupError):
            async for report in self._worker.render(self._order(asked)):
                if isinstance(report, Stepped) and (pid := self._worker.pid) is not None:
                    os.kill(pid, signal.SIGKILL)

    def _order(self, asked: AskedWork) -> Render:
        return Render(
            job=JobId(next(self._numbers)),
            recipe=asked.recipe,
            inputs=asked.inputs,
            preview_every=self._preview_every,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialGround:
    """Where the models lie, on which device they draw, and a folder of our own."""

    models: Sequence[Path]
    device: str
    folder: Path

    @contextlib.asynccontextmanager
    async def maker(
        self, program: Sequence[str] = PROGRAM, *, preview_every: int = 0
    ) -> AsyncIterator[Maker]:
        """A process that has begun."""
        worker = LocalWorker(
            self.models, self.folder / "digests.json", self.device, program=program
        )
        maker = Maker(worker, preview_every=preview_every)
        try:
            await maker.start()
            yield maker
        finally:
            await worker.stop()


async def first_made(
    maker: Maker, asked: Sequence[AskedWork], folder: KeptWorks
) -> list[FirstMade]:
    """Each work for the first time."""
    return [folder.keep(n, one, await maker.made(one)) for n, one in enumerate(asked)]


async def after_a_death(maker: Maker, originals: Sequence[FirstMade]) -> list[Remade]:
    """In a process that follows one that was killed; the last work is the first."""
    await maker.killed(originals[0].asked)
    await maker.start()
    return [compared(one, RESTARTED, await maker.made(one.asked)) for one in reversed(originals)]


async def elsewhere(
    maker: Maker, originals: Sequence[FirstMade], others: Sequence[AskedWork], dice: Random
) -> list[Remade]:
    """In a process that has made other works, and makes these in another order."""
    for other in others:
        await maker.made(other)
    return [
        compared(one, ELSEWHERE, await maker.made(one.asked)) for one in _shuffled(originals, dice)
    ]


async def from_files(
    maker: Maker, originals: Sequence[FirstMade], folder: KeptWorks, dice: Random
) -> list[Remade]:
    """By the recipe in each file, and nothing else but the inputs that it names by digest."""
    found = []
    for one in _shuffled(originals, dice):
        asked, wrong = folder.asked_in(one)
        again = compared(one, FROM_FILE, await maker.made(asked))
        found.append(replace(again, differs=(*wrong, *again.differs)))
    return found


async def paused(
    maker: Maker, originals: Sequence[FirstMade], others: Sequence[AskedWork]
) -> list[Remade]:
    """In a process that halts behind every step, where works of all media are made meanwhile."""
    between = itertools.cycle(others)
    return [compared(one, PAUSED, await maker.made(one.asked, between)) for one in originals]


def _shuffled(originals: Sequence[FirstMade], dice: Random) -> list[FirstMade]:
    return dice.sample(originals, len(originals))
