"""The studio: what people can do here, without Discord.

Submit a wish, draw a picture again (with another seed, or exactly), cancel, look at the queue.
Nothing is acknowledged before it is committed: `submit` returns when the tickets are on disk.
Dice and clock come from outside, and only here and in `bot.house` are they asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.audience import Audience, Outcome, Standing
from bot.board import Board
from bot.delivery import Delivery
from bot.dispatch import Dispatcher, Shelves
from bot.wishes import (
    Place,
    Wish,
    carried_over,
    init_from,
    preferred,
    remembered_seed,
    seeds,
    shape,
    sized,
)
from generation import inputs
from generation.catalog import Catalog, Entry
from generation.costs import CostModel
from generation.draft import Draft, Model, complete
from generation.errors import OutOfRange, WorkerDied
from generation.families import Family, family
from generation.fleet import Worker
from generation.fleet.wire import Ready
from generation.job import UserId
from generation.queue import FairQueue
from generation.recipe import Input, Recipe, Sha256
from storage.files import Files
from storage.people import People, Preferences
from storage.pictures import PictureId, Pictures, StoredPicture
from storage.tickets import Asked, Request, RequestId, State, Tickets

log = logging.getLogger(__name__)

START_SECONDS = 120.0  # the longest that a first request waits for the worker to start


class NotAllowed(Exception):
    """The person may not do that; `what` is a clause, as in "cancel another person's request"."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The parts of storage that the studio uses."""

    tickets: Tickets
    pictures: Pictures
    people: People
    shelves: Shelves

    @property
    def files(self) -> Files:
        """Bytes on disk."""
        return self.shelves.files


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may ask for."""

    max_count: int
    preview_every: int  # steps


class Studio:
    """The use-cases, and the tasks that carry them out."""

    def __init__(
        self,
        *,
        stores: Stores,
        catalog: Catalog,
        workers: Sequence[Worker],
        queue: FairQueue,
        costs: CostModel,
        audience: Audience,
        default_model: Callable[[], Model],
        limits: Limits,
        clock: Callable[[], float],
        dice: Callable[[], int],
    ) -> None:
        self._stores, self._catalog, self._workers = stores, catalog, workers
        self._queue, self._costs = queue, costs
        self._audience, self._limits = audience, limits
        self._default_model = default_model
        self._clock, self._dice = clock, dice
        self.board = Board(queue, seats=len(workers), clock=clock)
        self._delivery = Delivery(
            tickets=stores.tickets,
            pictures=stores.pictures,
            files=stores.files,
            audience=audience,
        )
        self.dispatcher = Dispatcher(
            queue=queue,
            costs=costs,
            board=self.board,
            shelves=stores.shelves,
            audience=audience,
            clock=clock,
            preview_every=limits.preview_every,
            request_ended=self._delivery.look,
            worker_ready=self._worker_ready,
        )
        # One submission at a time: between "is there room?" and "it is queued" nobody else counts.
        self._door = asyncio.Lock()
        self._first_ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()

    async def open(self) -> int:
        """Put everything that was waiting back into the queue.  Returns how many jobs."""
        accounts = await self._stores.shelves.ledger.load()
        if accounts is not None:
            self._queue.restore(accounts)
        waiting = await self._stores.tickets.waiting()
        for request in {request.id: request for request, _ in waiting}.values():
            self.board.open(request, await self._stores.tickets.of_request(request.id))
        for _, ticket in waiting:
            self._queue.put(ticket.job)
        self.dispatcher.arrived()
        return len(waiting)

    async def run(self) -> None:
        """Draw and deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.dispatcher.save_accounts(), name="accounts")
            tasks.create_task(self._delivery.run(), name="delivery")
            for number, worker in enumerate(self._workers):
                tasks.create_task(self.dispatcher.serve(worker), name=f"seat {number}")

    async def close(self) -> None:
        """After `run` was cancelled: finish what must not be left half done."""
        await self._delivery.close()

    # -- asking for pictures ---------------------------------------------------------------

    async def submit(self, wish: Wish) -> Request:
        """Turn a wish into recipes and queue them.

        Raises Unacceptable, QueueFull, StorageError, or WorkerDied while nothing can draw yet.
        """
        device = await self._device()
        mine = await self._stores.people.preferences(wish.place.owner)
        model, draft = self._model(wish, mine), wish.draft
        if wish.size is not None:
            draft = sized(draft, wish.size, family(model.family))
        if wish.parent is not None:
            draft = carried_over(draft, wish.parent.recipe)
        draft = preferred(draft, _fitting(mine, family(model.family)))
        count = wish.count if wish.count is not None else (mine.count or 1)
        if not 1 <= count <= self._limits.max_count:
            raise OutOfRange("count", count, f"1 to {self._limits.max_count}")
        used = seeds(wish.seed, count, mine, self._dice)
        recipes = tuple(complete(draft, model, seed=s, device=device) for s in used)
        request = await self.queue_up(
            wish.place,
            recipes,
            words=wish.draft.prompt,
            parent=wish.parent.id if wish.parent else None,
        )
        # Kept for every mode: who switches to "increment" goes on from the picture they liked.
        last = remembered_seed(used, mine.seed_mode)
        await self._stores.people.prefer(wish.place.owner, replace(mine, last_seed=last))
        return request

    async def again(self, request: RequestId, place: Place) -> Request:
        """The same wish with other seeds."""
        before = await self._stores.tickets.request(request)
        recipes = [t.job.recipe for t in await self._stores.tickets.of_request(request)]
        mine = await self._stores.people.preferences(place.owner)
        fresh = seeds(self._dice() % 2**32, len(recipes), mine, self._dice)
        rolled = tuple(replace(r, seed=s) for r, s in zip(recipes, fresh, strict=True))
        return await self.queue_up(place, rolled, words=before.words, parent=before.parent)

    async def reproduce(self, picture: StoredPicture, place: Place) -> Request:
        """Draw a picture a second time from its recipe, to compare."""
        return await self.queue_up(
            place,
            (picture.recipe,),
            words=picture.words,
            parent=picture.parent,
            reproduces=picture.id,
        )

    async def reproduce_file(self, recipe: Recipe, pixels: Sha256, place: Place) -> Request:
        """Draw the recipe that a stranger's PNG carries, to compare with its pixels."""
        found = await self._stores.pictures.find_by_recipe(recipe.id)
        same = [picture for picture in found if picture.pixels_sha256 == pixels]
        if same:
            return await self.reproduce(same[0], place)
        return await self.queue_up(place, (recipe,), words=recipe.prompt, expects=pixels)

    async def queue_up(
        self,
        place: Place,
        recipes: Sequence[Recipe],
        *,
        words: str,
        parent: PictureId | None = None,
        reproduces: PictureId | None = None,
        expects: Sha256 | None = None,
    ) -> Request:
        """Commit recipes as a request and let them wait for their turn."""
        costs = [self._costs.predict(recipe) for recipe in recipes]
        asked = Asked(
            owner=place.owner,
            guild=place.guild,
            channel=place.channel,
            reply_to=place.reply_to,
            locale=place.locale,
            words=words,
            parent=parent,
            reproduces=reproduces,
            expects=expects,
            created=self._clock(),
        )
        async with self._door:
            self._queue.room_for(place.owner, costs)
            request, tickets = await self._stores.tickets.add(asked, recipes, costs)
            for ticket in tickets:
                self._queue.put(ticket.job)
            self.board.open(request, tickets)
        self.dispatcher.arrived()
        return request

    async def keep_input(self, data: bytes) -> tuple[Input, inputs.InputFacts]:
        """Check and keep the bytes of a picture that somebody sent.  Raises BadPicture."""
        facts = await asyncio.to_thread(inputs.check, data)
        sha256 = await asyncio.to_thread(self._stores.files.keep, data, ".input")
        return init_from(sha256), facts

    def sized_like(self, wish: Wish, width: int, height: int) -> Wish:
        """The wish with the shape of its input picture, unless it names a size of its own."""
        if wish.size is not None or wish.draft.width is not None:
            return wish
        usual = family(self._model(wish, Preferences()).family)
        across, down = shape(usual, width, height)
        return replace(wish, draft=replace(wish.draft, width=across, height=down))

    # -- what is going on ------------------------------------------------------------------

    async def say_progress_is(self, request: RequestId, message: int) -> None:
        """Remember which message shows the progress of a request."""
        await self._stores.tickets.say_progress_is(request, message)

    def standing(self, request: RequestId) -> Standing | None:
        """How an open request stands."""
        return self.board.standing(request)

    async def cancel(self, request: RequestId, *, by: int, moderator: bool) -> Request:
        """End a request: what waits at once, what is being drawn within a step."""
        found = await self._stores.tickets.request(request)
        if found.owner != by and not moderator:
            raise NotAllowed("cancel another person's request")
        waiting, running = await self._stores.tickets.cancel(request)
        for job in waiting:
            if self._queue.cancel(job) is None:
                # It left the queue in this very moment, and its ticket does not know yet.
                running = (*running, job)
            else:
                self.board.ended(job)
        for job in running:
            await self.dispatcher.cancel(job)
        self._audience.changed(request)
        self._delivery.look()
        return found

    async def delete(self, request: RequestId, *, by: int, moderator: bool) -> None:
        """Forget the files of a request's pictures; the recipes stay."""
        found = await self._stores.tickets.request(request)
        if found.owner != by and not moderator:
            raise NotAllowed("delete another person's picture")
        for picture in await self._stores.pictures.of_request(request):
            unused = await self._stores.pictures.delete(picture.id)
            if unused is not None:
                await asyncio.to_thread(self._stores.files.drop, unused)

    async def request(self, request: RequestId) -> Request:
        """A request as it was asked.  Raises Missing."""
        return await self._stores.tickets.request(request)

    async def outcome(self, request: Request) -> Outcome:
        """Everything there is to show of a finished request."""
        return await self._delivery.outcome(request)

    async def pictures_of(self, request: RequestId) -> tuple[StoredPicture, ...]:
        """The pictures of a request, in their order."""
        return await self._stores.pictures.of_request(request)

    async def pictures_in_message(self, message: int) -> tuple[StoredPicture, ...]:
        """The pictures that a message shows, in their order."""
        return await self._stores.pictures.of_message(message)

    async def picture(self, picture: PictureId) -> StoredPicture:
        """A picture by its number.  Raises Missing."""
        return await self._stores.pictures.get(picture)

    async def newest_of(self, owner: int, limit: int) -> tuple[StoredPicture, ...]:
        """A person's newest pictures."""
        return await self._stores.pictures.newest(UserId(owner), limit)

    def checkpoints(self) -> tuple[Entry, ...]:
        """The models that can draw."""
        return tuple(e for e in self._catalog.models() if e.kind == "checkpoint")

    def family_of(self, model: str | None) -> str:
        """The family of a named model, or of the default one."""
        if model is not None:
            for entry in self.checkpoints():
                if entry.name == model:
                    return entry.family
        return self._default_model().family

    async def preferences(self, person: int) -> Preferences:
        """A person's own settings."""
        return await self._stores.people.preferences(UserId(person))

    async def prefer(
        self, person: int, wanted: Preferences, *, size: str | None = None
    ) -> Preferences:
        """Check and keep a person's settings.  Raises Unacceptable."""
        model = self._catalog.find(wanted.model).model if wanted.model else self._default_model()
        draft = Draft(prompt="a")
        if size is not None:
            shaped = sized(draft, size, family(model.family))
            wanted = replace(wanted, width=shaped.width, height=shaped.height)
        # Completing a draft with them is the one check of all of them.
        complete(preferred(draft, wanted), model, seed=0, device="cpu")
        await self._stores.people.prefer(UserId(person), wanted)
        return wanted

    async def failed(self, request: RequestId) -> bool:
        """Whether some job of the request has failed."""
        tickets = await self._stores.tickets.of_request(request)
        return any(t.state in (State.FAILED, State.QUARANTINED) for t in tickets)

    @property
    def ready(self) -> bool:
        """Whether a worker has been ready since the start; until then a submission waits."""
        return self._first_ready.done()

    async def _device(self) -> str:
        # It decides the precision, and so the pixels: right after a start it is worth waiting for.
        try:
            ready = await asyncio.wait_for(asyncio.shield(self._first_ready), START_SECONDS)
        except TimeoutError:
            raise WorkerDied(f"no worker was ready within {START_SECONDS:.0f} s") from None
        return ready.environment.device

    def _worker_ready(self, ready: Ready) -> None:
        if not self._first_ready.done():
            self._first_ready.set_result(ready)

    def _model(self, wish: Wish, mine: Preferences) -> Model:
        if wish.model is not None:
            return self._catalog.find(wish.model).model
        if wish.parent is not None:
            recipe = wish.parent.recipe
            return Model(weights=recipe.checkpoint, family=recipe.family, vae=recipe.vae)
        if mine.model is not None:
            return self._catalog.find(mine.model).model
        return self._default_model()


def _fitting(mine: Preferences, usual: Family) -> Preferences:
    """The settings, without a size that was chosen for a model of another kind."""
    if mine.width is None or mine.height is None:
        return mine
    on_grid = mine.width % usual.grid == 0 and mine.height % usual.grid == 0
    large = min(mine.width, mine.height) >= usual.min_side
    if on_grid and large and mine.width * mine.height <= usual.max_pixels:
        return mine
    return replace(mine, width=None, height=None)
