"""The studio: what people can do here, without Discord, and the tasks that carry it out.

    requests        asking for pictures, asking again, ending it
    changes         what replies make of pictures
    gallery         what was drawn, as one person may see it; taking it away
    descriptions    what pictures show, in words
    scores          how well words say what pictures show
    crossings       clips, sounds and forms, of words or of what there is
    reshapes        pictures varied, drawn further, or drawn anew in a part
    stars           whose favourite which picture is
    defaults        what people and places like where a wish says nothing
    presets         what is kept by a name, to draw with again
    offers          what can be chosen: models, LoRAs, VAEs, styles
    opening         pictures that people send
    servers         what the admins of each server decided
    quotas          how much people may ask for in a server
    privacy         everything that is a person's, erased
    exports         the same, given to them
    safety          what is not for everybody
    open_requests   how far everything is
    messages        which message shows what                       (for the bot's own messages)
    delivery        what is finished, on its way to where it was asked          (the same)

Dice and the clock that tells Unix time come from outside, and only here and in `bot.app` are
they asked for; waits are measured by the monotonic clock, where they are waited.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.dispatch.audience import Audience
from bot.dispatch.dispatcher import Dispatcher
from bot.dispatch.drawing import Drawings
from bot.dispatch.errands import Errands
from bot.dispatch.forecasts import Forecasts
from bot.dispatch.lifecycle import Lifecycle
from bot.dispatch.meter import Meter
from bot.dispatch.open_requests import OpenRequests
from bot.dispatch.saving import Saver
from bot.dispatch.seats import Seats, WorkerSeat
from bot.studio.admission import Admission
from bot.studio.best_of import Bests
from bot.studio.changing import Changes
from bot.studio.comparing import Comparisons
from bot.studio.confirming import Confirming
from bot.studio.crossings import Crossings
from bot.studio.defaults import Defaults
from bot.studio.deleting import Deleting
from bot.studio.delivery import Delivery
from bot.studio.describing import Descriptions
from bot.studio.device import DrawingDevice
from bot.studio.drafting import Drafting
from bot.studio.exporting import Exports
from bot.studio.gallery import Gallery
from bot.studio.gallery_pages import GalleryPages
from bot.studio.histories import Histories
from bot.studio.known import KnownMessages
from bot.studio.offers import Offers
from bot.studio.opening import Opening
from bot.studio.presetting import Presetting
from bot.studio.privacy import Privacy, Strike
from bot.studio.quotas import Quotas
from bot.studio.readers import Readers
from bot.studio.requests import Requests
from bot.studio.reshapes import Reshapes
from bot.studio.revisor import Revisor
from bot.studio.safety import Safety
from bot.studio.scoring import Scores
from bot.studio.servers import Servers
from bot.studio.sheets import Sheets
from bot.studio.starring import Starring
from bot.studio.stats import Day, last_day
from bot.studio.thumbnails import Thumbnails
from bot.studio.weekly import Weeklies
from bot.telemetry.events import Watch
from generation.queue.fair_queue import FairQueue
from storage.stores import Stores
from storage.tickets import RequestId

log = logging.getLogger(__name__)


class Studio:
    """The use-cases, and the tasks that carry them out."""

    def __init__(
        self,
        *,
        stores: Stores,
        offers: Offers,
        drafting: Drafting,
        seats: Sequence[WorkerSeat],
        queue: FairQueue,
        meter: Meter,
        watch: Watch,
        preview_every: int,
        clock: Callable[[], float],
        dice: Callable[[], int],
        servers: Servers,
        strike: Strike,
        safety_scorer: str | None,
    ) -> None:
        self.servers = servers
        self._stores, self._seats = stores, list(seats)
        self._joined: asyncio.Queue[WorkerSeat] = asyncio.Queue()
        self._queue, self._meter, self._clock = queue, meter, clock
        self.device = DrawingDevice()
        self.offers = offers
        self.opening = Opening()
        served = Seats()
        forecasts = Forecasts(queue, served)
        self.open_requests = OpenRequests(queue, meter.promises, forecasts.turns, clock=clock)
        self.delivery = Delivery(stores, watch=watch, clock=clock, before=self._before_shown)
        self._lifecycle = Lifecycle(
            queue=queue,
            meter=meter,
            open_requests=self.open_requests,
            seats=served,
            watch=watch,
            request_ended=self.delivery.look,
        )
        self._let_rules_hold(servers, drafting)
        saver = Saver(stores.tickets, stores.files, clock=clock)
        self._drawings = Drawings(self._lifecycle, saver, preview_every=preview_every)
        self.errands = Errands(self._lifecycle, meter)
        self._bests = Bests(stores, self.errands)
        self.safety = Safety(stores, offers, self.errands, servers, safety_scorer)
        self._dispatcher = Dispatcher(
            self._lifecycle, self._drawings, self.errands, worker_ready=self.device.said
        )
        self.quotas = Quotas(servers, stores.usage, clock=clock)
        self._admission = Admission(
            stores, meter, self._lifecycle, self._drawings, servers, self.quotas
        )
        self._deleting = Deleting(
            stores, door=self._admission.door, clock=clock, restored=self.delivery.look
        )
        self.messages = KnownMessages(stores.tickets, self._progress_noted)
        self.readers = Readers(stores.locales)
        self.exports = Exports(stores)
        self.privacy = Privacy(
            stores=stores,
            servers=servers,
            admission=self._admission,
            meter=meter,
            readers=self.readers,
            strike=strike,
            clock=clock,
        )
        self.gallery = Gallery(stores.tickets, stores.pictures, self._deleting)
        self.gallery_pages = GalleryPages(self.gallery, stores)
        self.thumbnails = Thumbnails(stores.files)
        self.weeklies = Weeklies(
            servers=servers, posts=stores.weekly_posts, pages=self.gallery_pages, clock=clock
        )
        self.stars = Starring(self.gallery, stores.favourites, clock=clock)
        self.presets = Presetting(stores=stores, gallery=self.gallery, clock=clock)
        self.defaults = Defaults(stores.people, drafting, self.presets)
        self.requests = Requests(
            stores=stores,
            gallery=self.gallery,
            drafting=drafting,
            defaults=self.defaults,
            device=self.device,
            opening=self.opening,
            admission=self._admission,
            open_requests=self.open_requests,
            servers=servers,
            clock=clock,
            dice=dice,
        )
        self.confirming = Confirming(
            unconfirmed=stores.unconfirmed,
            gallery=self.gallery,
            requests=self.requests,
            admission=self._admission,
            defaults=self.defaults,
            clock=clock,
        )
        self.sheets = Sheets(
            defaults=self.defaults,
            drafting=drafting,
            requests=self.requests,
            confirming=self.confirming,
            dice=dice,
        )
        self.crossings = Crossings(
            gallery=self.gallery,
            requests=self.requests,
            drafting=drafting,
            opening=self.opening,
            files=stores.files,
        )
        revisor = Revisor(
            gallery=self.gallery,
            drafting=drafting,
            requests=self.requests,
            defaults=self.defaults,
            device=self.device,
            crossings=self.crossings,
        )
        self.changes = Changes(
            stores=stores,
            gallery=self.gallery,
            drafting=drafting,
            requests=self.requests,
            revisor=revisor,
            opening=self.opening,
        )
        self.descriptions = Descriptions(
            gallery=self.gallery,
            files=stores.files,
            defaults=self.defaults,
            drafting=drafting,
            opening=self.opening,
            errands=self.errands,
        )
        self.histories = Histories(stores.tallies, stores.ledger, clock=clock)
        self.comparisons = Comparisons(self.gallery, stores.files)
        self.scores = Scores(
            gallery=self.gallery,
            files=stores.files,
            offers=offers,
            opening=self.opening,
            errands=self.errands,
        )
        self.reshapes = Reshapes(
            gallery=self.gallery,
            requests=self.requests,
            offers=offers,
            defaults=self.defaults,
            opening=self.opening,
            files=stores.files,
            dice=dice,
        )

    def _let_rules_hold(self, servers: Servers, drafting: Drafting) -> None:
        """What the admins of a server decide is asked of them, and told when it changes."""
        self.open_requests.rest = lambda guild: servers.rules(guild).rest
        drafting.offered = lambda guild, model: servers.rules(guild).offers_model(model)
        servers.changed = self._lifecycle.rested_or_not

    async def open(self) -> int:
        """Put everything that was waiting back into the queue.  Returns how many jobs."""
        await self.privacy.finish()
        return await self._admission.replay()

    async def run(self, audience: Audience) -> None:
        """Draw, and deliver to this audience, until cancelled."""
        with self._lifecycle.told_to(audience):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._meter.save(), name="meter")
                tasks.create_task(self.delivery.run(audience), name="delivery")
                tasks.create_task(self._deleting.run(), name="deleting")
                # New for each run: who joined while nothing ran is among the seats already.
                self._joined = asyncio.Queue()
                for seat in self._seats:
                    self._joined.put_nowait(seat)
                while True:
                    seat = await self._joined.get()
                    tasks.create_task(self._dispatcher.serve(seat), name=f"seat {seat.id}")

    async def recover(self) -> None:
        """After a bug has ended `run`, and before it is run again: nothing goes on unheard."""
        for seat in tuple(self._seats):
            await seat.worker.stop()  # or it takes a job that comes again for one it has already
        await self._drawings.pick_up()

    def join(self, seat: WorkerSeat) -> None:
        """One more device draws from now on."""
        self._seats.append(seat)
        self._queue.seats = len(self._seats)
        self._joined.put_nowait(seat)

    def leave(self, seat: WorkerSeat) -> None:
        """A device will not come back.  Its worker has raised, or raises, WorkerDied."""
        self._seats.remove(seat)
        self._queue.seats = len(self._seats)
        seat.gone = True
        seat.news.set()

    async def close(self) -> None:
        """After `run` was cancelled: finish what must not be left half done."""
        await self._admission.close()
        await self._drawings.close()
        await self.delivery.close()
        await self._meter.write()

    @property
    def folder(self) -> Path:
        """Where the pictures lie."""
        return self._stores.files.folder

    async def last_day(self) -> Day:
        """Who had the GPU and who waited, in the last 24 hours."""
        return await last_day(self._stores.ledger, self._clock())

    async def _before_shown(self, request: RequestId) -> None:
        """What a finished request still lacks."""
        await self._bests.score(request)
        await self.safety.judge(request)

    def _progress_noted(self, request: RequestId) -> None:
        """The request's message ends where it stands, if that is over."""
        if not self.open_requests.is_open(request):
            self.delivery.look()
