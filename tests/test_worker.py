"""Claims about the worker process as a whole.

What it draws is claimed in test_exactness.py; its parts in test_worker_*.py; how the bot sees it
die in test_local_worker.py.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from generation.errors import (
    BadPicture,
    Cancelled,
    MissingWeights,
    NoSuchName,
    OutOfMemory,
    RenderFailed,
    UnusableWeights,
    WorkerDied,
)
from generation.fleet.local import LocalWorker
from generation.fleet.wire import (
    Cancel,
    Drawn,
    Failed,
    Finished,
    Frame,
    Heard,
    Holding,
    Loading,
    Pause,
    Ping,
    Resume,
    Stepped,
    Stop,
)
from generation.job import JobId
from generation.recipe import Adapter, Sha256, Weights
from tests import tinymodels
from tests.worker_process import (
    FAULTY,
    ROOT,
    WorkerProcess,
    a_photo,
    redrawing,
    shared,
    tiny_recipe,
)

LONG: dict[str, Any] = {"steps": 60, "width": 128, "height": 128}


@pytest.fixture(scope="module")
def worker() -> WorkerProcess:
    return shared()


@pytest.fixture(scope="module")
def faulty() -> Iterator[WorkerProcess]:
    process = WorkerProcess(tinymodels.sd15(), program=FAULTY, arguments=["--memory-limit", "30M"])
    yield process
    process.close()


def test_a_job_is_stepped_drawn_and_finished(worker: WorkerProcess) -> None:
    frames: list[Frame] = []
    order = worker.order(tiny_recipe(steps=5), preview_every=3)
    worker.send(order)
    picture = worker.finished(order, on_report=frames.append)
    frames = [f for f in frames if not isinstance(f, (Loading, Holding))]
    assert [type(f) for f in frames] == [Stepped] * 5 + [Drawn, Finished]
    steps = [f for f in frames if isinstance(f, Stepped)]
    assert [(f.step, f.steps, bool(f.preview)) for f in steps] == [
        (1, 5, True),  # the first at once
        (2, 5, False),
        (3, 5, True),
        (4, 5, False),
        (5, 5, False),  # the picture itself is about to come
    ]
    with Image.open(io.BytesIO(steps[2].preview)) as preview:
        assert (preview.format, preview.size) == ("JPEG", (64, 64))
    with Image.open(io.BytesIO(picture.png)) as image:
        assert image.size == (64, 64)
    assert 0 < picture.seconds < 60


def test_the_next_job_is_drawn_while_the_last_is_written(worker: WorkerProcess) -> None:
    orders = [worker.order(tiny_recipe(seed=seed, width=256, height=256)) for seed in range(3)]
    worker.send(*orders)
    ended: list[JobId] = []
    drawn: list[JobId] = []
    while len(ended) < 3:
        report = worker.read()
        if isinstance(report, Drawn):
            drawn.append(report.job)
        elif isinstance(report, Finished):
            ended.append(report.job)
    assert drawn == [order.job for order in orders]
    assert sorted(ended) == drawn


def test_cancelling_takes_effect_within_one_step(worker: WorkerProcess) -> None:
    victim = worker.order(tiny_recipe(**LONG))
    worker.send(victim)
    steps: list[int] = []
    asked_at: list[int] = []

    def cancel_at_the_third(report: Frame) -> None:
        if isinstance(report, Stepped):
            steps.append(report.step)
            if report.step == 3:
                worker.send(Cancel(job=victim.job))
                asked_at.append(3)

    with pytest.raises(Cancelled):
        worker.finished(victim, on_report=cancel_at_the_third)
    # One step may be over, and one begun, by the time the order is read.
    assert steps[-1] <= 5


def test_a_waiting_job_is_cancelled_at_once(worker: WorkerProcess) -> None:
    first, second = worker.order(tiny_recipe(**LONG)), worker.order(tiny_recipe())
    worker.send(first, second, Cancel(job=second.job))
    with pytest.raises(Cancelled):
        worker.finished(second)
    worker.send(Cancel(job=first.job), Cancel(job=JobId(10**6)))
    with pytest.raises(Cancelled):
        worker.finished(first)


def test_a_ping_is_answered_while_a_job_is_drawn(worker: WorkerProcess) -> None:
    order = worker.order(tiny_recipe(**LONG))
    worker.send(order)
    while not isinstance(worker.read(), Stepped):
        pass
    worker.send(Ping())
    answered_at = 0
    while not isinstance(report := worker.read(), Heard):
        assert isinstance(report, Stepped)
        answered_at = report.step
    assert answered_at < LONG["steps"]
    worker.send(Cancel(job=order.job))
    with pytest.raises(Cancelled):
        worker.finished(order)


def test_paused_at_many_steps_with_other_jobs_between_it_is_the_same_picture(
    worker: WorkerProcess,
) -> None:
    recipe = tiny_recipe(steps=12, width=128, height=128, sampler="dpmpp_2m_sde")
    undisturbed = worker.draw(recipe)
    order = worker.order(recipe)
    worker.send(order)
    pauses = 0
    while True:
        report = worker.read()
        if getattr(report, "job", None) != order.job or isinstance(report, Drawn):
            continue
        if isinstance(report, Finished):
            break
        assert isinstance(report, Stepped), report
        if report.step < 10 and report.step % 2:
            between = worker.order(tiny_recipe(family="sdxl" if pauses % 2 else "starter"))
            worker.send(Pause(job=order.job), between)
            steps_meanwhile: list[Frame] = []
            worker.finished(between, on_report=steps_meanwhile.append)
            # `between` could only be drawn because the device was given up.
            mine = [f for f in steps_meanwhile if getattr(f, "job", None) == order.job]
            assert not any(isinstance(f, (Drawn, Finished)) for f in mine)
            pauses += 1
            worker.send(Resume(job=order.job))
    assert pauses >= 3
    assert isinstance(report, Finished)
    assert report.pixels_sha256 == undisturbed.pixels_sha256
    assert report.latents_sha256 == undisturbed.latents_sha256


def test_a_paused_job_can_be_cancelled(worker: WorkerProcess) -> None:
    order = worker.order(tiny_recipe(**LONG))
    worker.send(order, Pause(job=order.job))
    other = worker.draw(tiny_recipe())
    assert other.png
    worker.send(Cancel(job=order.job))
    with pytest.raises(Cancelled):
        worker.finished(order)


def test_two_jobs_of_one_number_are_refused(worker: WorkerProcess) -> None:
    order = worker.order(tiny_recipe(**LONG))
    worker.send(order, order)
    failed = next(r for r in iter(worker.read, None) if isinstance(r, Failed))
    assert failed.kind == "RenderFailed"
    worker.send(Cancel(job=order.job))
    with pytest.raises(Cancelled):
        worker.finished(order)


def test_bad_input_is_refused_in_words_and_the_next_job_is_fine(worker: WorkerProcess) -> None:
    recipe = tiny_recipe()
    before = worker.draw(recipe)
    with pytest.raises(BadPicture, match="not a PNG"):
        worker.draw(redrawing(recipe, b"nonsense"), b"nonsense")
    with pytest.raises(BadPicture, match="0 were sent"):
        worker.draw(redrawing(recipe, a_photo()))
    with pytest.raises(NoSuchName, match="zauber"):
        worker.draw(replace(recipe, sampler="zauber"))
    lora = Adapter(kind="lora", weights=Weights(name="ink", sha256=Sha256("1" * 64)), strength=1.0)
    with pytest.raises(MissingWeights, match="ink"):
        worker.draw(replace(recipe, adapters=(lora,)))
    with pytest.raises(UnusableWeights, match="crystal"):
        worker.draw(replace(recipe, adapters=(replace(lora, kind="crystal"),)))
    assert worker.draw(recipe).pixels_sha256 == before.pixels_sha256


@pytest.mark.parametrize(
    ("prompt", "error", "words"),
    [
        ("raise", RenderFailed, "RuntimeError: the UNet does not like this"),
        ("nan", RenderFailed, "no numbers"),
        ("out of memory", OutOfMemory, "out of memory"),
    ],
)
def test_a_job_that_fails_leaves_the_next_one_bit_exact(
    worker: WorkerProcess,
    faulty: WorkerProcess,
    prompt: str,
    error: type[Exception],
    words: str,
) -> None:
    recipe = tiny_recipe(sampler="dpmpp_2m")
    with pytest.raises(error, match=words):
        faulty.draw(replace(recipe, prompt=prompt))
    assert faulty.draw(recipe).pixels_sha256 == worker.draw(recipe).pixels_sha256


def test_what_libraries_print_does_not_reach_the_frames(
    worker: WorkerProcess, faulty: WorkerProcess
) -> None:
    recipe = tiny_recipe(prompt="print")
    assert faulty.draw(recipe).pixels_sha256 == worker.draw(recipe).pixels_sha256


def test_beyond_the_memory_limit_a_job_is_refused_and_a_smaller_one_drawn(
    faulty: WorkerProcess,
) -> None:
    small = tiny_recipe()
    drawn = faulty.draw(small)
    with pytest.raises(OutOfMemory) as refusal:
        faulty.draw(tiny_recipe(width=1024, height=1024))
    assert refusal.value.needed_bytes is not None
    assert refusal.value.free_bytes is not None
    assert refusal.value.needed_bytes > 30 * 2**20 >= refusal.value.free_bytes > 0
    assert faulty.draw(small).pixels_sha256 == drawn.pixels_sha256


async def test_killed_in_the_middle_it_is_noticed_at_once_and_the_job_drawn_again(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    recipe = tiny_recipe(steps=60, width=128, height=128)
    local = LocalWorker(
        [tinymodels.sd15()], tmp_path / "digests.json", "cpu", env={"PYTHONPATH": str(ROOT)}
    )
    try:
        await local.start()
        killed_at = 0.0

        async def draw_and_kill() -> None:
            nonlocal killed_at
            async for report in local.render(worker.order(recipe)):
                if isinstance(report, Stepped) and report.step == 2:
                    assert local.pid is not None
                    os.kill(local.pid, signal.SIGKILL)
                    killed_at = time.monotonic()

        with pytest.raises(WorkerDied, match="SIGKILL"):
            await draw_and_kill()
        assert time.monotonic() - killed_at < 1.0
        await local.start()
        order = worker.order(recipe)
        reports = [report async for report in local.render(order)]
        undisturbed = await asyncio.to_thread(worker.draw, recipe)
        assert isinstance(reports[-1], Finished)
        assert reports[-1].pixels_sha256 == undisturbed.pixels_sha256

        # Its stdin ends in the middle of a job, as it does when the bot is killed.
        job = asyncio.create_task(_drain(local, tiny_recipe(**LONG)))
        await asyncio.sleep(0.2)
        live = local._live
        assert live is not None
        assert live.process.stdin is not None
        live.process.stdin.close()
        with pytest.raises(WorkerDied, match="status 0"):
            await asyncio.wait_for(job, 5)
    finally:
        await local.stop()


async def _drain(local: LocalWorker, recipe: object) -> None:
    order = shared().order(recipe)  # type: ignore[arg-type]  # a Recipe
    async for _ in local.render(order):
        pass


def test_a_broken_device_ends_the_process(faulty: WorkerProcess) -> None:
    """The last test of this file: nothing is drawn by `faulty` after it."""
    with pytest.raises(EOFError):
        faulty.draw(tiny_recipe(prompt="device assert"))
    assert faulty.process.wait(5) == 70


def test_stop_ends_it_in_the_middle_of_a_job() -> None:
    process = WorkerProcess()
    process.send(Stop())
    assert process.process.wait(5) == 0
    process.close()
