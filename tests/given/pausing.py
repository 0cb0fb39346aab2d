"""A worker's jobs in this process, on two kinds of models, where a test says when it pauses."""

from __future__ import annotations

import itertools
import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from generation.catalog.catalog import Catalog
from generation.fleet.wire import (
    Cancel,
    Failed,
    Finished,
    Heard,
    Holding,
    Midway,
    Pause,
    Render,
    Report,
    Resume,
    Stepped,
    failure,
)
from generation.job import JobId
from generation.recipe import Adapter, Recipe
from generation.worker import exactness
from generation.worker.jobs import Jobs
from generation.worker.memory.model_cache import ModelCache
from tests.given import tinymodels
from tests.given.builders import a_recipe
from tests.given.loras import lora_tensors

CPU = torch.device("cpu")
LIMIT = 9 * 2**20  # one model of 5.5 MB, and the drawing
PATIENCE = 60.0  # seconds; only what hangs takes longer

Outcome = tuple[str, str]  # the digests of a picture


@dataclass(frozen=True, kw_only=True)
class House:
    """A folder with two checkpoints of one kind, one of another, and two LoRAs."""

    folder: Path
    catalog: Catalog

    def recipe(self, name: str = "mine", *loras: str, **changes: object) -> Recipe:
        entry = self.catalog.find(name)
        adapters = tuple(
            Adapter(
                kind="lora",
                weights=self.catalog.find(lora, "lora").weights,
                strength=0.8,
                control=None,
            )
            for lora in loras
        )
        fields = {"width": 64, "height": 64, "steps": 4, "cfg": 3.0, **changes}
        return a_recipe(checkpoint=entry.weights, family=entry.family, adapters=adapters, **fields)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("pausing")
    tinymodels.build_sd15(folder / "mine", seed=1)
    tinymodels.build_sd15(folder / "other", seed=2)
    tinymodels.build_sdxl(folder / "large", seed=3)
    tinymodels.build_sd2(folder / "second", seed=4)
    tinymodels.build_refiner(folder / "refiner", seed=5)
    tinymodels.build_sd3(folder / "flow", seed=6)
    tinymodels.build_sd15(folder / "editor", seed=7, channels=8)
    for seed, lora in enumerate(("ink", "oil")):
        save_file(lora_tensors(seed), folder / f"{lora}.safetensors")
        card = folder / f"{lora}.safetensors.atelier.toml"
        card.write_text('family = "starter"\nkind = "lora"\n')
    catalog = Catalog([folder], folder.parent / "pausing.json")
    catalog.scan()
    return House(folder=folder, catalog=catalog)


@dataclass(kw_only=True)
class Table:
    """A desk in this process.  Orders come at known steps: while the step is reported."""

    jobs: Jobs = field(init=False)
    cache: ModelCache
    heard: list[Report] = field(default_factory=list)
    pause_at: Callable[[int], bool] = lambda _: False
    patience: float = 1e9  # seconds, after which a job may be left in the middle of a step
    clock: Callable[[], float] = time.perf_counter
    cancel_at: int | None = None
    victim: JobId | None = None
    _news: queue.SimpleQueue[Report] = field(default_factory=queue.SimpleQueue)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**6)))

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.cache, self._say, patience=self.patience, clock=self.clock)

    def _say(self, report: Report) -> None:
        if isinstance(report, Stepped) and report.job == self.victim:
            if self.pause_at(report.done):
                self.jobs.take(Pause(job=report.job))
            if self.cancel_at == report.done:
                self.jobs.take(Cancel(job=report.job))
        if isinstance(report, Midway) and report.job == self.victim:
            self.jobs.take(Pause(job=report.job))
        self.heard.append(report)
        self._news.put(report)

    def order(self, recipe: Recipe, *inputs: bytes) -> JobId:
        job = JobId(next(self._numbers))
        self.jobs.take(Render(job=job, recipe=recipe, inputs=inputs, preview_every=1))
        return job

    def outcome(
        self,
        job: JobId,
        on_step: Callable[[int], None] = lambda _: None,
        on_midway: Callable[[], None] = lambda: None,
    ) -> Outcome:
        while True:
            report = self._news.get(timeout=PATIENCE)
            if isinstance(report, (Holding, Heard)) or report.job != job:  # type: ignore[union-attr]  # all but these have one
                continue
            if isinstance(report, Failed):
                raise failure(report)
            if isinstance(report, Stepped):
                on_step(report.done)
            if isinstance(report, Midway):
                on_midway()
            if isinstance(report, Finished):
                return report.pixels_sha256, report.latents_sha256

    def draw(self, recipe: Recipe, *inputs: bytes) -> Outcome:
        return self.outcome(self.order(recipe, *inputs))

    def draw_with_pauses(
        self,
        recipe: Recipe,
        *inputs: bytes,
        meanwhile: Callable[[int], object],
        pause_at: Callable[[int], bool] = lambda _: True,
    ) -> Outcome:
        """`meanwhile(step)` is called while the job is paused behind that step."""
        self.pause_at = pause_at
        job = self.victim = JobId(next(self._numbers))
        self.jobs.take(Render(job=job, recipe=recipe, inputs=inputs, preview_every=1))

        def on_step(step: int) -> None:
            if pause_at(step):
                meanwhile(step)
                self.jobs.take(Resume(job=job))

        return self.outcome(job, on_step)

    def draw_with_pauses_midway(
        self, recipe: Recipe, *inputs: bytes, meanwhile: Callable[[int], object]
    ) -> Outcome:
        """`meanwhile(n)` is called for the nth time in which the job is left inside a step."""
        job = self.victim = JobId(next(self._numbers))
        times = itertools.count(1)
        self.jobs.take(Render(job=job, recipe=recipe, inputs=inputs, preview_every=0))

        def on_midway() -> None:
            meanwhile(next(times))
            self.jobs.take(Resume(job=job))

        return self.outcome(job, on_midway=on_midway)


def a_table(
    house: House, limit: int | None, *, host_memory: int = 0, patience: float = 1e9
) -> Table:
    """Jobs whose models may take `limit` bytes on the device and `host_memory` beside it."""
    return a_table_of(house.catalog, limit, host_memory=host_memory, patience=patience)


def a_table_of(
    catalog: Catalog,
    limit: int | None,
    *,
    host_memory: int = 0,
    patience: float = 1e9,
    clock: Callable[[], float] = time.perf_counter,
) -> Table:
    """The same over any catalog."""
    exactness.switch_on(threads=1)
    news: list[Callable[[Report], None]] = []
    cache = ModelCache(
        catalog,
        CPU,
        limit,
        host_memory=host_memory,
        say=lambda holding: news[0](holding),
    )
    table = Table(cache=cache, patience=patience, clock=clock)
    news.append(table._say)
    return table
