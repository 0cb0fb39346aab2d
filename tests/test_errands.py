"""Words of a picture are said in a person's turn, on the person's account, or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.app import App
from generation.errors import BadPicture, WorkerDied
from generation.fleet.wire import Described
from generation.job import GroupId, Share, UserId
from generation.model_key import key_of
from generation.queue.fair_queue import QueueFull
from generation.recipe import Weights
from storage.tickets import State
from tests.given.apps import a_wish, an_app
from tests.given.audiences import Memo
from tests.given.builders import ANN, BEN, a_digest
from tests.given.fakes import FakeWorker
from tests.given.waiting import eventually

EYES = Weights(name="eyes", sha256=a_digest("e"))
ALONE = Share(group=GroupId("direct"))


async def describe(app: App, owner: UserId = ANN) -> Described:
    return await app.studio.errands.describe(owner, ALONE, b"a picture", EYES)


def charged(app: App, owner: UserId) -> float:
    """Seconds on the person's account, as far as they are owed."""
    return sum(a.tag for (_, who), a in app.studio._queue.accounts().people.items() if who == owner)


async def test_an_idle_device_says_it_at_once(tmp_path: Path) -> None:
    worker = FakeWorker()
    async with an_app(tmp_path, worker) as app:
        said = await describe(app)
        assert said.words == worker.caption
        assert worker.described[0].picture == b"a picture"
        assert (await describe(app)).words  # and the device is free again


async def test_whoever_asks_pays_for_it(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.describe_cost, worker.load_cost = 7.0, 2.0
    async with an_app(tmp_path, worker) as app:
        await describe(app)
        await app.studio._meter.write()
        day = await app.studio.last_day()
        assert sum(one.seconds for one in day.served) == pytest.approx(9.0)
        # What it takes is learned, too.
        costs = app.studio._meter.costs
        assert costs.predict_description(key_of(EYES)) == pytest.approx(7.0)


async def test_a_long_drawing_is_held_for_it_and_goes_on(tmp_path: Path) -> None:
    worker, memo = FakeWorker(step_seconds=0.001, step_cost=0.5), Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        await app.studio.requests.submit(a_wish("a long one", owner=BEN, draft={"steps": 120}))
        await eventually(
            lambda: ("began", worker.orders[0].job) in worker.log if worker.orders else False
        )
        said = await describe(app)
        assert said.words == worker.caption
        assert not memo.outcomes  # the drawing is not over
        await eventually(lambda: memo.outcomes)
        assert memo.outcomes[0].tickets[0].state is State.DRAWN
        told = [what for what, _ in worker.log]
        assert told.count("pause") == told.count("resume") > 0


async def test_ones_own_waiting_pictures_do_not_hold_it_up(tmp_path: Path) -> None:
    worker, memo = FakeWorker(step_seconds=0.001, step_cost=0.5), Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        for n in range(5):
            await app.studio.requests.submit(a_wish(f"number {n}", draft={"steps": 40}))
        await describe(app)
        assert len(memo.outcomes) < 5


async def test_whoever_goes_away_leaves_the_device_to_others(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with an_app(tmp_path, worker) as app:
        asking = asyncio.create_task(describe(app))
        await eventually(lambda: worker.described)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        worker.gate.set()
        assert (await describe(app, BEN)).words == worker.caption


async def test_one_that_waits_and_is_not_wanted_any_more_is_never_said(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with an_app(tmp_path, worker) as app:
        first = asyncio.create_task(describe(app, BEN))
        await eventually(lambda: worker.described)
        second = asyncio.create_task(describe(app))
        await asyncio.sleep(0)
        second.cancel()
        worker.gate.set()
        await first
        with pytest.raises(asyncio.CancelledError):
            await second
        assert len(worker.described) == 1
        assert not len(app.studio._queue)


async def test_a_worker_that_dies_is_asked_once_more_and_then_no_more(tmp_path: Path) -> None:
    worker = FakeWorker()
    async with an_app(tmp_path, worker) as app:
        worker.deaths[EYES.name] = 1
        assert (await describe(app)).words == worker.caption
        worker.deaths[EYES.name] = 2
        with pytest.raises(WorkerDied):
            await describe(app)
        assert not worker.deaths[EYES.name]
        assert (await describe(app)).words == worker.caption


async def test_why_it_cannot_be_said_reaches_whoever_asked(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.failures[EYES.name] = BadPicture("it is no picture")
    async with an_app(tmp_path, worker) as app:
        with pytest.raises(BadPicture):
            await describe(app)
        worker.failures.clear()
        assert (await describe(app)).words == worker.caption


async def test_nobody_has_more_of_them_waiting_than_pictures(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with an_app(tmp_path, worker, max_waiting_per_person=2) as app:
        asking = [asyncio.create_task(describe(app)) for _ in range(5)]
        done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_EXCEPTION)
        assert any(isinstance(task.exception(), QueueFull) for task in done)
        worker.gate.set()
        await asyncio.gather(*asking, return_exceptions=True)


async def test_a_studio_that_stops_lets_nobody_wait_for_ever(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with an_app(tmp_path, worker) as app:
        asking = asyncio.create_task(describe(app))
        await eventually(lambda: worker.described)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
