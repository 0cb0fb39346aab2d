"""Chaos: whatever comes in between, everything is drawn once, paid once and told once.

A scenario is a seed: several people ask and cancel, workers die and are slow to hear, the disk
refuses, seats join and leave, the bot is closed and opened again.  Then the weather clears, and
the books are audited.  A failure is found again with its seed: `-k "[17]"`.

Invariant: nothing here knows how the dispatcher works, except where a book is looked into to see
that it is empty.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from bot.app import App, open_app
from bot.dispatch.audience import Outcome, Shown
from bot.dispatch.seats import WorkerSeat
from bot.studio.rights import Asker
from bot.telemetry.events import ChunkPaid, Event, JobEnded, Picked
from generation.errors import OutOfMemory, WorkerDied
from generation.fleet.wire import Drawn, Finished, Ready, Render, Report
from generation.job import JobId, UserId
from generation.queue.fair_queue import QueueFull, Rules
from storage.errors import DiskFull, StorageError
from storage.tickets import RequestId, State
from tests.given.apps import a_wish, some_settings
from tests.given.audiences import Quiet
from tests.given.builders import a_model_folder
from tests.given.fakes import FakeWorker

SEEDS = range(24)
MANY = range(1000, 1300)

PEOPLE = [UserId(1), UserId(2), UserId(3), UserId(4)]
MODELS = ["tiny", "small one"]  # of different digests
RULES = Rules(chunk=1.0, slice=4.0, fresh=2.0, express=10.0, max_parked=2)
PATIENCE = 400  # looks at a seat that does nothing although something waits for it
LAST_WAIT = 120.0  # seconds until a clear sky has dried everything, also on a disk that is slow


@dataclass(slots=True)
class Notes:
    """Everything that was said of every job, in all lives of the bot."""

    paid: dict[JobId, float] = field(default_factory=dict)  # since it was begun last
    wasted: float = 0.0  # paid to the end, which was lost because the bot was closed
    ends: dict[JobId, str] = field(default_factory=dict)
    over: set[RequestId] = field(default_factory=set)  # cancelled, and the person was told
    jobs: dict[JobId, RequestId] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def watch(self, event: Event) -> None:
        match event:
            case Picked(job=job):
                if self.jobs.get(job.id) in self.over:
                    self.wrong.append(f"job {job.id} was begun after it was cancelled")
                self.paid[job.id] = 0.0
            case ChunkPaid(job=job, seconds=seconds):
                self.paid[job.id] += seconds
            case JobEnded(job=job, state=state, seconds=seconds):
                if not seconds:
                    self.paid[job.id] = 0.0  # it waited again, and had been given everything back
                if job.id in self.ends:
                    self.wrong.append(f"job {job.id} ended twice: {self.ends[job.id]}, {state}")
                self.ends[job.id] = state

    def closed(self, ended: set[JobId], tickets: dict[JobId, State], *, exact: bool) -> None:
        """After a life of the bot, in which these jobs came to an end that may not be kept."""
        self.wasted += sum(self.paid[job] for job in ended if tickets[job].open)
        for job in ended:
            if not tickets[job].open:
                self.ends.setdefault(job, tickets[job].value)
        # A cancelled job that a worker has ends with its next step.  A bot that is closed before
        # notes it; unless the disk refuses, and then it is drawn again.
        if exact:
            return
        left = [job for job, state in tickets.items() if state.open]
        self.over -= {self.jobs[job] for job in left if job in self.jobs}


class Town(Quiet):
    """An audience that looks at times, and a Discord that fails at times."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.app: App | None = None
        self.calm = False
        self.posted: dict[RequestId, Outcome] = {}
        self.wrong: list[str] = []

    def changed(self, request: RequestId) -> None:
        if self.app is not None and self._dice.random() < 0.05:
            self.app.studio.open_requests.standing(request)
            self.app.studio.open_requests.standings()

    async def deliver(self, outcome: Outcome, *, perhaps_posted: bool) -> Shown | None:
        request = outcome.request.id
        await asyncio.sleep(self._dice.random() * 0.002)
        if request in self.posted:
            if not perhaps_posted:
                self.wrong.append(f"request {request} was posted twice")
            return Shown(message=1000 + request, channel=0)
        if not self.calm and self._dice.random() < 0.1:
            raise ConnectionError("Discord is away")
        if any(ticket.state.open for ticket in outcome.tickets):
            self.wrong.append(f"request {request} was told before its end")
        self.posted[request] = outcome
        if not self.calm and self._dice.random() < 0.1:
            raise ConnectionError("Discord went away after the post")
        return Shown(message=1000 + request, channel=0)


class Restless(FakeWorker):
    """A worker at the end of a slow pipe, on a machine that may leave for good."""

    drawing: set[JobId]  # by any worker of the bot
    claims: dict[JobId, float]  # by whoever drew it last

    def __init__(self, chaos: Chaos, **kinds: Any) -> None:
        super().__init__(**kinds)
        self._chaos, self._dice = chaos, chaos.dice
        self.left = False

    async def start(self) -> Ready:
        await self._pipe()
        if self.left:
            raise WorkerDied("its machine has left")
        if not self._chaos.calm and self._dice.random() < 0.02:
            raise WorkerDied("it did not start")
        return await super().start()

    async def render(self, order: Render) -> AsyncIterator[Report]:
        if self.ready is None:
            raise WorkerDied("it is not running")
        chaos, job = self._chaos, order.job
        if job in chaos.drawing:
            chaos.notes.wrong.append(f"job {job} is drawn by two at once")
        chaos.drawing.add(job)
        try:
            await self._pipe()
            async for report in super().render(order):
                if isinstance(report, Drawn):
                    chaos.claims[job] = report.seconds + report.loading_seconds
                if isinstance(report, Finished):
                    chaos.drawing.discard(job)
                yield report
        finally:
            chaos.drawing.discard(job)

    async def cancel(self, job: JobId) -> None:
        await self._order(job, super().cancel)

    async def pause(self, job: JobId) -> None:
        await self._order(job, super().pause)

    async def resume(self, job: JobId) -> None:
        await self._order(job, super().resume)

    async def _order(self, job: JobId, give: Callable[[JobId], Awaitable[None]]) -> None:
        # As a real one: an order for a job that it does not have is not remembered.
        if self.ready is not None and job in self._line:
            await give(job)
        await self._pipe()

    async def _pipe(self) -> None:
        if self._dice.random() < 0.5:
            await asyncio.sleep(self._dice.choice((0.0, 0.001, 0.005)))


class Chaos:
    """One scenario: everything that its seed decides."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.dice = random.Random(seed)
        self.folder = folder
        self.notes = Notes()
        self.town = Town(self.dice)
        self.calm = False
        self.refusing = False
        self.exact = True  # no life was closed while the disk refused
        self.drawing: set[JobId] = set()
        self.claims: dict[JobId, float] = {}
        self.requests: dict[RequestId, UserId] = {}
        self.app: App
        self.seats: list[WorkerSeat] = []
        self.workers: list[Restless] = []
        # One model on the device, or all of them.
        self._memory = self.dice.choice((2**40, 2**40, 600))

    def worker(self) -> Restless:
        kinds = {"step_seconds": 0.0005, "step_cost": 0.25, "load_cost": 0.5}
        worker = Restless(self, **kinds, encode_seconds=0.002, memory_bytes=self._memory)
        worker.failures["too much"] = OutOfMemory(2, 1)
        self.workers.append(worker)
        return worker

    # -- what happens ----------------------------------------------------------------------

    async def person(self, owner: UserId) -> None:
        while True:
            await asyncio.sleep(self.dice.expovariate(1 / 0.03))
            words = self.dice.choice(("a flower", "a house", "a tree", "too much"))
            wish = a_wish(
                words,
                owner=owner,
                model=self.dice.choice(MODELS),
                count=self.dice.choice((1, 1, 1, 3)),
                draft={"steps": self.dice.choice((1, 2, 2, 4, 12, 40))},
            )
            with contextlib.suppress(QueueFull, StorageError):
                request = await self.app.studio.requests.submit(wish)
                self.requests[request.id] = owner

    async def canceller(self) -> None:
        while True:
            await asyncio.sleep(self.dice.expovariate(1 / 0.03))
            open_ones = [r for r in self.requests if self.app.studio.open_requests.is_open(r)]
            if open_ones:
                request = self.dice.choice(open_ones)
                for ticket in await self.app.stores.tickets.of_request(request):
                    self.notes.jobs[ticket.job.id] = request
                with contextlib.suppress(StorageError):
                    owner = self.requests[request]
                    await self.app.studio.requests.cancel(request, by=Asker(id=owner, guild=None))
                    self.notes.over.add(request)

    async def reaper(self) -> None:
        while True:
            await asyncio.sleep(self.dice.expovariate(1 / 0.05))
            await self.dice.choice(self.workers).die()

    async def disk(self) -> None:
        while True:
            await asyncio.sleep(self.dice.expovariate(1 / 0.08))
            self.refusing = True
            await asyncio.sleep(self.dice.expovariate(1 / 0.03))
            self.refusing = False

    async def machines(self) -> None:
        """One more machine, always under the same name."""
        while True:
            await asyncio.sleep(self.dice.expovariate(1 / 0.04))
            seat = self.app.make_seat("far", worker := self.worker())
            self.app.studio.join(seat)
            self.seats.append(seat)
            await asyncio.sleep(self.dice.expovariate(1 / 0.06))
            worker.left = True
            await worker.die()
            self.workers.remove(worker)
            self.seats.remove(seat)
            self.app.studio.leave(seat)

    async def guard(self) -> None:
        """No seat does nothing for long while something waits that it could draw."""
        idle: dict[WorkerSeat, int] = defaultdict(int)
        studio = self.app.studio
        while True:
            await asyncio.sleep(0.001)
            for seat in tuple(self.seats):
                queue, now = studio._queue, 0.0
                # While too much is to be stored, drawing waits for the disk.
                full = studio._drawings.saver._unsaved.locked()
                busy = seat.running is not None or self.refusing or full
                if busy or seat.worker.ready is None or queue.soon(seat, now) is None:
                    idle[seat] = 0
                idle[seat] += 1
                if idle[seat] == PATIENCE:
                    self.notes.wrong.append(f"{seat.id} does nothing, and {len(queue)} wait")

    # -- lives of the bot ----------------------------------------------------------------

    async def run(self) -> None:
        for _ in range(self.dice.choice((0, 0, 1, 2))):
            async with self.life():
                await self.weather(self.dice.uniform(0.05, 0.25))
            await self.look_back()
        async with self.life():
            await self.weather(self.dice.uniform(0.15, 0.4))
            await self.clear_up()
            await self.audit()
        assert not self.notes.wrong + self.town.wrong

    @contextlib.asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        self.workers = []
        workers = [self.worker() for _ in range(self.dice.choice((1, 2, 3)))]
        settings = some_settings(self.folder)
        for name in MODELS[1:]:
            if not (settings.models[0] / name).exists():
                a_model_folder(settings.models[0], name)
        async with (
            open_app(settings, workers, None, self.notes.watch, RULES) as app,
            app.at_work(self.town),
        ):
            self.app = app
            app.studio._drawings.saver.retry_seconds = (0.01, 0.02)
            app.studio.delivery.retry_seconds = (0.01, 0.02)
            self.seats = list(app.studio._seats)
            self.town.app = app
            self._spoil(app)
            guard = asyncio.create_task(self.guard())
            yield
            guard.cancel()
            self.exact = self.exact and not self.refusing
            self.town.app = None
        self.refusing = False

    def _spoil(self, app: App) -> None:
        """Let the disk refuse what is written, now before and now after it was."""
        database = app.stores.tickets._database
        honest, keep = database.transaction, app.stores.files.keep

        @contextlib.asynccontextmanager
        async def transaction(name: str) -> AsyncIterator[aiosqlite.Connection]:
            async with honest(name) as db:
                self._refuse()
                yield db
                self._refuse()

        def kept(data: bytes, suffix: str) -> object:
            self._refuse()
            return keep(data, suffix)

        object.__setattr__(database, "transaction", transaction)
        object.__setattr__(app.stores.files, "keep", kept)

    def _refuse(self) -> None:
        if self.refusing and self.dice.random() < 0.8:
            raise DiskFull(self.folder, "no space left on device")

    async def weather(self, seconds: float) -> None:
        kinds = [self.canceller, self.reaper, self.disk, self.machines]
        chosen = self.dice.sample(kinds, self.dice.randint(1, len(kinds)))
        stormy = [asyncio.create_task(kind()) for kind in chosen]
        stormy += [asyncio.create_task(self.person(owner)) for owner in PEOPLE]
        await asyncio.sleep(seconds)
        for task in stormy:
            task.cancel()
        for ended in await asyncio.gather(*stormy, return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError):
                raise ended  # type: ignore[misc]  # none of them returns

    async def look_back(self) -> None:
        """After a life: what was drawn in it, and not kept?"""
        database = self.folder / "data" / "atelier.sqlite3"
        async with (
            aiosqlite.connect(database) as db,
            db.execute("SELECT id, state FROM tickets") as rows,
        ):
            states = {JobId(row[0]): State(row[1]) async for row in rows}
        unsettled = self.app.studio._meter._unsettled
        self.notes.closed(
            {job for job, (_, ended) in unsettled.items() if ended}, states, exact=self.exact
        )

    async def clear_up(self) -> None:
        self.calm = self.town.calm = True
        self.refusing = False
        studio, tickets = self.app.studio, self.app.stores.tickets
        try:
            async with asyncio.timeout(LAST_WAIT):
                # Who asked last may be gone, and what they asked for still on its way to the disk.
                while studio._admission._half_done:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                while await tickets.waiting() or await tickets.undelivered():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        except TimeoutError:
            pytest.fail(f"it never ends: {await self.state()}")
        # The last words of what has just ended.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WAIT):
                while self.books():  # noqa: ASYNC110  # as above
                    await asyncio.sleep(0.01)

    async def state(self) -> str:
        studio = self.app.studio
        left = [(t.job.id, t.state.value) for t in await self.app.stores.tickets.waiting()]
        seats = [(s.id, s.running and s.running.job.id, [*s.parked]) for s in self.seats]
        queue = studio._queue
        return (
            f"open {left}, seats {seats}, waits {[*queue._waiting]}, begun {[*queue._begun]}, "
            f"undelivered {await self.app.stores.tickets.undelivered()}, "
            f"worker ready {[s.worker.ready is not None for s in self.seats]}"
        )

    # -- the books -------------------------------------------------------------------------

    def books(self) -> dict[str, list[Any]]:
        """Every book that has something in it."""
        studio = self.app.studio
        drawings, queue, open_requests = studio._drawings, studio._queue, studio.open_requests
        books: dict[str, list[Any]] = {
            "door": [*studio._admission._half_done],
            "queue": [*queue._waiting, *queue._begun, *queue._owned, *queue._chooser.running],
            "parked by the queue": [p for p in queue._chooser.places.values() if p.parked],
            "board": [*open_requests._open, *open_requests._request_of],
            "drawings": [*drawings._seat_of, *drawings._stopping],
            "seats": [run for seat in self.seats for run in seat.drawings()],
            "unsettled": [*studio._meter._unsettled],
            "delivery": [*studio.delivery._in_hand],
            "workers": [*self.drawing],
        }
        return {name: left for name, left in books.items() if left}

    async def audit(self) -> None:
        tickets = self.app.stores.tickets
        assert self.books() == {}
        assert len(self.app.studio._queue) == 0
        rows = await tickets._database.rows("SELECT id FROM requests")
        asked = {RequestId(row["id"]) for row in rows}
        assert self.town.posted.keys() == asked >= self.requests.keys()
        paid = self.notes.wasted
        for request in asked:
            for ticket in await tickets.of_request(request):
                job = ticket.job.id
                assert not ticket.state.open
                assert (ticket.picture is not None) == (ticket.state is State.DRAWN)
                if ticket.state is State.DRAWN:
                    assert self.notes.paid[job] == pytest.approx(self.claims[job])
                # Others were cancelled while they waited, and what they had paid was given back.
                if ticket.state is State.DRAWN or job in self.notes.ends:
                    paid += self.notes.paid.get(job, 0.0)
        await self._audit_ledger(paid)

    async def _audit_ledger(self, paid: float) -> None:
        await self.app.studio._meter.write()
        served = await self.app.stores.ledger.served_since(0.0)
        if self.exact:
            assert sum(row.seconds for row in served) == pytest.approx(paid, abs=1e-6)


async def nothing_is_left_behind(before: set[asyncio.Task[Any]]) -> None:
    for _ in range(50):
        left = asyncio.all_tasks() - before
        if not left:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"tasks are left behind: {left}")


class Bugs(logging.Handler):
    """Hears of every bug that was caught on its way, so that only one job or second was lost."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if any(word in text for word in ("stumbled", "met a bug", "never retrieved")):
            self.heard.append(self.format(record))


async def survive(seed: int, folder: Path) -> None:
    before, bugs = asyncio.all_tasks(), Bugs()
    logging.getLogger().addHandler(bugs)
    try:
        async with asyncio.timeout(4 * LAST_WAIT):
            await Chaos(seed, folder).run()
        await nothing_is_left_behind(before)
    finally:
        logging.getLogger().removeHandler(bugs)
        assert not bugs.heard, bugs.heard[0]


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_comes_in_between_everything_is_drawn_paid_and_told_once(
    seed: int, tmp_path: Path
) -> None:
    await survive(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
async def test_and_so_it_is_for_hundreds_of_scenarios(seed: int, tmp_path: Path) -> None:
    await survive(seed, tmp_path)
