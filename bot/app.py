"""The app: every part built once and introduced to the others; the composition root.

Here, and only here, the real clock and the real dice come in.

    async with open_app(settings) as app:
        async with app.on_discord() as client: ...      for Discord, or for its simulation
        async with app.at_work(audience): ...           for anybody else
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import generation
from bot.dispatch.audience import Audience
from bot.dispatch.meanwhile import meanwhile
from bot.dispatch.meter import Meter
from bot.dispatch.seats import WorkerSeat
from bot.settings import Settings
from bot.studio import shares
from bot.studio.additions import Additions
from bot.studio.assistant import PromptAssist, WordSettings
from bot.studio.booru_tags import tag_folders
from bot.studio.cluster import Furnish, follow_cluster
from bot.studio.drafting import Drafting
from bot.studio.earlier import find_earlier
from bot.studio.layers import RequestDraft
from bot.studio.model_folders import ModelFolders
from bot.studio.model_sources import places
from bot.studio.offers import Offers
from bot.studio.phrasing import Phrasing
from bot.studio.retention import Retention
from bot.studio.servers import Servers
from bot.studio.studio import Studio
from bot.studio.words_on_card import Place, share
from bot.telemetry.events import Committed, Watch, nobody
from bot.telemetry.logs import strike_out
from bot.web.links import Links
from bot.web.looking import BrowserGallery
from bot.web.painting import MaskPainter
from bot.web.server import WebPages
from generation.catalog.catalog import Catalog
from generation.draft import Checkpoint
from generation.errors import NoSuchName
from generation.fleet.local_seats import local_workers
from generation.fleet.worker import Worker
from generation.model_key import weights_of
from generation.queue.costs import CostModel
from generation.queue.fair_queue import FairQueue, Rules, SeatId
from generation.queue.forecast import Promises
from generation.recipe import MAX_SEED
from generation.tasks import IMAGE
from prompting.writers.ladder import WriterConfig
from storage import private
from storage.accounts import Ledger
from storage.database import Database
from storage.files import Files
from storage.people import AssistMode
from storage.stores import Stores

if TYPE_CHECKING:
    from bot.chat.client import Atelier

log = logging.getLogger(__name__)

USUAL = Rules()

BUILT_IN = Path(generation.__file__).parent / "starter" / "models"


@dataclass(slots=True, kw_only=True)
class App:
    """The parts, for those who carry them outside."""

    settings: Settings
    catalog: Catalog
    model_folders: ModelFolders
    stores: Stores
    workers: tuple[Worker, ...]
    studio: Studio
    prompt_assist: PromptAssist
    replayed: int  # jobs that were waiting when the app was opened
    make_seat: Furnish  # makes a seat for one more worker
    additions: Additions
    web: WebPages | None  # the bot's own pages, where the owner wants them

    @asynccontextmanager
    async def at_work(self, audience: Audience) -> AsyncIterator[None]:
        """Draw, deliver to this audience and tidy up while the block runs."""
        settings, studio = self.settings, self.studio
        digests = _digests(settings)
        async with (
            meanwhile(_keep_running(studio, audience), "studio"),
            meanwhile(_retention(settings, self.stores).run(), "retention"),
            meanwhile(find_earlier(self.stores.index), "earlier pictures"),
            meanwhile(self.model_folders.run(), "model folders"),
            follow_cluster(settings, self.catalog, digests, studio, self.make_seat),
        ):
            yield

    def client(self) -> Atelier:
        """The Discord client; its announcer is an audience."""
        from bot.chat.client import Atelier, ShardedAtelier

        # One connection resumes where it was after any outage; several begin anew after some.
        shards = self.settings.shards
        sharded = {"shard_count": shards or None} if shards != 1 else {}
        make = ShardedAtelier if sharded else Atelier
        return make(
            self.studio,
            guild=self.settings.guild,
            message_content=self.settings.message_content,
            progress_seconds=self.settings.progress_seconds,
            moderator_permission=self.settings.moderator_permission,
            tiers=tiers(self.settings),
            additions=self.additions,
            synced=self.stores.synced,
            owners=self.settings.owners,
            direct_messages=self.settings.direct_messages,
            user_installs=self.settings.user_installs,
            web=self.web,
            **sharded,
        )

    @asynccontextmanager
    async def on_discord(self) -> AsyncIterator[Atelier]:
        """The Discord client, with the studio at work for those who are there."""
        client = self.client()
        self.prompt_assist.start()
        async with self.at_work(client.announcer), self._own_pages(client):
            yield client

    @asynccontextmanager
    async def _own_pages(self, client: Atelier) -> AsyncIterator[None]:
        """The bot's own pages for those whom the client knows, where the owner wants them."""
        from bot.chat.visitors import Visitors

        if self.web is None:
            yield
            return
        studio, settings = self.studio, self.settings
        visitors = Visitors(client, studio, tiers(settings), settings.moderator_permission)
        painter = MaskPainter(studio, self.web.links, self.stores.used_links, visitors)
        gallery = BrowserGallery(studio, self.web.links, visitors.sight)
        async with self.web.serving((*painter.routes(), *gallery.routes())) as port:
            studio.offers.painter = port is not None
            yield
        studio.offers.painter = False


def dice() -> int:
    """A fresh seed."""
    return secrets.randbelow(MAX_SEED + 1)


@asynccontextmanager
async def open_app(
    settings: Settings,
    workers: Sequence[Worker] | None = None,
    prompt_assist: PromptAssist | None = None,
    watch: Watch = nobody,
    rules: Rules = USUAL,
) -> AsyncIterator[App]:
    """Build everything and put what was waiting back into the queue; nothing draws yet.

    `workers` are the seats; None: those of this machine.  `prompt_assist` finds words; None: the
    one that the settings describe.
    """
    private.make_folder(settings.data)
    if not settings.models:
        private.make_folder(settings.fetched_models)
    digests = _digests(settings)
    folders = (*settings.model_folders, BUILT_IN)
    async with contextlib.AsyncExitStack() as closing:
        database = await Database.open(settings.data / "atelier.sqlite3")
        closing.push_async_callback(database.close)
        database.on_commit = lambda seconds: watch(Committed(seconds=seconds))
        catalog = Catalog(folders, digests)
        await asyncio.to_thread(catalog.scan)
        words, place = word_settings(settings), Place.of(settings.assist_device)
        if workers is None:
            workers = await asyncio.to_thread(
                local_workers,
                folders,
                digests,
                device=settings.device,
                gpus=settings.gpus,
                cpu_workers=settings.cpu_workers,
                leave=place.leave(words.writer),
            )
        for worker in workers:
            closing.push_async_callback(worker.stop)
        prompt_assist = prompt_assist or PromptAssist(words, card=place.shared(words.writer))
        closing.push_async_callback(prompt_assist.close)
        app = await _build(settings, database, catalog, workers, prompt_assist, watch, rules)
        closing.push_async_callback(app.studio.close)
        closing.callback(app.additions.stop)
        yield app


def _digests(settings: Settings) -> Path:
    return settings.data / "digests.json"


def _retention(settings: Settings, stores: Stores) -> Retention:
    return Retention(
        pictures=stores.pictures,
        files=stores.files,
        ledger=stores.ledger,
        keep_days=settings.keep_files_days,
        clock=time.time,
    )


async def _build(
    settings: Settings,
    database: Database,
    catalog: Catalog,
    workers: Sequence[Worker],
    prompt_assist: PromptAssist,
    watch: Watch,
    rules: Rules,
) -> App:
    stores = await _stores(settings, database)
    queue = FairQueue(
        rules=rules,
        seats=len(workers),
        max_jobs_per_user=settings.max_waiting_per_person,
        max_seconds_per_user=settings.max_seconds_per_person,
    )
    meter = await _meter(queue, stores.ledger)
    model_folders = ModelFolders(catalog)

    def make_seat(name: str, worker: Worker) -> WorkerSeat:
        return WorkerSeat(
            id=SeatId(name),
            worker=worker,
            costs=meter.costs,
            size_of=lambda key: sum(map(catalog.size_of, weights_of(key))),
        )

    seats = [make_seat(f"gpu {number}", worker) for number, worker in enumerate(workers)]
    share(prompt_assist.card, Place.of(settings.assist_device).seats(seats), meter)
    drafting = _drafting(settings, catalog, model_folders, prompt_assist)
    servers = await _servers(settings, stores)
    studio = Studio(
        stores=stores,
        offers=drafting.offers,
        drafting=drafting,
        seats=seats,
        queue=queue,
        meter=meter,
        watch=watch,
        preview_every=settings.preview_every,
        clock=time.time,
        dice=dice,
        servers=servers,
        strike=strike_out,
        safety_scorer=settings.safety_scorer,
    )
    replayed = await studio.open()
    return App(
        settings=settings,
        catalog=catalog,
        model_folders=model_folders,
        stores=stores,
        workers=tuple(workers),
        studio=studio,
        prompt_assist=prompt_assist,
        replayed=replayed,
        make_seat=make_seat,
        additions=Additions(places(settings), settings.fetched_models, model_folders.nudge),
        web=_web(settings) if settings.web_on else None,
    )


def _web(settings: Settings) -> WebPages:
    links = Links(
        private.key(settings.data / "links.key"),
        clock=time.time,
        serial=lambda: secrets.token_urlsafe(9),
    )
    return WebPages(
        links,
        listen=settings.web_listen,
        port=settings.web_port,
        address=settings.web_address,
    )


async def _servers(settings: Settings, stores: Stores) -> Servers:
    servers = Servers(stores.rulings, clock=time.time, direct_messages=settings.direct_messages)
    await servers.open()
    return servers


async def _meter(queue: FairQueue, ledger: Ledger) -> Meter:
    return Meter(
        queue=queue,
        costs=CostModel.load(await ledger.load_costs()),
        promises=Promises.load(await ledger.load_promises()),
        ledger=ledger,
        clock=time.time,
    )


def _drafting(
    settings: Settings, catalog: Catalog, folders: ModelFolders, prompt_assist: PromptAssist
) -> Drafting:
    offers = Offers(
        catalog=catalog,
        folders=folders,
        styles=prompt_assist.styles,
        default_model=lambda: default_model(settings, catalog),
    )
    return Drafting(
        offers=offers,
        phrasing=Phrasing(prompt_assist, offers, dice=dice),
        house=RequestDraft(model=settings.default_model, assist=prompt_assist.mode),
        max_count=settings.max_count,
        dice=dice,
    )


async def _stores(settings: Settings, database: Database) -> Stores:
    files = Files(settings.data / "files")
    # What a crash left half written; nobody else works in this folder.
    await asyncio.to_thread(files.sweep)
    return Stores.on(database, files)


def tiers(settings: Settings) -> shares.Tiers:
    """What the owner decided about weights."""
    return shares.Tiers(
        roles=settings.role_weights,
        relaxed_roles=settings.relaxed_roles,
        servers=settings.server_weights,
        newcomer_days=settings.newcomer_days,
    )


def word_settings(settings: Settings) -> WordSettings:
    """What the owner decided about words."""
    own_styles, place = settings.data / "styles.toml", Place.of(settings.assist_device)
    return WordSettings(
        assist=AssistMode(settings.assist),
        writer=WriterConfig(
            model=settings.assist_model or "",
            fetch=settings.assist_fetch,
            cache=settings.data / "assistant",
            server=settings.assist_server or "",
            server_model=settings.assist_server_model or "",
            server_key=settings.assist_server_key.reveal() if settings.assist_server_key else None,
            threads=settings.assist_threads,
            device=place.device,
            gpu_layers=None if settings.assist_gpu_layers < 0 else settings.assist_gpu_layers,
            card=place.card,
            lazily=place.kind == "idle",
            context=settings.assist_context,
        ),
        deadline=settings.assist_deadline,
        own_styles=own_styles if own_styles.exists() else None,
        wildcards=settings.data / "wildcards",
        tags=tag_folders(settings.data),
        forbidden=settings.forbidden_words,
        allowed=settings.allowed_phrases,
    )


def default_model(settings: Settings, catalog: Catalog) -> Checkpoint:
    """The model for those who name none: the configured one, else the owner's first, else ours."""
    if settings.default_model is not None:
        return catalog.find(settings.default_model, medium=IMAGE).model
    for entry in catalog.models():
        if entry.draws_words:
            return entry.model
    raise NoSuchName("model", "any")


async def _keep_running(studio: Studio, audience: Audience) -> None:
    """Whoever runs this sleeps at night: a bug is logged, and the studio goes on."""
    me, stumbled = asyncio.current_task(), False
    while me is not None and not me.cancelling():  # a bug on the way out hides that it was told to
        try:
            if stumbled:
                await studio.recover()
            await studio.run(audience)
        except Exception:
            log.exception("the studio stumbled; it goes on")
            stumbled = True
            await asyncio.sleep(1.0)
