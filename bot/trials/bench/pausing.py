"""What pausing costs, and how soon a small job is seen while a long one is drawn.

The invariant: time is accounted for, not compared with another run: the cost of pauses is the wall
time of a long job in which neither it nor another job was drawn.  The worker says what it drew.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from statistics import median

from bot.app import BUILT_IN, default_model
from bot.trials.bench.figure import Figure, Ground, percentile
from generation.catalog.catalog import Catalog
from generation.draft import Draft, DraftCanvas, DraftSampling, DraftWords, complete
from generation.fleet.local import LocalWorker
from generation.fleet.wire import Drawn, Midway, Render, Stepped
from generation.job import JobId
from generation.parameters import STEPS
from generation.recipe import Recipe, needed

ROUNDS = 2
EVERY = 2.0  # seconds between two pauses
NEVER = 1000  # seconds
PREVIEWS = 20
FILMS = "starter-video"


class _Drawer:
    """A worker with a long job and a small one, both of a model that is loaded."""

    def __init__(self, worker: LocalWorker, long: Recipe, small: Recipe) -> None:
        self._worker, self.long, self.small = worker, long, small
        self._numbers = iter(range(1, 10**6))

    def order(self, recipe: Recipe) -> Render:
        job = JobId(next(self._numbers))
        return Render(job=job, recipe=recipe, inputs=(), preview_every=STEPS.high)

    async def drawn(self, recipe: Recipe) -> float:
        """Draw; the seconds of the device."""
        used = 0.0
        async for report in self._worker.render(self.order(recipe)):
            if isinstance(report, Drawn):
                used = report.seconds + report.loading_seconds
        return used

    async def lost(self, *, every: float, between: bool) -> tuple[float, float, int]:
        """The long job with pauses: seconds in which nothing was drawn, wall time, pauses."""
        order = self.order(self.long)
        began = rested = time.perf_counter()
        other, own, pauses, wall, pausing = 0.0, 0.0, 0, 0.0, False
        async for report in self._worker.render(order):
            match report:
                case Stepped():
                    if pausing:  # it is at its boundary now, or as good as there
                        other += await self.drawn(self.small) if between else 0.0
                        await self._worker.resume(order.job)
                        rested, pausing, pauses = time.perf_counter(), False, pauses + 1
                    elif time.perf_counter() - rested > every and report.done < report.total - 1:
                        await self._worker.pause(order.job)
                        pausing = True
                case Drawn():
                    wall, own = time.perf_counter() - began, report.seconds
        return wall - own - other, wall, pauses

    async def first_preview(self, *, blocks: bool = False) -> tuple[float, float]:
        """Seconds from a small job's order, beside a long one, to its preview; and a long step.

        `blocks`: or the longest of its blocks, where it may be left between two of them.
        """
        long, small = self.order(self.long), self.order(self.small)
        stepped = asyncio.Event()
        took, steps, left = 0.0, [], [0.0]

        async def draw_long() -> None:
            async for report in self._worker.render(long):
                if isinstance(report, Stepped | Midway):
                    left.append(report.seconds)
                if isinstance(report, Stepped):
                    steps.append(report.seconds)
                    if len(steps) == 4:
                        stepped.set()

        running = asyncio.create_task(draw_long())
        await stepped.wait()
        began = time.perf_counter()
        await self._worker.pause(long.job)
        async for report in self._worker.render(small):
            if isinstance(report, Stepped) and report.preview and not took:
                took = time.perf_counter() - began
        await self._worker.cancel(long.job)
        await asyncio.gather(running, return_exceptions=True)
        if blocks:
            within = [at for at in left if steps[0] <= at <= steps[3]]
            return took, max(after - before for before, after in pairwise(within))
        return took, (steps[3] - steps[0]) / 3


@asynccontextmanager
async def _drawer(
    ground: Ground, *, blocks: bool = False, film: bool = False
) -> AsyncIterator[_Drawer]:
    """`blocks`: the long job is as large as can be, and left between any two blocks of a step.

    `film`: it is a clip by the built-in model.
    """
    settings = ground.settings
    folders, digests = (*settings.model_folders, BUILT_IN), ground.folder / "digests.json"
    catalog = Catalog(folders, digests)
    await asyncio.to_thread(catalog.scan)
    model = default_model(settings, catalog)
    between = ("--patience", "0") if blocks else ()
    worker = LocalWorker(folders, digests, settings.device, arguments=between)
    try:
        device = (await worker.start()).environment.device
        limits = model.family
        words = DraftWords(prompt="a red flower")
        small = Draft(
            words=words,
            canvas=DraftCanvas(width=limits.min_side, height=limits.min_side),
            sampling=DraftSampling(steps=2),
        )
        grid = limits.architecture.grid
        side = math.isqrt(limits.max_pixels) // grid * grid if blocks else None
        long = Draft(
            words=words,
            canvas=DraftCanvas(width=side, height=side),
            sampling=DraftSampling(steps=STEPS.high),
        )
        moving = catalog.find(FILMS).model if film else model
        jobs = ((long, moving), (small, model))
        recipes = (complete(draft, its, seed=0, device=device) for draft, its in jobs)
        drawer = _Drawer(worker, *recipes)
        if film:
            await drawer.drawn(complete(small, moving, seed=0, device=device))
        await drawer.drawn(drawer.small)
        yield drawer
    finally:
        await worker.stop()


def _size(recipe: Recipe) -> str:
    canvas = needed(recipe.canvas)
    return f"{canvas.width}x{canvas.height}"


async def pausing(ground: Ground) -> tuple[Figure, ...]:
    """Pause a long job every two seconds, with nothing and with a small job in between."""
    figures: list[Figure] = []
    async with _drawer(ground) as drawer:
        plain = [await drawer.lost(every=NEVER, between=False) for _ in range(ROUNDS)]
        base = median(lost for lost, _, _ in plain)
        steps, size = needed(drawer.long.sampling).steps, _size(drawer.long)
        for between, name, what in (
            (False, "pausing", "pausing a long job every 2 s"),
            (True, "pausing_for_others", "the same, for a small job each time"),
        ):
            rounds = [await drawer.lost(every=EVERY, between=between) for _ in range(ROUNDS)]
            lost, wall = (sum(one[i] for one in rounds) for i in (0, 1))
            pauses = sum(one[2] for one in rounds)
            cost = (lost - base * ROUNDS) / wall
            how = (
                f"{pauses} pauses in {wall:.1f} s, {1000 * cost * wall / max(1, pauses):.1f} ms "
                f"each, in which nothing was drawn ({steps} steps of {size})"
            )
            figures.append(
                Figure(name=name, what=what, value=100 * cost, target=1.0, unit="%", how=how)
            )
        previews = [await drawer.first_preview() for _ in range(PREVIEWS)]
    figures.append(
        _lateness(
            previews,
            name="first_preview",
            what="first preview beside a long job, minus one step of that, p95",
            jobs=f"small jobs ({_size(drawer.small)})",
        )
    )
    return (*figures, await _inside_a_step(ground), await _beside_a_film(ground))


async def _inside_a_step(ground: Ground) -> Figure:
    """Of a step as long as the model's can be, which may be left between any two blocks."""
    async with _drawer(ground, blocks=True) as drawer:
        previews = [await drawer.first_preview(blocks=True) for _ in range(PREVIEWS)]
    return _lateness(
        previews,
        name="first_preview_in_a_step",
        what="the same in the middle of a long step, minus one block of that, p95",
        jobs=f"small jobs beside one of {_size(drawer.long)}",
        left="a block",
    )


async def _beside_a_film(ground: Ground) -> Figure:
    """Of a clip, which is left between two of its steps; both models are in memory."""
    async with _drawer(ground, film=True) as drawer:
        previews = [await drawer.first_preview() for _ in range(PREVIEWS)]
    return _lateness(
        previews,
        name="first_preview_beside_a_film",
        what="first preview of a picture beside a clip, minus one step of that, p95",
        jobs=f"small jobs beside one of {needed(drawer.long.motion).frames} frames",
    )


def _lateness(
    previews: Sequence[tuple[float, float]],
    *,
    name: str,
    what: str,
    jobs: str,
    left: str = "a step",
) -> Figure:
    """How late the first previews came, each (seconds it took, seconds of what was left)."""
    late = [1000 * (took - own) for took, own in previews]
    return Figure(
        name=name,
        what=what,
        value=percentile(late, 95),
        target=100.0,
        unit="ms",
        how=f"{PREVIEWS} {jobs}; median {median(late):.0f} ms, "
        f"{left} {1000 * median(own for _, own in previews):.0f} ms",
    )
