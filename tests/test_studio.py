"""What the studio promises, whatever dies: nothing lost, nothing twice, and everyone told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.studio.rights import Asker
from generation.errors import BadPicture, OutOfMemory, OutOfRange
from generation.queue.fair_queue import QueueFull
from generation.tasks import Task
from storage.errors import DiskFull, Missing
from storage.tickets import State
from tests.given.apps import a_wish, an_app, drawn
from tests.given.audiences import Memo
from tests.given.builders import ANN, BEN
from tests.given.fakes import FakeWorker
from tests.given.waiting import LONG, eventually, everything_told


async def test_a_wish_becomes_a_stored_picture_with_its_file(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await drawn(app, a_wish(seed=3))
        picture = outcome.pictures[0]
        assert picture.recipe.seed == 3
        assert app.stores.files.read(picture.png_sha256) == outcome.files[0]


async def test_a_request_is_on_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with an_app(tmp_path, worker) as app:
        request = await app.studio.requests.submit(a_wish(count=3))
        assert len(await app.stores.tickets.of_request(request.id)) == 3


async def test_what_was_waiting_is_drawn_after_a_restart_and_only_once(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with an_app(tmp_path, worker) as app:
        await app.studio.requests.submit(a_wish("one"))
        await app.studio.requests.submit(a_wish("two", owner=BEN))
        await eventually(lambda: worker.orders)
    worker = FakeWorker()
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        assert app.replayed == 2
        await eventually(lambda: len(memo.outcomes) == 2)
        assert sorted(o.request.words for o in memo.outcomes) == ["one", "two"]
        assert len(worker.orders) == 2
        await everything_told(app)
    async with an_app(tmp_path, FakeWorker()) as app:
        assert app.replayed == 0
        assert not await app.stores.tickets.undelivered()


async def test_the_outbox_survives_a_restart(tmp_path: Path) -> None:
    refused = Memo(broken=99)
    async with an_app(tmp_path, FakeWorker(), audience=refused) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: refused.perhaps)
    memo = Memo()
    async with an_app(tmp_path, FakeWorker(), audience=memo) as app:
        await eventually(lambda: memo.outcomes)
        # The first life may have posted it in the moment before it ended.
        assert memo.perhaps[0] is True
        await everything_told(app)


async def test_a_first_delivery_need_not_look_for_an_earlier_one(tmp_path: Path) -> None:
    memo = Memo()
    async with an_app(tmp_path, FakeWorker(), audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)
        assert memo.perhaps == [False]


async def test_a_delivery_that_fails_is_tried_again(tmp_path: Path) -> None:
    memo = Memo(broken=1)
    async with an_app(tmp_path, FakeWorker(), audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)
        assert memo.perhaps == [False, True]


async def test_a_closed_channel_is_not_tried_for_ever(tmp_path: Path) -> None:
    memo = Memo(closed=True)
    async with an_app(tmp_path, FakeWorker(), audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.perhaps)
        await everything_told(app)
        assert (await app.stores.pictures.newest(ANN, 1))[0].words == "one"


async def test_a_job_whose_worker_dies_is_drawn_again(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.deaths["poison"] = 2
    async with an_app(tmp_path, worker) as app:
        outcome = await drawn(app, a_wish("poison"))
        assert outcome.tickets[0].state is State.DRAWN
        assert outcome.tickets[0].tries == 3
        assert worker.starts == 3


async def test_a_job_that_kills_three_workers_is_given_up_and_the_others_are_drawn(
    tmp_path: Path,
) -> None:
    worker = FakeWorker()
    worker.deaths["poison"] = 99
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        await app.studio.requests.submit(a_wish("poison"))
        await app.studio.requests.submit(a_wish("a flower", owner=BEN))
        await eventually(lambda: len(memo.outcomes) == 2)
        ended = {o.request.words: o.tickets[0].state for o in memo.outcomes}
        assert ended == {"poison": State.QUARANTINED, "a flower": State.DRAWN}
        assert worker.deaths["poison"] == 96


async def test_a_worker_that_dies_while_a_job_is_cancelled_does_not_revive_it(
    tmp_path: Path,
) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        request = await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: worker.orders)
        worker.deaths["one"] = 1
        await app.studio.requests.cancel(request.id, by=Asker(id=ANN, guild=None))
        await eventually(lambda: memo.outcomes)
        assert memo.outcomes[0].tickets[0].state is State.CANCELLED


async def test_a_cancellation_goes_on_when_whoever_asked_goes_away(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        request = await app.studio.requests.submit(a_wish("one", count=2))
        await eventually(lambda: worker.orders)
        asked = asyncio.create_task(
            app.studio.requests.cancel(request.id, by=Asker(id=ANN, guild=None))
        )
        while not app.studio._admission._half_done:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0)
        asked.cancel()
        await eventually(lambda: memo.outcomes)
        assert {t.state for t in memo.outcomes[0].tickets} == {State.CANCELLED}


async def test_an_error_of_the_job_is_told_and_costs_nobody_else(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.failures["huge"] = OutOfMemory(2, 1)
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        await app.studio.requests.submit(a_wish("huge"))
        await app.studio.requests.submit(a_wish("small", owner=BEN))
        await eventually(lambda: len(memo.outcomes) == 2)
        states = {o.request.words: o.tickets[0] for o in memo.outcomes}
        assert states["huge"].state is State.FAILED
        why = states["huge"].reason
        assert why is not None
        assert why.kind == "OutOfMemory"
        assert tuple(why.facts) == OutOfMemory(2, 1).facts
        assert states["small"].state is State.DRAWN


async def test_a_full_disk_holds_a_picture_back_and_does_not_lose_it(tmp_path: Path) -> None:
    memo = Memo()
    async with an_app(tmp_path, FakeWorker(), audience=memo) as app:
        files = app.stores.files
        keep, refusals = files.keep, [3]

        def full_at_first(data: bytes, suffix: str = ".png") -> object:
            if refusals[0]:
                refusals[0] -= 1
                raise DiskFull(tmp_path, "no space left on device")
            return keep(data, suffix)

        # A full file system in the smallest: the real one is tested in test_storage.
        object.__setattr__(files, "keep", full_at_first)
        app.studio._drawings.saver.retry_seconds = (0.01,)
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)
        assert memo.outcomes[0].tickets[0].state is State.DRAWN
        assert refusals == [0]


async def test_the_heavy_user_waits_behind_their_own_jobs(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        for number in range(4):
            await app.studio.requests.submit(a_wish(f"ann {number}", count=2))
        await app.studio.requests.submit(a_wish("ben", owner=BEN))
        worker.gate.set()
        await eventually(lambda: len(memo.outcomes) == 5)
        drawn_in_order = [order.recipe.prompt for order in worker.orders]
        assert drawn_in_order.index("ben") <= 2


async def test_nobody_queues_beyond_their_limit(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with an_app(tmp_path, worker, max_waiting_per_person=3) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: worker.orders)
        await app.studio.requests.submit(a_wish("two", count=3))
        with pytest.raises(QueueFull):
            await app.studio.requests.submit(a_wish("three"))
        # Nothing of the refused wish is in the database.
        assert len(await app.stores.tickets.waiting()) == 4


async def test_a_studio_without_channels_lets_the_owner_alone_take_away(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await drawn(app, a_wish())
        request = outcome.request.id
        with pytest.raises(Missing):
            await app.studio.gallery.delete(Asker(id=BEN, guild=None), request)
        app.studio._deleting.undo_seconds = 0.0
        await app.studio.gallery.delete(Asker(id=ANN, guild=None), request)
        picture = await app.stores.pictures.get(outcome.pictures[0].id)
        assert picture.deleted
        assert picture.recipe == outcome.pictures[0].recipe
        files = app.stores.files.path(picture.png_sha256).parent
        await eventually(lambda: not any(files.iterdir()))


async def test_accounts_survive_a_restart(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        await drawn(app, a_wish())
        async with asyncio.timeout(LONG):  # they are saved while it works, not only at its end
            while not await app.stores.ledger.load_costs():  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.05)
    async with an_app(tmp_path, FakeWorker()) as app:
        ledger = app.stores.ledger
        assert [row.user for row in await ledger.served_since(0.0)] == [ANN]
        assert await ledger.load_costs()


async def test_a_kept_input_is_checked_and_named_by_its_digest(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        with pytest.raises(BadPicture):
            await app.studio.requests.keep_input(b"no picture")
        outcome = await drawn(app, a_wish())
        start, facts = await app.studio.requests.keep_input(outcome.files[0])
        assert (facts.width, facts.height) == (128, 128)
        again = await drawn(app, a_wish("a boat", draft={"inputs": (start,)}))
        assert again.pictures[0].recipe.task is Task.IMAGE_TO_IMAGE
        assert again.pictures[0].recipe.inputs == (start,)


@pytest.mark.parametrize(
    "draft",
    [
        {"steps": -1},
        {"steps": 100_000},
        {"cfg": float("nan")},
        {"cfg": float("inf")},
        {"denoise": 7.0, "inputs": ()},
        {"width": 100, "height": 100},
        {"width": 0, "height": 64},
        {"width": 65536, "height": 65536},
        {"clip_skip": 99},
    ],
)
async def test_impossible_numbers_are_refused_before_anything_is_stored(
    tmp_path: Path, draft: dict[str, object]
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        if draft.get("denoise") is not None:
            start, _ = await app.studio.requests.keep_input((await drawn(app, a_wish())).files[0])
            draft = {**draft, "inputs": (start,)}
        with pytest.raises(OutOfRange):
            await app.studio.requests.submit(a_wish(draft=draft))
        assert not await app.stores.tickets.waiting()


@pytest.mark.parametrize("prompt", ["", "   ", "\n\t", "\x00\x07", "x" * 10_000])
async def test_prompts_without_words_or_without_end_are_refused(
    tmp_path: Path, prompt: str
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        with pytest.raises(OutOfRange):
            await app.studio.requests.submit(a_wish(prompt))


async def test_control_characters_do_not_reach_the_recipe(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await drawn(app, a_wish("a\x00 red\x1b[31m\nflower\u202e"))
        assert outcome.pictures[0].recipe.prompt == "a red[31m flower"
