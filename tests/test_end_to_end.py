"""The whole bot with the real worker and the built-in model: nothing here is a stand-in."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.app import App, open_app
from bot.cli.direct import ConsoleAudience
from bot.dispatch.audience import Progress
from bot.settings import Settings
from bot.telemetry.events import Event, Paused
from generation.fleet.local import LocalWorker
from generation.media import image
from generation.picture import Fingerprint, Verdict
from generation.queue.fair_queue import Rules
from storage.tickets import State
from tests.given.apps import a_wish, drawn, finished, unwatched
from tests.given.audiences import Content
from tests.given.builders import ANN, BEN
from tests.given.waiting import eventually


@asynccontextmanager
async def the_house(folder: Path) -> AsyncIterator[tuple[App, ConsoleAudience]]:
    async with open_app(Settings(data=folder, device="cpu")) as app:
        console = ConsoleAudience(app.studio)
        async with app.at_work(console):
            yield app, console


async def test_a_picture_comes_back_from_the_database_and_from_its_png_after_a_restart(
    tmp_path: Path,
) -> None:
    async with the_house(tmp_path) as (app, console):
        outcome = await drawn(app, a_wish(seed=5, draft={"steps": 6}))
        original, png = outcome.pictures[0], outcome.files[0]
    async with the_house(tmp_path) as (app, console):
        remembered = await app.stores.pictures.get(original.id)
        comparison, _, _ = await console.reproduce(
            remembered.recipe, remembered.fingerprint, unwatched
        )
        assert comparison.verdict is Verdict.IDENTICAL
        recipe = image.recipe_in(png)
        assert recipe == original.recipe
        alone = Fingerprint(
            environment=original.environment, pixels_sha256=image.pixels_sha256(png)
        )
        comparison, _, _ = await console.reproduce(recipe, alone, unwatched)
        assert comparison.verdict is Verdict.IDENTICAL


async def test_a_worker_that_is_killed_in_mid_job_is_replaced_and_the_picture_is_the_same(
    tmp_path: Path,
) -> None:
    async with the_house(tmp_path) as (app, console):
        wish = a_wish(seed=5, draft={"steps": 80, "sampler": "euler_ancestral"})
        undisturbed = (await drawn(app, wish)).pictures[0]
        (worker,) = app.workers
        assert isinstance(worker, LocalWorker)
        killed: list[int] = []

        def kill_once(standing: Progress) -> None:
            if standing.step >= 3 and not killed and worker.pid is not None:
                killed.append(worker.pid)
                os.kill(worker.pid, signal.SIGKILL)

        outcome = await console.draw(wish, kill_once)
        assert killed
        assert outcome.tickets[0].state is State.DRAWN
        assert outcome.tickets[0].tries == 2
        assert outcome.pictures[0].pixels_sha256 == undisturbed.pixels_sha256


async def test_image_to_image_starts_from_the_kept_bytes_and_comes_back_too(
    tmp_path: Path,
) -> None:
    async with the_house(tmp_path) as (app, console):
        first = await drawn(app, a_wish(seed=5, draft={"steps": 4}))
        start, _ = await app.studio.requests.keep_input(first.files[0])
        wish = a_wish("a night sky", seed=6, draft={"steps": 4, "inputs": (start,), "denoise": 0.5})
        second = (await drawn(app, wish)).pictures[0]
        assert second.pixels_sha256 != first.pictures[0].pixels_sha256
        comparison, _, _ = await console.reproduce(second.recipe, second.fingerprint, unwatched)
        assert comparison.verdict is Verdict.IDENTICAL


async def test_a_long_job_is_held_for_a_short_one_and_its_picture_is_the_same(
    tmp_path: Path,
) -> None:
    long = a_wish("a blue house", owner=ANN, seed=7, draft={"steps": 150, "sampler": "dpmpp_2m"})
    short = a_wish("a red flower", owner=BEN, seed=8, draft={"steps": 4})
    seen: list[Event] = []
    at_once = Rules(fresh=0.05, nearly=0.05)  # as if its seconds were minutes
    settings = Settings(data=tmp_path, device="cpu")
    async with (
        open_app(settings, watch=seen.append, rules=at_once) as app,
        app.at_work(Content()),
    ):
        undisturbed = (await drawn(app, long)).pictures[0]
        held = await app.studio.requests.submit(long)
        await eventually(lambda: (s := app.studio.open_requests.standing(held.id)) and s.step >= 20)
        passing = await drawn(app, short)
        assert app.studio.open_requests.standing(held.id) is not None, "the short one came first"
        again = (await finished(app, held.id)).pictures[0]
        assert len([event for event in seen if isinstance(event, Paused)]) == 1
        assert again.pixels_sha256 == undisturbed.pixels_sha256
        assert again.latents_sha256 == undisturbed.latents_sha256
        assert passing.tickets[0].state is State.DRAWN
