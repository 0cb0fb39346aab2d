"""The house: every part built once and introduced to the others; the composition root.

Here, and only here, the real clock and the real dice come in.

    async with open_house(settings) as house:
        await house.draw(...)            for the command line
        await house.client().start(...)  for Discord, or for its simulation
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import generation
from bot.audience import Audience, Outcome, Standing
from bot.dispatch import Shelves
from bot.drafting import Drafting
from bot.settings import Settings
from bot.studio import Stores, Studio
from bot.wishes import Place, Wish
from bot.wordsmith import Desk, Wordsmith
from generation.catalog import Catalog
from generation.costs import CostModel
from generation.draft import Model
from generation.errors import NoSuchName
from generation.fleet import Worker
from generation.fleet.local import LocalWorker
from generation.job import UserId
from generation.picture import Comparison, Fingerprint, compare
from generation.queue import FairQueue
from generation.recipe import MAX_SEED, Recipe
from prompting.ladder import WriterConfig
from storage.accounts import Ledger
from storage.database import Database
from storage.files import Files
from storage.people import AssistMode, People
from storage.pictures import Pictures, StoredPicture
from storage.tickets import RequestId, Tickets
from storage.words import Words

if TYPE_CHECKING:
    from bot.client import Atelier

log = logging.getLogger(__name__)

BUILT_IN = Path(generation.__file__).parent / "starter" / "models"

# Who draws from the command line: no Discord id is as small.
CONSOLE = UserId(0)
HERE = 0  # its channel


class Elsewhere(Exception):
    """The command line cannot deliver this: somebody on Discord waits for it."""


class Console:
    """The audience of the command line: outcomes are awaited, progress goes to a function."""

    def __init__(self) -> None:
        self._outcomes: dict[RequestId, asyncio.Future[Outcome]] = {}
        self.on_change: Callable[[RequestId], None] = lambda _: None

    def changed(self, request: RequestId) -> None:
        """Pass it on."""
        self.on_change(request)

    async def deliver(self, outcome: Outcome, *, perhaps_posted: bool) -> int | None:  # noqa: ARG002  # a console shows it again without harm
        """Hand the outcome to whoever awaits it."""
        if outcome.request.channel != HERE:
            # Drawn because it was waiting; it stays in the outbox until the bot is back there.
            raise Elsewhere(f"request {outcome.request.id} belongs to Discord")
        self._promised(outcome.request.id).set_result(outcome)
        return None

    async def outcome(self, request: RequestId) -> Outcome:
        """Wait for the end of a request."""
        return await self._promised(request)

    def _promised(self, request: RequestId) -> asyncio.Future[Outcome]:
        if request not in self._outcomes:
            self._outcomes[request] = asyncio.get_running_loop().create_future()
        return self._outcomes[request]


class Relay:
    """Lets the audience be chosen after the studio is built."""

    def __init__(self, audience: Audience) -> None:
        self.audience = audience

    def changed(self, request: RequestId) -> None:
        """Pass it on."""
        self.audience.changed(request)

    async def deliver(self, outcome: Outcome, *, perhaps_posted: bool) -> int | None:
        """Pass it on."""
        return await self.audience.deliver(outcome, perhaps_posted=perhaps_posted)


@dataclass(slots=True, kw_only=True)
class House:
    """The parts, for those who carry them outside."""

    settings: Settings
    catalog: Catalog
    stores: Stores
    workers: tuple[Worker, ...]
    studio: Studio
    relay: Relay
    console: Console
    replayed: int  # jobs that were waiting when the house was opened

    def client(self) -> Atelier:
        """The Discord client; from here on it is the audience."""
        from bot.client import Atelier

        client = Atelier(
            guild=self.settings.guild,
            message_content=self.settings.message_content,
            progress_seconds=self.settings.progress_seconds,
            moderator_permission=self.settings.moderator_permission,
        )
        client.open_for(self.studio)
        self.relay.audience = client.announcer
        return client

    async def draw(self, wish: Wish, on_progress: Callable[[Standing], None]) -> Outcome:
        """Draw a wish for the command line, through the same queue and worker as everybody."""
        request = await self.studio.submit(wish)
        return await self._wait(request.id, on_progress)

    async def reproduce(
        self, recipe: Recipe, before: Fingerprint, on_progress: Callable[[Standing], None]
    ) -> tuple[Comparison, StoredPicture | None, Outcome]:
        """Draw a recipe again and compare it with what it was."""
        request = await self.studio.queue_up(console(), (recipe,), words=recipe.prompt)
        outcome = await self._wait(request.id, on_progress)
        if not outcome.pictures:
            raise_reason(outcome)
        again = outcome.pictures[0]
        return compare(before, again.fingerprint), again, outcome

    async def _wait(self, request: RequestId, on_progress: Callable[[Standing], None]) -> Outcome:
        def tell(changed: RequestId) -> None:
            standing = self.studio.standing(request) if changed == request else None
            if standing is not None:
                on_progress(standing)

        self.console.on_change = tell
        tell(request)
        return await self.console.outcome(request)


def console() -> Place:
    """The place of the command line."""
    return Place(owner=CONSOLE, guild=None, channel=HERE, reply_to=None, locale="en-US")


def raise_reason(outcome: Outcome) -> None:
    """Raise what a request without pictures ended with."""
    from generation import errors

    for ticket in outcome.tickets:
        kind, _, text = (ticket.reason or "").partition(": ")
        if issubclass(getattr(errors, kind, object), errors.GenerationError):
            raise errors.RenderFailed(text)
    raise errors.RenderFailed("it ended without a picture")


def dice() -> int:
    """A fresh seed."""
    return secrets.randbelow(MAX_SEED + 1)


@asynccontextmanager
async def open_house(
    settings: Settings,
    workers: Sequence[Worker] | None = None,
    wordsmith: Wordsmith | None = None,
) -> AsyncIterator[House]:
    """Build everything, replay what was waiting, and draw until the block ends.

    `workers` are the seats; None: one process on this machine.  `wordsmith` finds words; None: the
    one that the settings describe.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    digests = settings.data / "digests.json"
    folders = (*settings.models, BUILT_IN)
    async with contextlib.AsyncExitStack() as closing:
        database = await Database.open(settings.data / "atelier.sqlite3")
        closing.push_async_callback(database.close)
        catalog = Catalog(folders, digests)
        await asyncio.to_thread(catalog.scan)
        if workers is None:
            workers = (LocalWorker(folders, digests, settings.device),)
        for worker in workers:
            closing.push_async_callback(worker.stop)
        wordsmith = wordsmith or Wordsmith(desk(settings))
        closing.push_async_callback(wordsmith.close)
        house = await _furnish(settings, database, catalog, workers, wordsmith)
        closing.push_async_callback(house.studio.close)
        running = asyncio.create_task(_keep_running(house.studio), name="studio")
        closing.push_async_callback(_end, running)
        yield house


async def _furnish(
    settings: Settings,
    database: Database,
    catalog: Catalog,
    workers: Sequence[Worker],
    wordsmith: Wordsmith,
) -> House:
    ledger = Ledger(database)
    shelves = Shelves(
        tickets=Tickets(database), files=Files(settings.data / "files"), ledger=ledger
    )
    # What a crash left half written; nobody else works in this folder.
    await asyncio.to_thread(shelves.files.sweep)
    stores = Stores(
        tickets=shelves.tickets,
        pictures=Pictures(database),
        people=People(database),
        words=Words(database),
        shelves=shelves,
    )
    line = Console()
    relay = Relay(line)
    studio = Studio(
        stores=stores,
        drafting=Drafting(
            catalog=catalog,
            wordsmith=wordsmith,
            default_model=lambda: default_model(settings, catalog),
            max_count=settings.max_count,
            dice=dice,
        ),
        workers=workers,
        queue=FairQueue(
            max_jobs_per_user=settings.max_waiting_per_person,
            max_seconds_per_user=settings.max_seconds_per_person,
        ),
        costs=CostModel.load(await ledger.load_costs()),
        audience=relay,
        preview_every=settings.preview_every,
        clock=time.time,
        dice=dice,
    )
    replayed = await studio.open()
    return House(
        settings=settings,
        catalog=catalog,
        stores=stores,
        workers=tuple(workers),
        studio=studio,
        relay=relay,
        console=line,
        replayed=replayed,
    )


def desk(settings: Settings) -> Desk:
    """What the owner decided about words."""
    own_styles = settings.data / "styles.toml"
    return Desk(
        assist=AssistMode(settings.assist),
        writer=WriterConfig(
            model=settings.assist_model or "",
            fetch=settings.assist_fetch,
            cache=settings.data / "assistant",
            server=settings.assist_server or "",
            server_model=settings.assist_server_model or "",
            server_key=settings.assist_server_key.reveal() if settings.assist_server_key else None,
            threads=settings.assist_threads,
        ),
        own_styles=own_styles if own_styles.exists() else None,
        wildcards=settings.data / "wildcards",
        forbidden=settings.forbidden_words,
        allowed=settings.allowed_phrases,
    )


def default_model(settings: Settings, catalog: Catalog) -> Model:
    """The model for those who name none: the configured one, else the owner's first, else ours."""
    if settings.default_model is not None:
        return catalog.find(settings.default_model).model
    for entry in catalog.models():
        if entry.kind == "checkpoint":
            return entry.model
    raise NoSuchName("model", "any")


async def _keep_running(studio: Studio) -> None:
    """Whoever runs this sleeps at night: a bug is logged, and the studio goes on."""
    while True:
        try:
            await studio.run()
        except Exception:
            log.exception("the studio stumbled; it goes on")
            await asyncio.sleep(1.0)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
