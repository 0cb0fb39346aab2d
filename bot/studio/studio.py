"""The studio: what people can do here, without Discord.

Submit a wish, draw a picture again (with another seed, or exactly), cancel, look at the queue.
Nothing is acknowledged before it is committed: `submit` returns when the tickets are on disk.
Dice and the clock that tells Unix time come from outside, and only here and in `bot.app` are
they asked for; waits are measured by the monotonic clock, where they are waited.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from bot.dispatch.audience import Audience, Outcome, Progress
from bot.dispatch.dispatcher import Dispatcher, Listeners
from bot.dispatch.meter import Meter
from bot.dispatch.open_requests import OpenRequests
from bot.dispatch.seats import WorkerSeat
from bot.studio.deleting import Deleting
from bot.studio.delivery import Delivery
from bot.studio.drafting import Drafted, Drafting
from bot.studio.gallery import Gallery
from bot.studio.known import KnownMessages
from bot.studio.notes import bounded
from bot.studio.opening import Opening
from bot.studio.rights import Asker, Sight
from bot.studio.stats import Day, last_day
from bot.studio.wishes import Origin, Wish, init_from, remembered_seed, seeds
from bot.telemetry.events import Delivered, JobEnded, Queued, Watch
from generation.errors import WorkerDied
from generation.fleet.wire import Ready
from generation.job import UserId
from generation.media import photos
from generation.queue.fair_queue import FairQueue
from generation.recipe import Input, Recipe, Sha256
from prompting import wildcards
from prompting.errors import TooMany
from storage.errors import Missing
from storage.people import AssistMode, Preferences
from storage.pictures import PictureId, StoredPicture
from storage.stores import Stores
from storage.tickets import Asked, Held, Request, RequestId, State
from storage.words import Wording

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_PICTURES = 10  # of one request: a message of Discord's shows no more
CLOSING_SECONDS = 15.0  # that submissions and cancellations have to come to their end
START_SECONDS = 120.0  # the longest that a first request waits for the worker to start


class Studio:
    """The use-cases, and the tasks that carry them out."""

    def __init__(
        self,
        *,
        stores: Stores,
        drafting: Drafting,
        seats: Sequence[WorkerSeat],
        queue: FairQueue,
        meter: Meter,
        audience: Audience,
        watch: Watch,
        preview_every: int,
        clock: Callable[[], float],
        dice: Callable[[], int],
    ) -> None:
        self.drafting = drafting
        self.opening = Opening()
        self._stores, self._seats = stores, list(seats)
        self._joined: asyncio.Queue[WorkerSeat] = asyncio.Queue()
        self._gallery = Gallery(stores.tickets, stores.pictures)
        self._queue, self._meter = queue, meter
        self._audience, self._watch = audience, watch
        self._clock, self._dice = clock, dice
        self.open_requests = OpenRequests(queue, meter.promises, clock=clock)
        self._delivery = Delivery(
            tickets=stores.tickets,
            pictures=stores.pictures,
            words=stores.words,
            deletions=stores.deletions,
            files=stores.files,
            audience=audience,
            posted=self._posted,
            clock=clock,
        )
        self.dispatcher = Dispatcher(
            queue=queue,
            open_requests=self.open_requests,
            meter=meter,
            stores=stores,
            listeners=Listeners(
                audience=audience,
                watch=watch,
                request_ended=self._delivery.look,
                worker_ready=self._worker_ready,
            ),
            clock=clock,
            preview_every=preview_every,
        )
        # One submission at a time: between "is there room?" and "it is queued" nobody else counts,
        # and between "the file is there" and "it is needed" nobody deletes it.
        self._door = asyncio.Lock()
        self.messages = KnownMessages(stores.tickets)
        self.deleting = Deleting(
            stores.deletions,
            stores.files,
            door=self._door,
            clock=clock,
            restored=self._delivery.look,
        )
        self._half_done: set[asyncio.Task[Any]] = set()
        self._first_ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()

    async def open(self) -> int:
        """Put everything that was waiting back into the queue.  Returns how many jobs."""
        accounts = await self._stores.ledger.load()
        if accounts is not None:
            self._queue.restore(accounts)
        now, waiting = time.monotonic(), []
        for request, tickets in await self._stores.tickets.replay():
            self.open_requests.open(request, tickets)
            waiting += [ticket.job for ticket in tickets if ticket.state.open]
        for job in sorted(waiting, key=lambda job: job.id):
            self._queue.put(job, now)
            self._watch(Queued(job=job))
        self.dispatcher.arrived()
        return len(waiting)

    async def run(self) -> None:
        """Draw and deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._meter.save(), name="meter")
            tasks.create_task(self._delivery.run(), name="delivery")
            tasks.create_task(self.deleting.run(), name="deleting")
            # New for each run: who joined while nothing ran is among the seats already.
            self._joined = asyncio.Queue()
            for seat in self._seats:
                self._joined.put_nowait(seat)
            while True:
                seat = await self._joined.get()
                tasks.create_task(self.dispatcher.serve(seat), name=f"seat {seat.id}")

    async def recover(self) -> None:
        """After a bug has ended `run`, and before it is run again: nothing goes on unheard."""
        for seat in tuple(self._seats):
            await seat.worker.stop()  # or it takes a job that comes again for one it has already
        await self.dispatcher.pick_up()

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
        if self._half_done:
            _, stuck = await asyncio.wait(self._half_done, timeout=CLOSING_SECONDS)
            for task in stuck:
                task.cancel()  # the disk is full, and what was asked is asked again
        await self.dispatcher.close()
        await self._delivery.close()
        await self._meter.write()

    # -- asking for pictures ---------------------------------------------------------------

    async def submit(self, wish: Wish) -> Request:
        """Turn a wish into recipes and queue them.

        Raises Unacceptable, QueueFull, StorageError, or WorkerDied while nothing can draw yet.
        """
        return await self.submit_all((wish,), words=wish.draft.prompt)

    async def submit_all(self, wishes: Sequence[Wish], *, words: str) -> Request:
        """Several wishes of one person as one request: all of them are queued, or none is.

        `words` is what was typed, and stood for all of them.  Raises what `submit` raises, and
        TooMany where a message could not show them all.
        """
        first = wishes[0]
        if first.parent is not None:
            await self._gallery.check_start(first.place.asker, first.parent.id)
        device = await self._device()
        mine = await self._stores.people.preferences(first.place.owner)
        found: list[Drafted] = []
        for wish in wishes:
            drafted = await self.drafting.draft(await self._own(wish), mine, device=device)
            found.append(drafted)
            # Kept for every mode: who switches to "increment" goes on from the picture they liked.
            used = tuple(recipe.seed for recipe in drafted.recipes)
            mine = replace(mine, last_seed=remembered_seed(used, mine.seed_mode))
        recipes = [recipe for drafted in found for recipe in drafted.recipes]
        if len(recipes) > MOST_PICTURES:
            raise TooMany("pictures", len(recipes), MOST_PICTURES)
        request = await self.queue_up(
            first.place,
            recipes,
            words=words,
            parent=first.parent.id if first.parent else None,
            # A request has one wording; several wishes have none that is everybody's.
            wording=found[0].wording if len(found) == 1 else None,
            notes=[note for drafted in found for note in drafted.notes],
        )
        await self._stores.people.prefer(first.place.owner, mine)
        return request

    async def _own(self, wish: Wish) -> Wish:
        """The wish with what its parent was not to show, as far as the person said so.

        A style's own negative would live on in every change of the picture, and fight a new style.
        """
        if wish.parent is None or wish.draft.negative_prompt is not None:
            return wish
        before = await self._stores.words.of_picture(wish.parent.id)
        if before is None:
            return wish
        return replace(wish, draft=replace(wish.draft, negative_prompt=before.own_negative))

    async def predicted(self, wish: Wish) -> tuple[int, float]:
        """How many pictures a wish is, and the seconds of the device.  Raises Unacceptable."""
        drafted = await self._plainly(wish, await self._device())
        seconds = sum(self._meter.costs.predict(recipe) for recipe in drafted.recipes)
        return len(drafted.recipes), seconds

    async def check(self, wish: Wish) -> None:
        """Raise what `submit` would raise of the wish itself; no worker needs to run for that."""
        if wish.style is not None:
            self.drafting.styles.find(wish.style)
        await self._plainly(wish, "cpu")  # the device decides the precision, which is always known

    async def _plainly(self, wish: Wish, device: str) -> Drafted:
        """In the person's own words: other words cost the same, and asking for them takes time."""
        mine = await self._stores.people.preferences(wish.place.owner)
        plain = replace(wish, assist=AssistMode.OFF, style=None)
        return await self.drafting.draft(plain, replace(mine, style=None), device=device)

    async def again(self, request: RequestId, place: Origin) -> Request:
        """The same wish with other seeds."""
        before, recipes = await self._before(request, place)
        mine = await self._stores.people.preferences(place.owner)
        fresh = seeds(self._dice() % 2**32, len(recipes), mine, self._dice)
        rolled = tuple(replace(r, seed=s) for r, s in zip(recipes, fresh, strict=True))
        return await self.queue_up(
            place,
            rolled,
            words=before.words,
            parent=before.parent,
            wording=await self._stores.words.find(request),
            notes=before.notes,
        )

    async def reword(
        self, request: RequestId, place: Origin, *, style: str | None = None, own: bool = False
    ) -> Request:
        """The same wish and seeds in other words: a new wording, another style, or one's own.

        `style` keeps the wording, so that only the style differs.  `own` asks nobody.
        """
        before, recipes = await self._before(request, place)
        last = await self._stores.words.find(request)
        found = [
            await self.drafting.reword(words, group, last, style=style, own=own)
            for words, group in _readings(before.words, recipes)
        ]
        return await self.queue_up(
            place,
            [recipe for drafted in found for recipe in drafted.recipes],
            words=before.words,
            parent=before.parent,
            wording=found[0].wording if len(found) == 1 else None,
            notes=[note for drafted in found for note in drafted.notes],
        )

    async def _before(
        self, request: RequestId, place: Origin
    ) -> tuple[Request, tuple[Recipe, ...]]:
        """A request and its recipes, for somebody who wants something new of them."""
        before = await self._gallery.request(place.asker, request)
        tickets = await self._stores.tickets.of_request(request)
        recipes = tuple(ticket.job.recipe for ticket in tickets)
        await self._gallery.check_inputs(place.asker, recipes)
        return before, recipes

    async def reproduce(self, number: PictureId, place: Origin) -> Request:
        """Draw a picture a second time from its recipe, to compare.  Raises Missing."""
        await self._gallery.picture(place.asker, number)
        picture = await self._stores.pictures.get(number)  # with all that it came from
        return await self.queue_up(
            place,
            (picture.recipe,),
            words=picture.words,
            parent=picture.parent,
            reproduces=picture.id,
        )

    async def reproduce_file(self, recipe: Recipe, pixels: Sha256, place: Origin) -> Request:
        """Draw the recipe that a stranger's PNG carries, to compare with its pixels.

        Raises what `submit` raises.
        """
        recipe = self.drafting.for_somebody(recipe)
        await self._gallery.check_strangers(place.asker, recipe)
        found = await self._gallery.drawn_from(place.asker, recipe.id)
        same = [picture for picture in found if picture.pixels_sha256 == pixels]
        if same:
            return await self.reproduce(same[0].id, place)
        return await self.queue_up(place, (recipe,), words=recipe.prompt, expects=pixels)

    async def queue_up(
        self,
        place: Origin,
        recipes: Sequence[Recipe],
        *,
        words: str,
        parent: PictureId | None = None,
        reproduces: PictureId | None = None,
        expects: Sha256 | None = None,
        wording: Wording | None = None,
        notes: Sequence[str] = (),
    ) -> Request:
        """Commit recipes as a request and let them wait for their turn.

        `notes` are sentences to be said beside the pictures (`bot.studio.notes`).
        """
        costs = [self._meter.costs.predict(recipe) for recipe in recipes]
        asked = Asked(
            owner=place.owner,
            share=place.share,
            guild=place.guild,
            channel=place.channel,
            reply_to=place.reply_to,
            source=place.source,
            locale=place.locale,
            words=words,
            parent=parent,
            reproduces=reproduces,
            expects=expects,
            created=self._clock(),
            notes=bounded(notes),
        )
        return await self._to_the_end(self._admit(asked, recipes, costs, wording))

    async def _admit(
        self,
        asked: Asked,
        recipes: Sequence[Recipe],
        costs: Sequence[float],
        wording: Wording | None,
    ) -> Request:
        async with self._door:
            self._queue.room_for(asked.owner, costs)
            for digest in {item.sha256 for recipe in recipes for item in recipe.inputs}:
                await asyncio.to_thread(self._stores.files.need, digest)
            request, tickets = await self._stores.tickets.add(asked, recipes, costs, wording)
            for ticket in tickets:
                self._queue.put(ticket.job, time.monotonic())
                self._watch(Queued(job=ticket.job))
            self.open_requests.open(request, tickets)
        self.dispatcher.arrived()
        return request

    async def _to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Whoever asked may go away; what is committed must still find its way to the queue."""
        task = asyncio.create_task(work)
        self._half_done.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._half_done.discard(task)
        if not task.cancelled():
            task.exception()  # looked at: nobody may be waiting for it

    async def keep_input(self, data: bytes) -> tuple[Input, photos.InputFacts]:
        """Check and keep the bytes of a picture that somebody sent.  Raises BadPicture."""
        facts = await self.opening.check(data)
        sha256 = await asyncio.to_thread(self._stores.files.keep, data, ".input")
        return init_from(sha256), facts

    # -- what is going on ------------------------------------------------------------------

    async def say_progress_is(self, request: RequestId, message: int) -> None:
        """Remember which message shows the progress of a request, and end it if that is over."""
        await self._stores.tickets.say_progress_is(request, message)
        if not self.open_requests.is_open(request):
            self._delivery.look()

    async def sending_directly(self, request: RequestId, channel: int) -> None:
        """Note, before it is tried, in which direct messages a result may be found later."""
        await self._stores.tickets.sending_directly(request, channel)

    def reconsider(self, *, guild: int | None = None, owner: int | None = None) -> None:
        """What is held of a server or of a person may find its place now."""
        self._delivery.reconsider(guild=guild, owner=owner)

    async def held_of(self, owner: int) -> tuple[Held, ...]:
        """What of a person's is done and has no place."""
        return await self._delivery.held_of(owner)

    def standing(self, request: RequestId) -> Progress | None:
        """How an open request stands."""
        return self.open_requests.standing(request)

    async def last_day(self) -> Day:
        """Who had the GPU and who waited, in the last 24 hours."""
        return await last_day(self._stores.ledger, self._clock())

    async def cancel(self, request: RequestId, *, by: Asker) -> bool:
        """End a request: what waits at once, what is being drawn within a step.

        False: it has ended already.  Raises Missing, or NotAllowed.
        """
        asked = await self._gallery.to_act_on(by, request, "cancel another person's request")
        open_ = self.open_requests.is_open(request)
        if not open_ and asked.owner != by.id:
            raise Missing("request", request)  # there is nothing that a moderator could end
        await self._to_the_end(self._cancel(request))
        return open_

    async def _cancel(self, request: RequestId) -> None:
        waiting, running = await self._stores.tickets.cancel(request)
        for job in waiting:
            # A seat may have taken it in this very moment, when its ticket did not know yet.
            if not self.dispatcher.has(job) and (left := self._queue.cancel(job)) is not None:
                self.open_requests.ended(job)
                self._watch(JobEnded(job=left, state=State.CANCELLED, seconds=0.0))
        # What runs by its ticket and waits here was put back when the studio stumbled.
        astray = [job for job in running if not self.dispatcher.has(job)]
        stray = [found for job in astray if (found := self._queue.cancel(job)) is not None]
        await self.dispatcher.cancel((*running, *waiting))
        for lost in stray:
            self.open_requests.ended(lost.id)
            self._watch(JobEnded(job=lost, state=State.CANCELLED, seconds=0.0))
            await self.dispatcher.saver.end(lost, State.CANCELLED, "Cancelled: ", None)
        self._audience.changed(request)
        self._delivery.look()

    async def delete(self, request: RequestId, *, by: Asker) -> float | None:
        """Take a request's pictures away; the recipes stay.  Returns until when `restore` works.

        None: they were taken away before.  Raises Missing, or NotAllowed.
        """
        await self._gallery.to_act_on(by, request, "delete another person's picture")
        return await self.deleting.delete(request, by=by.id)

    async def restore(self, request: RequestId, *, by: Asker) -> None:
        """Bring back what the same person has just deleted: it is posted again.

        Raises TooLate, Missing, or NotAllowed.
        """
        await self._gallery.to_act_on(by, request, "bring back another person's picture")
        await self.deleting.restore(request, by=by.id)

    async def taken_away(self, messages: Sequence[int]) -> None:
        """Messages were deleted in Discord: their pictures are their owners' alone from now on."""
        await self._stores.tickets.taken_away(messages)

    # -- what a person may see -------------------------------------------------------------

    def look_through(self, sight: Sight) -> None:
        """Who knows what people can do in the channels."""
        self._gallery.sight = sight

    async def pictures_of(self, request: RequestId, asker: Asker) -> tuple[StoredPicture, ...]:
        """The pictures of a request, in their order.  Raises Missing."""
        return await self._gallery.of_request(asker, request)

    async def pictures_in_message(self, message: int, asker: Asker) -> tuple[StoredPicture, ...]:
        """The pictures that a message shows, in their order; those that the person may see."""
        return await self._gallery.in_message(asker, message)

    async def picture(self, picture: PictureId, asker: Asker) -> StoredPicture:
        """A picture by its number.  Raises Missing."""
        return await self._gallery.picture(asker, picture)

    async def newest_of(self, asker: Asker, limit: int) -> tuple[StoredPicture, ...]:
        """A person's own newest pictures."""
        return await self._gallery.own(asker, limit)

    # -- for the bot's own messages, not for people ----------------------------------------

    async def request(self, request: RequestId) -> Request:
        """A request as it was asked, for the place where it was asked.  Raises Missing."""
        return await self._stores.tickets.request(request)

    async def outcome(self, request: Request) -> Outcome:
        """Everything there is to show of a finished request where it was asked."""
        return await self._delivery.outcome(request)

    async def prefer(
        self, person: int, wanted: Preferences, *, size: str | None = None
    ) -> Preferences:
        """Check and keep a person's settings.  Raises Unacceptable."""
        checked = self.drafting.checked(wanted, size=size)
        await self._stores.people.prefer(UserId(person), checked)
        return checked

    async def preferences(self, person: int) -> Preferences:
        """A person's own settings."""
        return await self._stores.people.preferences(UserId(person))

    @property
    def ready(self) -> bool:
        """Whether a worker has been ready since the start; until then a submission waits."""
        return self._first_ready.done()

    @property
    def device(self) -> str:
        """What draws here, as torch calls it; "" until a worker has said."""
        return self._first_ready.result().environment.device if self.ready else ""

    async def _device(self) -> str:
        # It decides the precision, and so the pixels: right after a start it is worth waiting for.
        # Not wait_for: until Python 3.12 it can swallow a cancellation.
        try:
            async with asyncio.timeout(START_SECONDS):
                ready = await asyncio.shield(self._first_ready)
        except TimeoutError:
            raise WorkerDied(f"no worker was ready within {START_SECONDS:.0f} s") from None
        return ready.environment.device

    def _posted(self, request: Request) -> None:
        self._watch(Delivered(request=request.id, seconds=self._clock() - request.created))

    def _worker_ready(self, ready: Ready) -> None:
        if not self._first_ready.done():
            self._first_ready.set_result(ready)


def _readings(words: str, recipes: Sequence[Recipe]) -> list[tuple[str, Sequence[Recipe]]]:
    """What a request's words stand for, each with its recipes: as `submit_all` queued them."""
    if 1 < wildcards.count(words) <= len(recipes):
        prompts = wildcards.permutations(words, limit=MOST_PICTURES)
        each, odd = divmod(len(recipes), len(prompts))
        if not odd:
            groups = [recipes[at : at + each] for at in range(0, len(recipes), each)]
            return list(zip(prompts, groups, strict=True))
    return [(words, recipes)]
