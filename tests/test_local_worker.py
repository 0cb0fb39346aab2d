"""Claims about the child process, seen from the bot: with a scripted worker that loads no torch.

What the real worker does is claimed in test_worker.py.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import struct
import subprocess
import sys
import time
import warnings
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from generation.errors import Cancelled, OutOfMemory, WorkerDied
from generation.fleet import local as local_module
from generation.fleet import process as process_module
from generation.fleet import vigil as vigil_module
from generation.fleet.local import LocalWorker
from generation.fleet.wire import Drawn, Failed, Finished, Frame, Render, Report, Stepped, encode
from generation.fleet.worker import Worker
from generation.job import JobId
from generation.recipe import Sha256, Weights
from tests.given.builders import a_png, a_recipe

SCRIPTED = (sys.executable, str(Path(__file__).parent / "given" / "scripted_worker.py"))
ROOT = Path(__file__).parents[1]
LONG = 25.0  # seconds; less than the patience after which a worker is killed


def an_order(script: str, job: int = 1) -> Render:
    recipe = a_recipe(
        prompt=script,
        checkpoint=Weights(name="starter", sha256=Sha256("ab" * 32)),
        width=64,
        height=64,
        scheduler="karras",
        sigmas=(14.6, 1.0, 0.0),
        steps=2,
        seed=7,
    )
    return Render(job=JobId(job), recipe=recipe, inputs=(b"one", b"two"), preview_every=1)


Make = Callable[..., LocalWorker]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[LocalWorker] = []

    def build(script: str = "", stage: str = "", **options: float) -> LocalWorker:
        worker = LocalWorker(
            [tmp_path],
            tmp_path / "digests.json",
            "cpu",
            env={"SCRIPT": script, "SCRIPT_STAGE": stage, "PYTHONPATH": str(ROOT)},
            program=SCRIPTED,
            **options,  # type: ignore[arg-type]  # silence and patience
        )
        made.append(worker)
        return worker

    yield build
    for worker in made:
        await worker.stop()


async def drawn(worker: LocalWorker, order: Render) -> list[Report]:
    return [report async for report in worker.render(order)]


async def test_a_job_is_stepped_drawn_and_finished(make: Make) -> None:
    worker: Worker = make()
    ready = await worker.start()
    assert worker.ready == ready
    reports = [report async for report in worker.render(an_order("picture"))]
    assert [type(r) for r in reports] == [Stepped, Drawn, Finished]
    assert isinstance(reports[-1], Finished)
    assert reports[-1].file == a_png(64, 64, b"onetwo")


async def test_starting_twice_starts_one_process(make: Make) -> None:
    worker = make()
    await asyncio.gather(worker.start(), worker.start())
    pid = worker.pid
    await worker.start()
    assert worker.pid == pid


async def test_a_killed_worker_is_noticed_at_once(make: Make) -> None:
    worker = make()
    await worker.start()
    job = asyncio.create_task(drawn(worker, an_order("wait")))
    await asyncio.sleep(0.1)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    async with asyncio.timeout(LONG):
        with pytest.raises(WorkerDied, match="SIGKILL"):
            await job
    assert worker.ready is None
    assert worker.pid is None


async def test_every_waiting_job_hears_of_the_death(make: Make) -> None:
    worker = make()
    await worker.start()
    jobs = [asyncio.create_task(drawn(worker, an_order("wait", job))) for job in (1, 2)]
    await asyncio.sleep(0.1)
    with pytest.raises(WorkerDied):
        await drawn(worker, an_order("die", 3))
    for job in jobs:
        with pytest.raises(WorkerDied):
            await job


async def test_it_starts_again_and_the_job_runs_again(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_module, "FIRST_DELAY", 0.01)
    worker = make()
    for _ in range(2):
        await worker.start()
        with pytest.raises(WorkerDied, match="SIGKILL"):
            await drawn(worker, an_order("die"))
    await worker.start()
    assert isinstance((await drawn(worker, an_order("picture")))[-1], Finished)


async def test_each_death_in_a_row_waits_longer_and_a_picture_ends_the_row(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "generation.worker")
    monkeypatch.setattr(local_module, "FIRST_DELAY", 0.1)
    worker = make()

    async def die() -> float:
        """And start again; how long that took."""
        with pytest.raises(WorkerDied):
            await drawn(worker, an_order("die"))
        began = time.monotonic()
        await worker.start()
        return time.monotonic() - began

    await worker.start()
    for delay in (0.1, 0.2, 0.4):
        assert await die() > delay
    await drawn(worker, an_order("picture"))
    await die()
    told = [text for text in caplog.messages if text.startswith("starting again")]
    assert told == [f"starting again in {delay} s" for delay in (0.1, 0.2, 0.4, 0.1)]


async def test_a_worker_that_dies_at_start_says_how(make: Make) -> None:
    worker = make("die at start")
    with pytest.raises(WorkerDied, match="status 7"):
        await worker.start()
    assert worker.ready is None


async def test_a_program_that_is_not_there_is_a_dead_worker(tmp_path: Path) -> None:
    worker = LocalWorker([tmp_path], tmp_path / "d", program=[str(tmp_path / "nothing")])
    with pytest.raises(WorkerDied, match="cannot be started"):
        await worker.start()
    await worker.stop()


async def test_without_a_start_nothing_is_drawn(make: Make) -> None:
    worker = make()
    assert worker.ready is None
    with pytest.raises(WorkerDied, match="not running"):
        await drawn(worker, an_order("picture"))


async def test_why_it_does_not_start_is_told_in_its_own_last_words(tmp_path: Path) -> None:
    words = "import sys; print('a warning', file=sys.stderr); sys.exit('no such card here')"
    worker = LocalWorker([], tmp_path / "digests.json", program=(sys.executable, "-c", words))
    with pytest.raises(WorkerDied, match="status 1: no such card here"):
        await worker.start()
    await worker.stop()


async def test_leaving_with_a_status_is_told(make: Make) -> None:
    worker = make()
    await worker.start()
    with pytest.raises(WorkerDied, match="status 3"):
        await drawn(worker, an_order("leave"))


async def test_nonsense_on_stdout_ends_the_worker(make: Make) -> None:
    worker = make()
    await worker.start()
    with pytest.raises(WorkerDied, match="nonsense"):
        await drawn(worker, an_order("nonsense"))


def said(*frames: Frame | bytes) -> str:
    """The script of a worker that says this of its job."""
    return "say " + b"".join(f if isinstance(f, bytes) else encode(f) for f in frames).hex()


def headed(head: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">II", len(head), len(body)) + head + body


DRAWN = Drawn(job=JobId(1), seconds=0.5, loading_seconds=0.0)


@pytest.mark.parametrize(
    "script",
    [
        said(headed(b"[" * 20_000)),
        said(headed(b'{"frame":"Drawn","job":1,"seconds":NaN,"loading_seconds":0}')),
        said(replace(DRAWN, job=JobId(2))),
        said(DRAWN, DRAWN),
        said(Failed(job=JobId(1), kind="OutOfRange", facts=("one fact of three",))),
        said(b"\xff" * 8),
    ],
    ids=["deep", "NaN", "another's job", "drawn twice", "facts", "endless"],
)
async def test_what_is_no_frame_of_the_agreed_shape_ends_the_worker(
    make: Make, script: str
) -> None:
    worker = make()
    await worker.start()
    jobs = [
        asyncio.create_task(drawn(worker, an_order("wait", 3))),
        asyncio.create_task(drawn(worker, an_order(script))),
    ]
    for job in jobs:
        with pytest.raises(WorkerDied, match="it spoke nonsense"):
            await asyncio.wait_for(job, LONG)
    assert worker.ready is None


async def test_a_job_that_nobody_listens_to_has_ended_before_it_is_drawn_again(make: Make) -> None:
    worker = make()
    await worker.start()
    first = asyncio.create_task(drawn(worker, an_order("wait")))
    await asyncio.sleep(0.1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert isinstance((await drawn(worker, an_order("picture")))[-1], Finished)


async def test_a_worker_that_answers_no_ping_is_killed(make: Make) -> None:
    worker = make(patience=0.3)
    await worker.start()
    with pytest.raises(WorkerDied, match="no answer"):
        await asyncio.wait_for(drawn(worker, an_order("mute")), LONG)


@pytest.fixture
def often_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """However late its answers are, only its silence can be what a worker is killed for."""
    monkeypatch.setattr(process_module, "PING_EVERY", 0.1)


@pytest.mark.usefixtures("often_watched")
async def test_a_job_without_any_report_is_given_up(make: Make) -> None:
    worker = make(silence=0.3)
    await worker.start()
    with pytest.raises(WorkerDied, match="no report"):
        await asyncio.wait_for(drawn(worker, an_order("wait")), LONG)


@pytest.mark.usefixtures("often_watched")
async def test_a_paused_job_may_be_silent(make: Make) -> None:
    worker = make(silence=0.5)
    await worker.start()
    job = asyncio.create_task(drawn(worker, an_order("wait")))
    await asyncio.sleep(0)
    await worker.pause(JobId(1))
    await asyncio.sleep(1.0)
    assert not job.done()
    await worker.cancel(JobId(1))
    with pytest.raises(Cancelled):
        await job


@pytest.mark.usefixtures("often_watched")
async def test_a_job_that_stands_still_in_a_stage_is_given_up_and_drawn_again(make: Make) -> None:
    worker = make(stall=0.3, stage="decode")
    await worker.start()
    with pytest.raises(WorkerDied, match="stands still in 'decode'"):
        await asyncio.wait_for(drawn(worker, an_order("wait")), LONG)
    await worker.start()
    assert isinstance((await drawn(worker, an_order("picture")))[-1], Finished)


@pytest.mark.usefixtures("often_watched")
async def test_a_frame_that_never_ends_ends_the_worker(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vigil_module, "FRAME", 0.3)
    worker = make()
    await worker.start()
    with pytest.raises(WorkerDied, match="does not end"):
        await asyncio.wait_for(drawn(worker, an_order(said(b"\x00\x00"))), LONG)


async def test_a_failure_is_raised_with_its_facts(make: Make) -> None:
    worker = make()
    await worker.start()
    with pytest.raises(OutOfMemory) as failure:
        await drawn(worker, an_order("fail"))
    assert (failure.value.needed_bytes, failure.value.free_bytes) == (5, 3)
    assert isinstance((await drawn(worker, an_order("picture")))[-1], Finished)


async def test_cancelling_ends_the_job_and_unknown_jobs_are_ignored(make: Make) -> None:
    worker = make()
    await worker.cancel(JobId(9))
    await worker.start()
    await worker.cancel(JobId(9))
    job = asyncio.create_task(drawn(worker, an_order("wait")))
    await asyncio.sleep(0.1)
    await worker.cancel(JobId(1))
    with pytest.raises(Cancelled):
        await job


async def test_when_nobody_listens_any_more_the_job_is_cancelled(make: Make) -> None:
    worker = make()
    await worker.start()
    job = asyncio.create_task(drawn(worker, an_order("wait")))
    await asyncio.sleep(0.1)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert isinstance((await drawn(worker, an_order("picture", 2)))[-1], Finished)


async def test_stderr_goes_to_the_log_line_by_line(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "generation.worker")
    worker = make()
    await worker.start()
    await drawn(worker, an_order("shout"))
    await worker.stop()
    assert "first line" in caplog.messages
    assert "last line" in caplog.messages


async def test_a_worker_that_will_not_stop_is_killed(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "POLITE", 0.2)
    worker = make("deaf")
    await worker.start()
    pid = worker.pid
    await worker.stop()
    assert pid is not None
    assert not psutil.pid_exists(pid)


async def test_stopping_leaves_no_process_no_task_and_no_open_pipe(make: Make) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        worker = make()
        await worker.start()
        await drawn(worker, an_order("picture"))
        pid = worker.pid
        await worker.stop()
        await worker.stop()
        gc.collect()
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_when_the_bot_is_killed_its_worker_leaves(tmp_path: Path) -> None:
    program = f"""
import asyncio, sys
from pathlib import Path
from generation.fleet.local import LocalWorker
async def main():
    worker = LocalWorker([Path({str(tmp_path)!r})], Path({str(tmp_path / "d")!r}),
                         program=({sys.executable!r}, {SCRIPTED[1]!r}))
    await worker.start()
    print(worker.pid, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    bot = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert bot.stdout is not None
    with bot, bot.stdout:
        worker = int(bot.stdout.readline())
        bot.kill()
        bot.wait()
    deadline = time.monotonic() + LONG
    while not gone(worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gone(worker)


def gone(pid: int) -> bool:
    """Or a zombie: in a container, nobody may be there to bury an orphan."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
