"""Clips through the whole bot with the real worker, and a death of it in between."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.app import App, open_app
from bot.cli.direct import ConsoleAudience
from bot.dispatch.audience import Outcome
from bot.settings import Settings
from bot.studio.enlarging import LANCZOS, Larger
from bot.telemetry.events import ChunkPaid, Event, Picked
from generation.fleet.local import LocalWorker
from generation.media import video
from generation.media.pyav import Frame
from generation.queue.fair_queue import Rules
from generation.recipe import needed
from generation.tasks import Task
from storage.tickets import State
from tests.given.apps import a_wish, unwatched
from tests.given.videos import animation, marked


async def enlarged(app: App, console: ConsoleAudience, data: bytes, asked: Larger) -> Outcome:
    request = await app.studio.requests.enlarge_clip(data, a_wish(), asked)
    return await console.awaited(request.id, unwatched)


def png(frame: Frame) -> bytes:
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "PNG")
    return out.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("upscaler", [LANCZOS, None], ids=["lanczos", "the built-in network"])
async def test_each_frame_becomes_what_it_would_as_a_picture(
    tmp_path: Path, upscaler: str | None
) -> None:
    frames = marked(3)
    asked = Larger(factor=2.0, upscaler=upscaler)
    async with open_app(Settings(data=tmp_path, device="cpu")) as app:
        console = ConsoleAudience(app.studio)
        async with app.at_work(console):
            data = animation(frames, "WEBP", [125] * 3)
            outcome = await enlarged(app, console, data, asked)
            [work], [file] = outcome.pictures, outcome.files
            assert (work.recipe.task, work.medium) == (Task.UPSCALE_VIDEO, "video")
            assert needed(work.recipe.motion).frames == 3
            request = await app.studio.requests.enlarge(png(frames[1]), a_wish(), asked)
            [picture] = (await console.awaited(request.id, unwatched)).files
    larger = list(video.frames_in(file))
    assert larger[1].shape == (96, 128, 3)
    assert np.array_equal(larger[1], np.asarray(Image.open(io.BytesIO(picture))))


@pytest.mark.slow
async def test_a_worker_that_is_killed_while_it_encodes_loses_nothing(tmp_path: Path) -> None:
    seen: list[Event] = []
    killed: list[int] = []

    def watch(event: Event) -> None:
        seen.append(event)
        # All is drawn, and a writing thread of the worker has just begun.
        if isinstance(event, ChunkPaid) and not killed:
            (worker,) = app.workers
            assert isinstance(worker, LocalWorker)
            assert worker.pid is not None
            killed.append(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)

    data = animation(marked(10, 72, 96), "WEBP", [125] * 10)
    asked = Larger(factor=8.0, upscaler=LANCZOS)
    settings, in_one_go = Settings(data=tmp_path, device="cpu"), Rules(chunk=3600.0)
    async with open_app(settings, watch=watch, rules=in_one_go) as app:
        console = ConsoleAudience(app.studio)
        async with app.at_work(console):
            outcome = await enlarged(app, console, data, asked)
            again = await enlarged(app, console, data, asked)
    assert killed
    assert sum(isinstance(event, Picked) for event in seen) == 3  # it was drawn once more
    assert outcome.tickets[0].state is State.DRAWN
    assert outcome.tickets[0].tries == 1  # and nobody is blamed for it
    assert outcome.pictures[0].pixels_sha256 == again.pictures[0].pixels_sha256
    assert video.suffix_of(outcome.files[0]) == ".mp4"
