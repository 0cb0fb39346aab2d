"""The worker against plain diffusers, and the gap between two jobs."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from PIL import Image

from bot.app import BUILT_IN, default_model, open_app
from bot.cli.direct import ConsoleAudience, console
from bot.trials.bench.figure import Figure, Ground, nearly_all
from generation.catalog.catalog import Catalog
from generation.draft import Draft, DraftCanvas, DraftSampling, DraftWords, complete
from generation.errors import WorkerDied
from generation.fleet.local import LocalWorker
from generation.fleet.wire import (
    Describe,
    Described,
    Drawn,
    Finished,
    Holding,
    Ready,
    Render,
    Report,
    Score,
    Scored,
)
from generation.fleet.worker import Worker
from generation.job import JobId
from generation.recipe import Recipe, dump, needed

PAIRS = 30
JOBS = 60
REFERENCE = "generation.worker.trials.reference"
LONGEST_LINE = 2**28  # a picture in base64
QUIET = {
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "DIFFUSERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
}


# --- the worker against plain diffusers ---------------------------------------------------------


async def against_diffusers(ground: Ground) -> tuple[Figure, ...]:
    """Draw the same recipes with the worker and with the stock pipeline, in turns."""
    settings = ground.settings
    folders = (*settings.model_folders, BUILT_IN)
    digests = ground.folder / "digests.json"
    catalog = Catalog(folders, digests)
    await asyncio.to_thread(catalog.scan)
    model = default_model(settings, catalog)
    folder = catalog.locate(model.weights)
    worker = LocalWorker(folders, digests, settings.device)
    try:
        ready = await worker.start()
        device = ready.environment.device
        base = complete(
            Draft(words=DraftWords(prompt="a red flower")), model, seed=0, device=device
        )
        async with _reference(device) as ask:
            ours, theirs, differing = [], [], 0
            for number in range(PAIRS + 1):
                recipe = replace(base, seed=number)
                # Whoever is second finds a warmer processor; so they take turns at that as well.
                if number % 2:
                    plain, other = await ask(recipe, folder)
                    rgb, mine = await _drawn(worker, number, recipe, settings.preview_every)
                else:
                    rgb, mine = await _drawn(worker, number, recipe, settings.preview_every)
                    plain, other = await ask(recipe, folder)
                differing += sum(rgb[i : i + 3] != plain[i : i + 3] for i in range(0, len(rgb), 3))
                if number:  # the first pictures pay for loading
                    ours.append(mine)
                    theirs.append(other)
    finally:
        await worker.stop()
    canvas, sampling = needed(base.canvas), needed(base.sampling)
    how = (
        f"medians of {PAIRS} pictures each, in turns: {median(ours):.2f} s and "
        f"{median(theirs):.2f} s ({canvas.width}x{canvas.height}, {sampling.steps} steps, "
        f"{sampling.sampler}, {model.weights.name}, {device}); "
        f"fastest {min(ours) / min(theirs):.3f} x"
    )
    return (
        Figure(
            name="worker_against_diffusers",
            what="worker / plain diffusers, wall time",
            value=median(ours) / median(theirs),
            target=1.03,
            unit="x",
            how=how,
        ),
        Figure(
            name="differing_pixels",
            what="differing pixels",
            value=differing,
            target=0,
            unit="px",
            how=f"{PAIRS + 1} pictures, each against the stock pipeline's",
        ),
    )


async def _drawn(
    worker: Worker, number: int, recipe: Recipe, preview_every: int
) -> tuple[bytes, float]:
    """The RGB bytes, and the seconds from the order to the seat being free."""
    order = Render(job=JobId(number + 1), recipe=recipe, inputs=(), preview_every=preview_every)
    began, seconds, png = time.perf_counter(), 0.0, b""
    async for report in worker.render(order):
        match report:
            case Drawn():
                seconds = time.perf_counter() - began
            case Finished():
                png = report.file
    with Image.open(io.BytesIO(png)) as image:
        return image.convert("RGB").tobytes(), seconds


class _Reference:
    """The other program."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def __call__(self, recipe: Recipe, folder: Path) -> tuple[bytes, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"recipe": dump(recipe), "folder": str(folder)}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise WorkerDied("the reference program ended")
        answer = json.loads(line)
        return base64.b64decode(answer["rgb"]), answer["seconds"]


@asynccontextmanager
async def _reference(device: str) -> AsyncIterator[_Reference]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", REFERENCE, device),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
        env={**os.environ, **QUIET},
    )
    try:
        yield _Reference(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


# --- the gap between two jobs -------------------------------------------------------------------


@dataclass(slots=True)
class WatchedWorker:
    """A Worker that notes when it was free, and for how long it had worked."""

    worker: Worker
    free_at: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)

    @property
    def ready(self) -> Ready | None:
        """As it is."""
        return self.worker.ready

    @property
    def holding(self) -> Holding:
        """As it is."""
        return self.worker.holding

    async def prefetch(self, recipe: Recipe) -> None:
        """As it is."""
        await self.worker.prefetch(recipe)

    async def start(self) -> Ready:
        """As it is."""
        return await self.worker.start()

    async def render(self, order: Render) -> AsyncIterator[Report]:
        """As it is, with a note at Drawn."""
        async for report in self.worker.render(order):
            if isinstance(report, Drawn):
                self.free_at.append(time.perf_counter())
                self.worked.append(report.seconds + report.loading_seconds)
            yield report

    async def describe(self, order: Describe) -> Described:
        """As it is."""
        return await self.worker.describe(order)

    async def score(self, order: Score) -> Scored:
        """As it is."""
        return await self.worker.score(order)

    async def cancel(self, job: JobId) -> None:
        """As it is."""
        await self.worker.cancel(job)

    async def pause(self, job: JobId) -> None:
        """As it is."""
        await self.worker.pause(job)

    async def resume(self, job: JobId) -> None:
        """As it is."""
        await self.worker.resume(job)

    async def stop(self) -> None:
        """As it is."""
        await self.worker.stop()

    def gaps(self) -> list[float]:
        """Seconds that the seat was not drawn on, between each job and the next."""
        pairs = zip(self.free_at, self.free_at[1:], self.worked[1:], strict=False)
        return [after - before - worked for before, after, worked in pairs]


async def gaps(ground: Ground) -> tuple[Figure, ...]:
    """Queue many small pictures and see what lies between them: studio, database and pipe."""
    settings = ground.for_many_jobs
    folders = (*settings.model_folders, BUILT_IN)
    watched = WatchedWorker(LocalWorker(folders, ground.folder / "digests.json", settings.device))
    async with open_app(settings, [watched]) as app:
        ready = await watched.start()
        model = default_model(settings, app.catalog)
        side = model.family.min_side
        draft = Draft(
            words=DraftWords(prompt="a red flower"),
            canvas=DraftCanvas(width=side, height=side),
            sampling=DraftSampling(steps=2),
        )
        device = ready.environment.device
        recipes = [complete(draft, model, seed=n, device=device) for n in range(JOBS + 1)]
        waiting = ConsoleAudience(app.studio)
        async with app.at_work(waiting):
            request = await app.studio.requests.queue_up(console(), recipes, words="gaps")
            await waiting.outcome(request.id)
    found = watched.gaps()
    return (
        nearly_all(
            "gap between two queued jobs",
            found,
            95,
            5.0,
            name="gap_between_jobs",
            how=f"{len(found)} gaps through studio and database",
        ),
    )
