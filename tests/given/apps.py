"""The real bot with a worker that only doodles, in a folder of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.app import App, open_app
from bot.chat.client import Atelier
from bot.dispatch.audience import Audience, Outcome, Progress
from bot.settings import Settings
from bot.studio.assistant import PromptAssist
from bot.studio.shares import CONSOLE
from bot.studio.wishes import Wish
from bot.telemetry.events import Watch, nobody
from generation.job import UserId
from storage.requests import Origin
from storage.tickets import RequestId
from tests.given.audiences import Content
from tests.given.builders import ANN, a_draft, a_model_folder
from tests.given.discord_world import World, world
from tests.given.fakes import FakeWorker
from tests.given.waiting import LONG

CONTENT = Content()


def some_settings(folder: Path, **changes: Any) -> Settings:
    """Settings for a data folder, with one model that nothing could really draw with."""
    models = folder / "models"
    if not models.exists():
        a_model_folder(models)
    usual: dict[str, Any] = {"default_model": "tiny", "assist": "off"}
    return Settings(data=folder / "data", models=(models,), **{**usual, **changes})


def a_wish(prompt: str = "a red flower", *, owner: UserId = ANN, **changes: Any) -> Wish:
    """A wish from the command line's place, for any person."""
    place = Origin(owner=owner, share=CONSOLE, guild=None, channel=0, reply_to=None, locale="en-US")
    draft = a_draft(prompt=prompt, **changes.pop("draft", {}))
    return Wish(origin=place, draft=draft, **changes)


def unwatched(_: Progress) -> None:
    """Progress that nobody looks at."""


@asynccontextmanager
async def an_idle_app(
    folder: Path,
    *workers: FakeWorker,
    prompt_assist: PromptAssist | None = None,
    watch: Watch = nobody,
    **settings: Any,
) -> AsyncIterator[App]:
    """The bot with a seat per worker, none of which is at work yet."""
    chosen = some_settings(folder, **settings)
    async with open_app(chosen, workers, prompt_assist, watch) as app:
        yield app


@asynccontextmanager
async def an_app(
    folder: Path, *workers: FakeWorker, audience: Audience = CONTENT, **more: Any
) -> AsyncIterator[App]:
    """The bot at work for that audience."""
    async with an_idle_app(folder, *workers, **more) as app, app.at_work(audience):
        yield app


async def drawn(app: App, wish: Wish) -> Outcome:
    """Draw a wish to its end."""
    return await finished(app, (await app.studio.requests.submit(wish)).id)


async def finished(app: App, request: RequestId) -> Outcome:
    """What there was to show of a request, once that is done.  Raises TimeoutError."""
    async with asyncio.timeout(LONG):
        while app.studio.open_requests.is_open(request):  # noqa: ASYNC110  # a test polls
            await asyncio.sleep(0.01)
        while request in await app.stores.tickets.undelivered():  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.01)
    return await app.studio.delivery.outcome(await app.stores.tickets.request(request))


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """The bot in a simulated Discord, with the parts that a test reaches into."""

    app: App
    client: Atelier
    worker: FakeWorker
    world: World


@asynccontextmanager
async def a_studio(
    folder: Path, worker: FakeWorker | None = None, **settings: Any
) -> AsyncIterator[Studio]:
    """The real bot with a doodling worker, in a simulated Discord."""
    worker = worker or FakeWorker()
    async with (
        an_idle_app(folder, worker, **settings) as app,
        app.on_discord() as client,
        world(client) as here,
    ):
        yield Studio(app=app, client=client, worker=worker, world=here)
