"""Claims about the worker process as a whole.

What it draws is claimed in test_exactness.py; its parts in test_worker_*.py; how the bot sees it
die in test_local_worker.py.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import Callable, Iterator
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
    Midway,
    Pause,
    Ping,
    Render,
    Report,
    Resume,
    Stepped,
    Stop,
)
from generation.job import JobId
from generation.recipe import Adapter, Sha256, Weights
from tests.given import tinymodels
from tests.given.builders import changed
from tests.given.worker_process import (
    FAULTY,
    ROOT,
    WorkerProcess,
    a_photo,
    redrawing,
    shared,
    tiny_recipe,
)

# Some seconds, so that it is still being drawn when what the test says of it arrives.
LONG: dict[str, Any] = {"steps": 600, "width": 128, "height": 128}
PATIENCE = 60.0  # seconds; only what hangs takes longer


@pytest.fixture(scope="module")
def worker() -> WorkerProcess:
    return shared()


@pytest.fixture(scope="module")
def faulty_ones() -> Iterator[list[WorkerProcess]]:
    processes: list[WorkerProcess] = []
    yield processes
    for process in processes:
        process.close()


@pytest.fixture
def faulty(faulty_ones: list[WorkerProcess]) -> WorkerProcess:
    """The one of the tests before, or another where that has ended."""
    if not faulty_ones or faulty_ones[-1].process.poll() is not None:
        limit = ["--memory-limit", "30M"]
        faulty_ones.append(WorkerProcess(tinymodels.sd15(), program=FAULTY, arguments=limit))
    return faulty_ones[-1]


def test_a_job_is_stepped_drawn_and_finished(worker: WorkerProcess) -> None:
    frames: list[Frame] = []
    order = worker.order(tiny_recipe(steps=5), preview_every=3)
    worker.send(order)
    picture = worker.finished(order, on_report=frames.append)
    frames = [f for f in frames if not isinstance(f, (Loading, Holding, Midway))]
    assert [type(f) for f in frames] == [Stepped] * 5 + [Drawn, Finished]
    steps = [f for f in frames if isinstance(f, Stepped)]
    assert [(f.done, f.total, bool(f.preview)) for f in steps] == [
        (1, 5, True),  # the first at once
        (2, 5, False),
        (3, 5, True),
        (4, 5, False),
        (5, 5, False),  # the picture itself is about to come
    ]
    with Image.open(io.BytesIO(steps[2].preview)) as preview:
        assert (preview.format, preview.size) == ("JPEG", (64, 64))
    with Image.open(io.BytesIO(picture.file)) as image:
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


def test_a_job_that_is_being_drawn_can_be_cancelled(worker: WorkerProcess) -> None:
    """How soon is claimed in test_worker_pausing.py, where the order comes at a known step."""
    victim = worker.order(tiny_recipe(**LONG))
    worker.send(victim)
    steps: list[int] = []

    def cancel_at_the_third(report: Frame) -> None:
        if isinstance(report, Stepped):
            steps.append(report.done)
            if report.done == 3:
                worker.send(Cancel(job=victim.job))

    with pytest.raises(Cancelled):
        worker.finished(victim, on_report=cancel_at_the_third)
    assert 3 <= steps[-1] < LONG["steps"]


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
        answered_at = report.done
    assert answered_at < LONG["steps"]
    worker.send(Cancel(job=order.job))
    with pytest.raises(Cancelled):
        worker.finished(order)


def test_paused_with_other_jobs_between_it_is_the_same_picture(worker: WorkerProcess) -> None:
    """At every step, with exact pauses: test_worker_pausing.py.  Here by frames, which take time:
    a pause holds at some later step, which the job's own frames tell afterwards."""
    recipe = tiny_recipe(steps=200, width=128, height=128, sampler="dpmpp_2m_sde")
    undisturbed = worker.draw(recipe)
    order = worker.order(recipe)
    worker.send(order)
    for family in ("sdxl", "starter", "sdxl"):
        _until_a_step(worker, order.job)
        between = worker.order(tiny_recipe(family=family))
        worker.send(Pause(job=order.job), between)
        heard: list[Frame] = []
        worker.finished(between, on_report=heard.append)
        # `between` could only be drawn because the device was given up.
        mine = [frame for frame in heard if getattr(frame, "job", None) == order.job]
        assert not any(isinstance(frame, (Drawn, Finished)) for frame in mine)
        worker.send(Resume(job=order.job))
    again = worker.finished(order)
    assert again.pixels_sha256 == undisturbed.pixels_sha256
    assert again.latents_sha256 == undisturbed.latents_sha256


def _until_a_step(worker: WorkerProcess, job: JobId) -> None:
    while not (isinstance(report := worker.read(), Stepped) and report.job == job):
        pass


def test_a_paused_job_can_be_cancelled(worker: WorkerProcess) -> None:
    order = worker.order(tiny_recipe(**LONG))
    worker.send(order, Pause(job=order.job))
    other = worker.draw(tiny_recipe())
    assert other.file
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
    with pytest.raises(NoSuchName, match="no sampler has the name"):
        worker.draw(changed(recipe, sampler="zauber"))
    lora = Adapter(
        kind="lora",
        weights=Weights(name="ink", sha256=Sha256("1" * 64)),
        strength=1.0,
        control=None,
    )
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
        faulty.draw(changed(recipe, prompt=prompt))
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


async def test_killed_in_the_middle_it_is_noticed_at_once_and_draws_as_before(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    recipe, long = tiny_recipe(), tiny_recipe(**LONG)
    local = LocalWorker(
        [tinymodels.sd15()], tmp_path / "digests.json", "cpu", env={"PYTHONPATH": str(ROOT)}
    )
    try:
        await local.start()

        def kill() -> None:
            assert local.pid is not None
            os.kill(local.pid, signal.SIGKILL)

        async with asyncio.timeout(PATIENCE):
            with pytest.raises(WorkerDied, match="SIGKILL"):
                await _drawn(local, worker.order(long), at_the_second_step=kill)
        await local.start()
        again = await _drawn(local, worker.order(recipe))
        undisturbed = await asyncio.to_thread(worker.draw, recipe)
        assert isinstance(again, Finished)
        assert again.pixels_sha256 == undisturbed.pixels_sha256

        def end_its_stdin() -> None:
            """In the middle of a job, as when the bot is killed."""
            live = local._live
            assert live is not None
            assert live.process.stdin is not None
            live.process.stdin.close()

        async with asyncio.timeout(PATIENCE):
            with pytest.raises(WorkerDied, match="status 0"):
                await _drawn(local, worker.order(long), at_the_second_step=end_its_stdin)
    finally:
        await local.stop()


async def _drawn(
    local: LocalWorker, order: Render, at_the_second_step: Callable[[], None] = lambda: None
) -> Report:
    """The last report."""
    async for report in local.render(order):
        if isinstance(report, Stepped) and report.done == 2:
            at_the_second_step()
    return report


def test_a_broken_device_ends_the_process(faulty: WorkerProcess) -> None:
    with pytest.raises(EOFError):
        faulty.draw(tiny_recipe(prompt="device assert"))
    assert faulty.process.wait(PATIENCE) == 70


def test_stop_ends_it_in_the_middle_of_a_job() -> None:
    process = WorkerProcess(tinymodels.sd15())
    order = process.order(tiny_recipe(process, **LONG))
    process.send(order)
    _until_a_step(process, order.job)
    process.send(Stop())
    assert process.process.wait(PATIENCE) == 0
    process.close()
