"""A job's transitions: everybody concerned is told of each, once, and always in the same order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from bot.dispatch.audience import Audience
from bot.dispatch.forecasts import Forecasts
from bot.dispatch.lifecycle import Lifecycle
from bot.dispatch.meter import Meter
from bot.dispatch.open_requests import OpenRequests
from bot.dispatch.seats import Drawing, Seats, WorkerSeat
from bot.telemetry.events import ChunkPaid, Event, WorkerEnded
from generation.fleet.wire import Drawn, Loading, Stepped
from generation.job import Job
from generation.queue.costs import CostModel
from generation.queue.fair_queue import FairQueue, SeatId
from generation.queue.forecast import Promises
from storage.accounts import Ledger
from storage.database import Database
from storage.tickets import Lease, RequestId, State, Tickets
from tests.given.audiences import Quiet
from tests.given.fakes import FakeWorker
from tests.given.stored import RECIPE, asked, opened

ORDER = ("seat", "queue", "books", "open requests", "watch", "audience", "seats", "outbox")
ASKING = ("request_of", "requests", "unpaid", "drawings")


class Overheard:
    """A part that does what it is told, and notes that it was told."""

    def __init__(self, name: str, part: object, said: list[str]) -> None:
        self._name, self._part, self._said = name, part, said

    def __getattr__(self, what: str) -> Any:
        found = getattr(self._part, what)
        if not callable(found) or what in ASKING:
            return found

        def told(*args: Any, **kwargs: Any) -> Any:
            self._said.append(self._name)
            return found(*args, **kwargs)

        return told


class Scene:
    """One seat, one request of two pictures, and everything that anybody is told."""

    def __init__(self, database: Database) -> None:
        self.tickets, ledger = Tickets(database), Ledger(database)
        self.said: list[str] = []
        self.heard: list[RequestId] = []  # of which requests the audience was told
        self.events: list[Event] = []
        self.queue, seats, promises = FairQueue(), Seats(), Promises()
        self._seat = WorkerSeat(
            id=SeatId("a"), worker=FakeWorker(), costs=CostModel(), size_of=lambda _: 0
        )
        seats.add(self._seat)
        meter = Meter(
            queue=self.queue,
            costs=CostModel(),
            promises=promises,
            ledger=ledger,
            clock=lambda: 0.0,
        )
        turns = Forecasts(self.queue, seats).turns
        self.open_requests = OpenRequests(self.queue, promises, turns, clock=lambda: 0.0)
        self.seat = cast(WorkerSeat, self.overheard("seat", self._seat))
        self.jobs = Lifecycle(
            queue=cast(FairQueue, self.overheard("queue", self.queue)),
            meter=cast(Meter, self.overheard("books", meter)),
            open_requests=cast(OpenRequests, self.overheard("open requests", self.open_requests)),
            seats=cast(Seats, self.overheard("seats", seats)),
            watch=self._watch,
            request_ended=lambda: self.said.append("outbox"),
        )

    def overheard(self, name: str, part: object) -> Overheard:
        return Overheard(name, part, self.said)

    def _watch(self, event: Event) -> None:
        self.said.append("watch")
        self.events.append(event)

    def takes(self) -> Drawing:
        """The job whose turn it is, in the hands of the seat."""
        job = self.queue.take(self._seat, 0.0)
        assert isinstance(job, Job)
        lease = asyncio.create_task(_no_lease())
        drawing = Drawing(job=job, lease=lease)
        self.jobs.began(self.seat, drawing)
        return drawing

    def last(self) -> list[str]:
        """Who has been told since this was asked last, each once."""
        said = list(dict.fromkeys(self.said))
        self.said.clear()
        return said


class Listener(Quiet):
    """An audience that notes of which requests it is told."""

    def __init__(self, heard: list[RequestId]) -> None:
        self._heard = heard

    def changed(self, request: RequestId) -> None:
        self._heard.append(request)


async def _no_lease() -> Lease:
    raise AssertionError("nobody asks for it here")


@asynccontextmanager
async def a_scene(folder: Path) -> AsyncIterator[Scene]:
    async with opened(folder / "db") as database:
        scene = Scene(database)
        found = await scene.tickets.add(asked(), [RECIPE, RECIPE], [1.0, 1.0])
        assert scene.jobs.queued(*found) == 2
        audience = scene.overheard("audience", Listener(scene.heard))
        with scene.jobs.told_to(cast(Audience, audience)):
            yield scene


async def test_each_transition_is_told_to_all_whom_it_concerns_in_one_order(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        jobs, seat = scene.jobs, scene.seat
        told = {"queued": scene.last()}
        drawing = scene.takes()
        told["began"] = scene.last()
        jobs.loading(drawing, Loading(job=drawing.job.id, name="starter"))
        told["loading"] = scene.last()
        jobs.stepped(
            drawing, Stepped(job=drawing.job.id, done=1, total=2, preview=b"", seconds=1.0)
        )
        told["stepped"] = scene.last()
        jobs.paid(seat, drawing, left=1.0)
        told["paid"] = scene.last()
        jobs.paused(seat)
        told["paused"] = scene.last()
        jobs.resumed(seat, drawing.job)
        told["resumed"] = scene.last()
        jobs.waits_again(seat, drawing)
        told["waits again"] = scene.last()
        drawing = scene.takes()
        scene.last()
        jobs.freed(seat, drawing, Drawn(job=drawing.job.id, seconds=2.0, loading_seconds=0.0))
        told["freed"] = scene.last()
        jobs.ended(drawing.job, State.DRAWN, 2.0)
        told["ended"] = scene.last()
    assert told == {
        "queued": ["queue", "open requests", "watch", "seats"],
        "began": ["seat", "open requests", "watch", "audience"],
        "loading": ["open requests", "audience"],
        "stepped": ["open requests", "audience"],
        "paid": ["queue", "books", "watch"],
        "paused": ["seat", "open requests", "watch"],
        "resumed": ["seat", "open requests", "watch"],
        "waits again": ["seat", "queue", "books", "open requests", "audience", "seats"],
        "freed": ["seat", "queue", "books", "open requests", "watch"],
        "ended": ["books", "open requests", "watch", "audience", "outbox"],
    }
    assert all(who == sorted(who, key=ORDER.index) for who in told.values())


async def test_a_job_that_is_withdrawn_is_told_of_when_that_is_stored(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        scene.last()
        first, second = sorted(scene.queue.forecast((), {}, 0.0))
        job = scene.jobs.withdrawn(second)
        assert job is not None
        assert scene.last() == ["queue"]
        assert scene.jobs.withdrawn(second) is None, "no seat may take it, nor anybody else"
        scene.last()
        scene.jobs.ended(job, State.CANCELLED, 0.0)
        assert scene.last() == ["books", "open requests", "watch", "audience", "outbox"]
        assert scene.takes().job.id == first


async def test_who_waits_is_told_when_somebody_else_begins(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        scene.jobs.queued(*await scene.tickets.add(asked(), [RECIPE], [1.0]))
        scene.takes()
        assert len(scene.heard) == 2
        assert set(scene.heard) == set(scene.open_requests.requests())


async def test_the_death_of_a_worker_is_watched_with_its_reason(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        scene.jobs.worker_ended(scene.seat, "killed")
        assert scene.events[-1] == WorkerEnded(seat=scene.seat.id, reason="killed")


async def test_a_job_is_freed_and_paid_for_once_however_often_that_is_said(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        drawing = scene.takes()
        report = Drawn(job=drawing.job.id, seconds=2.0, loading_seconds=0.5)
        for said in (report, None):
            scene.jobs.freed(scene.seat, drawing, said)
        paid = [event for event in scene.events if isinstance(event, ChunkPaid)]
        assert [(event.seconds, event.swap_seconds) for event in paid] == [(2.5, 0.5)]


async def test_a_request_is_open_until_its_last_job_has_ended(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        [request] = scene.open_requests.requests()
        for left in (1, 0):
            drawing = scene.takes()
            scene.jobs.freed(scene.seat, drawing)
            assert scene.open_requests.is_open(request)
            scene.jobs.ended(drawing.job, State.FAILED, 0.0)
            assert scene.open_requests.is_open(request) == bool(left)
