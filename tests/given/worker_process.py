"""The real worker at the other end of two pipes, without asyncio: for tests of what it draws."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from generation.catalog.catalog import Catalog
from generation.draft import Checkpoint
from generation.errors import Lossy
from generation.families.family import FAMILIES
from generation.fleet.wire import (
    Answer,
    Describe,
    Described,
    Drawn,
    Failed,
    Finished,
    Frame,
    Question,
    Ready,
    Render,
    Resume,
    Score,
    Scored,
    Stepped,
    encode,
    read,
)
from generation.fleet.wire import failure as as_error
from generation.job import JobId
from generation.media.table import medium_of
from generation.picture import Environment, Picture, Verdict, compare, remarked
from generation.recipe import Input, Recipe, Sha256, needed
from generation.tasks import Task
from tests.given import tinymodels
from tests.given.builders import a_recipe, changed, levels_of

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "generation.worker")
FAULTY = (sys.executable, "-m", "tests.given.faulty_worker")
HALTING = (sys.executable, "-m", "generation.worker.trials.halting")

OnReport = Callable[[Frame], None]


class WorkerProcess:
    """One worker.  `draw` is the whole conversation of a job."""

    def __init__(
        self,
        *folders: Path,
        arguments: Sequence[str] = (),
        program: Sequence[str] = PROGRAM,
        quiet: bool = True,
    ) -> None:
        self.folders = folders
        self.digests = Path(tempfile.mkdtemp(dir=tinymodels.home())) / "digests.json"
        command = [*program, "--device", "cpu", "--digests", str(self.digests), *arguments]
        for folder in folders:
            command += ["--models", str(folder)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self._numbers = iter(range(1, 10**9))
        ready = self.read()
        assert isinstance(ready, Ready)
        self.environment: Environment = ready.environment
        self._catalog = Catalog(folders, self.digests)
        self._catalog.scan()

    def model(self, name: str) -> Checkpoint:
        return self._catalog.find(name).model

    def making(self, name: str, medium: str) -> Checkpoint:
        """The model, as it makes what another one may be its own besides."""
        return self._catalog.find(name).making(medium)

    def number(self) -> JobId:
        return JobId(next(self._numbers))

    def send(self, *orders: Frame) -> None:
        assert self.process.stdin is not None
        for order in orders:
            self.process.stdin.write(encode(order))
        self.process.stdin.flush()

    def read(self) -> Frame:
        assert self.process.stdout is not None
        return read(self.process.stdout)  # type: ignore[arg-type]  # a pipe is a BinaryIO

    def order(self, recipe: Recipe, *inputs: bytes, preview_every: int = 0) -> Render:
        return Render(job=self.number(), recipe=recipe, inputs=inputs, preview_every=preview_every)

    def draw(self, recipe: Recipe, *inputs: bytes, on_report: OnReport | None = None) -> Picture:
        """Draw; `on_report` sees every frame that comes meanwhile.  Raises what the job ends in."""
        order = self.order(recipe, *inputs)
        self.send(order)
        return self.finished(order, on_report=on_report)

    def draw_with_pauses(
        self, recipe: Recipe, *inputs: bytes, meanwhile: Callable[[int], Render]
    ) -> tuple[Picture, int]:
        """Of a process that halts: the work, and behind how many steps `meanwhile` was drawn."""
        order = self.order(recipe, *inputs)
        pauses = 0

        def on_report(report: Frame) -> None:
            nonlocal pauses
            if isinstance(report, Stepped) and report.job == order.job:
                pauses += 1
                self.send(meanwhile(report.done))
            elif isinstance(report, Stepped):
                self.send(Resume(job=report.job))
            elif isinstance(report, Failed) and report.job != order.job:
                raise as_error(report)
            elif isinstance(report, Drawn) and report.job != order.job:
                self.send(Resume(job=order.job))

        self.send(order)
        return self.finished(order, on_report=on_report), pauses

    def finished(self, order: Render, *, on_report: OnReport | None = None) -> Picture:
        """Read until the order has ended."""
        while True:
            report = self.read()
            if on_report is not None:
                on_report(report)
            if getattr(report, "job", None) != order.job:
                continue
            if isinstance(report, Failed):
                raise as_error(report)
            if isinstance(report, Finished):
                return Picture(
                    recipe=order.recipe,
                    environment=remarked(self.environment, report.remark),
                    file=report.file,
                    pixels_sha256=Sha256(report.pixels_sha256),
                    latents_sha256=Sha256(report.latents_sha256),
                    seconds=report.seconds,
                )

    def describe(self, order: Describe) -> tuple[Frame, ...]:
        """Every report of the job, `Described` at the end.  Raises what the job ends in."""
        return self._asked(order, Described)

    def score(self, order: Score) -> tuple[Frame, ...]:
        """Every report of the job, `Scored` at the end.  Raises what the job ends in."""
        return self._asked(order, Scored)

    def _asked(self, order: Question, end: type[Answer]) -> tuple[Frame, ...]:
        self.send(order)
        found: list[Frame] = []
        while not isinstance(found[-1] if found else None, end):
            report = self.read()
            if isinstance(report, Failed) and report.job == order.job:
                raise as_error(report)
            if getattr(report, "job", None) == order.job:
                found.append(report)
        return tuple(found)

    def kill(self) -> None:
        self.process.kill()
        self.close()

    def close(self) -> None:
        """End of stdin; returns when the process is gone."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


def same(one: Picture, two: Picture) -> bool:
    """Whether two works are one, by what the worker says and by what their files hold."""
    return (
        one.pixels_sha256 == two.pixels_sha256
        and one.latents_sha256 == two.latents_sha256
        and all(_held_by(work) in (work.pixels_sha256, None) for work in (one, two))
        and compare(one, two).verdict is Verdict.IDENTICAL
    )


def _held_by(work: Picture) -> Sha256 | None:
    """The digest of what its file holds; None: it holds that but nearly."""
    try:
        return medium_of(work.recipe).digest_in(work.file)
    except Lossy:
        return None


@cache
def shared() -> WorkerProcess:
    """One worker with the tiny models, for all tests that leave it as they found it."""
    worker = WorkerProcess(*map(tinymodels.of, tinymodels.BUILDS))
    atexit.register(worker.close)
    return worker


def tiny_recipe(worker: WorkerProcess | None = None, **changes: Any) -> Recipe:
    """64x64, 3 steps, of the tiny model of a family."""
    family = changes.get("family", "starter")
    built = FAMILIES[family].architecture.name
    name = {"sd1": "tiny-sd15"}.get(built, f"tiny-{built}")
    weights = (worker or shared()).model(name).weights
    return a_recipe(
        **{
            "checkpoint": weights,
            "width": 64,
            "height": 64,
            "steps": 3,
            "family": family,
            **changes,
        }
    )


def redrawing(recipe: Recipe, picture: bytes) -> Recipe:
    """The same as image-to-image of `picture`, with 3 steps of a denoise of 0.6."""
    import hashlib

    from generation.sigmas import expand

    sigmas = expand(
        needed(recipe.sampling).sampler,
        needed(recipe.sampling).scheduler,
        steps=3,
        denoise=0.6,
        noise=levels_of(recipe.family, recipe.drawn_at.pixels, 3),
    )
    init = Input(role="init", sha256=Sha256(hashlib.sha256(picture).hexdigest()), fit="cover")
    return changed(
        recipe,
        task=Task.IMAGE_TO_IMAGE,
        inputs=(init,),
        denoise=0.6,
        sigmas=sigmas,
        steps=len(sigmas) - 1,
    )


def a_photo() -> bytes:
    """A JPEG of 90 x 70 pixels."""
    image = Image.linear_gradient("L").resize((90, 70)).convert("RGB")
    image.paste((200, 40, 30), (20, 20, 50, 50))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()
