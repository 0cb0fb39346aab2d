"""What comes in between two lines of the dispatcher: each of these was wrong once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.dispatch.saving import MAX_UNSAVED
from bot.dispatch.seats import WorkerSeat
from bot.studio.rights import Asker
from bot.telemetry.events import Event, Picked
from generation.errors import WorkerDied
from generation.fleet.wire import Drawn, Finished, Render, Report
from generation.job import Job, JobId, UserId
from generation.queue.accounts import Account, Accounts
from generation.queue.costs import CostModel
from generation.queue.fair_queue import FairQueue, SeatId
from storage.errors import DiskFull
from storage.tickets import State
from tests.given.apps import a_wish, an_app
from tests.given.audiences import Memo
from tests.given.builders import ANN, BEN, SHARE, a_job
from tests.given.fakes import FakeWorker
from tests.given.waiting import eventually


class Forgetful(FakeWorker):
    """As a real one: an order for a job that it does not have is not remembered."""

    async def cancel(self, job: JobId) -> None:
        if job in self._line:
            await super().cancel(job)


@dataclass(slots=True)
class Interfering:
    """Does something in the moment in which the first job is begun."""

    calls: list[JobId] = field(default_factory=list)

    def watch(self, event: Event) -> None:
        if isinstance(event, Picked):
            self.calls.append(event.job.id)
            if len(self.calls) == 1:
                self.interfere(event.job)

    def interfere(self, job: Job) -> None:
        raise NotImplementedError


async def test_a_picture_that_came_before_the_worker_died_is_kept(tmp_path: Path) -> None:
    class LastWords(FakeWorker):
        async def render(self, order: Render) -> AsyncIterator[Report]:
            async for report in super().render(order):
                if isinstance(report, Finished):
                    self._ready = None
                yield report

    memo = Memo()
    async with an_app(tmp_path, LastWords(), audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)
        assert memo.outcomes[0].tickets[0].state is State.DRAWN
        assert memo.outcomes[0].tickets[0].tries == 1


async def test_a_job_that_is_cancelled_before_the_worker_has_it_is_not_drawn(
    tmp_path: Path,
) -> None:
    class Canceller(Interfering):
        def interfere(self, job: Job) -> None:
            self.task = asyncio.create_task(app.studio._drawings.stop([job.id]))

    worker = Forgetful()
    memo = Memo()
    async with an_app(tmp_path, worker, watch=Canceller().watch, audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)
        assert memo.outcomes[0].tickets[0].state is State.CANCELLED
    assert worker.orders == []


async def test_nobody_is_blamed_for_a_worker_that_died_before_it_had_the_job(
    tmp_path: Path,
) -> None:
    class Gone(FakeWorker):
        async def render(self, order: Render) -> AsyncIterator[Report]:
            if self.ready is None:
                raise WorkerDied("it is not running")
            async for report in super().render(order):
                yield report

    worker = Gone()

    class Killer(Interfering):
        def interfere(self, job: Job) -> None:  # noqa: ARG002
            worker._ready = None

    memo = Memo()
    async with an_app(tmp_path, worker, watch=Killer().watch, audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)
        assert memo.outcomes[0].tickets[0].tries == 1
    assert worker.starts == 2


async def test_a_picture_that_is_lost_after_it_was_drawn_is_paid_for_once(tmp_path: Path) -> None:
    class Fragile(FakeWorker):
        async def render(self, order: Render) -> AsyncIterator[Report]:
            async for report in super().render(order):
                yield report
                if isinstance(report, Drawn) and len(self.orders) == 1:
                    await self.die()
                    raise WorkerDied("it was killed by SIGKILL")

    memo = Memo()
    async with an_app(tmp_path, Fragile(step_cost=1.0), audience=memo) as app:
        await app.studio.requests.submit(a_wish("one", draft={"steps": 5}))
        await eventually(lambda: memo.outcomes)
        await app.studio.close()
        ledger = app.stores.ledger
        assert sum(row.seconds for row in await ledger.served_since(0.0)) == 5.0
        # And there is no debt that the next picture would have to wait for.
        assert sum(a.tag for a in (await ledger.load()).people.values()) <= 5.0


async def test_drawing_waits_while_no_start_can_be_noted(tmp_path: Path) -> None:
    worker, full = FakeWorker(), asyncio.Event()
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        tickets, saver = app.stores.tickets, app.studio._drawings.saver
        saver.retry_seconds = (0.01,)
        started = tickets.started

        async def refused(job: JobId, seat: str, *, at: float) -> object:
            if not full.is_set():
                raise DiskFull(tmp_path, "no space left on device")
            return await started(job, seat, at=at)

        object.__setattr__(tickets, "started", refused)
        for number in range(3 * MAX_UNSAVED):
            await app.studio.requests.submit(a_wish("one", owner=UserId(1000 + number)))
        await eventually(lambda: len(worker.orders) >= MAX_UNSAVED)
        await asyncio.sleep(0.05)
        assert len(worker.orders) <= MAX_UNSAVED + 1
        full.set()
        await eventually(lambda: len(memo.outcomes) == 3 * MAX_UNSAVED)


async def test_a_cancellation_is_heeded_while_a_death_is_written_down(tmp_path: Path) -> None:
    worker, written = FakeWorker(), asyncio.Event()
    worker.deaths["one"] = 1
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        tickets = app.stores.tickets
        put_back, asked = tickets.put_back, asyncio.Event()

        async def slowly(job: JobId, epoch: int, *, blamed: bool = True) -> None:
            asked.set()
            await written.wait()
            await put_back(job, epoch, blamed=blamed)

        object.__setattr__(tickets, "put_back", slowly)
        request = await app.studio.requests.submit(a_wish("one"))
        await asked.wait()
        await app.studio.requests.cancel(request.id, by=Asker(id=ANN, guild=None))
        written.set()
        await eventually(lambda: memo.outcomes)
        assert memo.outcomes[0].tickets[0].state is State.CANCELLED
    assert len(worker.orders) == 1


async def test_a_cancellation_that_no_worker_heard_survives_the_stop(tmp_path: Path) -> None:
    class Deaf(FakeWorker):
        async def cancel(self, job: JobId) -> None:
            """It is in the middle of a long step."""

    worker = Deaf()
    worker.gate.clear()
    async with an_app(tmp_path, worker) as app:
        request = await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: worker.orders)
        await app.studio.requests.cancel(request.id, by=Asker(id=ANN, guild=None))
    memo = Memo()
    async with an_app(tmp_path, FakeWorker(), audience=memo) as app:
        assert app.replayed == 0
        await eventually(lambda: memo.outcomes)
        assert memo.outcomes[0].tickets[0].state is State.CANCELLED


async def test_a_machine_that_comes_back_under_its_name_is_heard_of_new_jobs(
    tmp_path: Path,
) -> None:
    here, far = FakeWorker(), FakeWorker()
    memo = Memo()
    async with an_app(tmp_path, here, audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)
        for _ in range(2):
            seat = app.make_seat("far", far)
            app.studio.join(seat)
            await eventually(lambda: far.ready)
            app.studio.leave(seat)
            await far.die()
        app.studio.join(app.make_seat("far", far))
        here.gate.clear()
        await app.studio.requests.submit(a_wish("two"))
        await app.studio.requests.submit(a_wish("three", owner=BEN))
        await eventually(lambda: len(memo.outcomes) == 2)
        here.gate.set()
        await eventually(lambda: len(memo.outcomes) == 3)


async def test_a_model_that_fits_nowhere_is_tried_and_does_not_wait_for_ever(
    tmp_path: Path,
) -> None:
    memo = Memo()
    async with an_app(
        tmp_path, FakeWorker(memory_bytes=1), FakeWorker(memory_bytes=2), audience=memo
    ) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)


async def test_what_is_committed_is_drawn_though_whoever_asked_has_gone(tmp_path: Path) -> None:
    memo = Memo()
    async with an_app(tmp_path, FakeWorker(), audience=memo) as app:
        tickets = app.stores.tickets
        add, committed = tickets.add, asyncio.Event()

        async def slowly(*asked: object) -> object:
            stored = await add(*asked)  # type: ignore[arg-type]  # whatever it is
            committed.set()
            await asyncio.sleep(0.01)
            return stored

        object.__setattr__(tickets, "add", slowly)
        asking = asyncio.create_task(app.studio.requests.submit(a_wish("one")))
        await committed.wait()
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        await eventually(lambda: memo.outcomes)


def test_whoever_cancels_before_the_first_turn_after_a_restart_has_left_once() -> None:
    account = Account(tag=0.0, weight=1.0, group_weight=1.0)
    queue, job = FairQueue(), a_job(1)
    queue.restore(Accounts(groups={SHARE.group: 0.0}, people={(SHARE.group, job.owner): account}))
    queue.put(job, 0.0)
    assert queue.cancel(job.id) is job
    seat = WorkerSeat(
        id=SeatId("gpu 0"), worker=FakeWorker(), costs=CostModel(), size_of=lambda _: 0
    )
    assert queue.take(seat, 1.0) is None
