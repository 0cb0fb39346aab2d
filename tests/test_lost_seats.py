"""Claims about machines that fail a job which had no part in it: it costs nobody a picture."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import bot.dispatch.drawing
from bot.dispatch.drawing import MAX_EPOCHS, MAX_TRIES
from bot.studio.rights import Asker
from generation.errors import OutOfReach, WorkerDied, WorkerLost
from generation.fleet.local import LocalWorker
from generation.fleet.wire import Ready, Render, Report
from generation.job import JobId
from storage.tickets import State
from tests.given.apps import a_wish, an_app
from tests.given.audiences import Memo
from tests.given.builders import ANN
from tests.given.fakes import FakeWorker
from tests.given.waiting import eventually

NO_ROOM = OutOfReach("tiny", "a node cannot get it: its disk has room for 0 bytes")


class OnANode(FakeWorker):
    """Loses its machine so many times, in the middle of a job."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self.losses = losses

    async def render(self, order: Render) -> AsyncIterator[Report]:
        async for report in super().render(order):
            if self.losses:
                self.losses -= 1
                await self.die()
                raise WorkerLost("the way to it is gone")
            yield report


async def test_a_job_may_lose_its_machine_more_often_than_it_may_take_a_worker_down(
    tmp_path: Path,
) -> None:
    memo = Memo()
    async with an_app(tmp_path, OnANode(2 * MAX_TRIES), audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)
        (ticket,) = memo.outcomes[0].tickets
        assert (ticket.state, ticket.tries) == (State.DRAWN, 1)


async def test_a_job_under_which_every_machine_goes_is_given_up_some_day(tmp_path: Path) -> None:
    worker = OnANode(10_000)
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)
        (ticket,) = memo.outcomes[0].tickets
        assert ticket.state is State.QUARANTINED
        assert ticket.reason is not None
    assert ticket.reason.facts[1] == MAX_EPOCHS // 2


async def test_a_seat_to_which_the_weights_do_not_come_leaves_the_model_to_the_others(
    tmp_path: Path,
) -> None:
    full, good = FakeWorker(), FakeWorker(step_seconds=0.001)
    full.failures = dict.fromkeys(("one", "two", "three"), NO_ROOM)
    memo = Memo()
    async with an_app(tmp_path, full, good, audience=memo) as app:
        for words in ("one", "two", "three"):
            await app.studio.requests.submit(a_wish(words))
        await eventually(lambda: len(memo.outcomes) == 3)
        tickets = [ticket for outcome in memo.outcomes for ticket in outcome.tickets]
        assert {(ticket.state, ticket.tries) for ticket in tickets} == {(State.DRAWN, 1)}
    assert len(full.orders) == 1
    assert len(good.orders) == 3


async def test_an_adapter_that_does_not_come_shuts_out_no_other_pictures_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.dispatch.drawing, "AVOID_ADAPTER_SECONDS", 0.2)
    full, good = FakeWorker(), FakeWorker()
    full.failures["one"] = OutOfReach("a lora", "a node cannot get it: its disk has no room")
    memo = Memo()
    async with an_app(tmp_path, full, good, audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)
        assert memo.outcomes[0].tickets[0].state is State.DRAWN
        good.gate.clear()
        await asyncio.sleep(0.2)
        for words in ("two", "three"):
            await app.studio.requests.submit(a_wish(words))
        await eventually(lambda: len(memo.outcomes) >= 2)  # this one is held at its step
        good.gate.set()
        await eventually(lambda: len(memo.outcomes) == 3)


class NeverReady(FakeWorker):
    """Its driver is broken."""

    async def start(self) -> Ready:
        raise WorkerDied("there is no such CUDA device here")


async def test_what_would_fit_only_where_no_worker_starts_is_not_waited_for(tmp_path: Path) -> None:
    memo = Memo()
    async with an_app(tmp_path, NeverReady(), FakeWorker(memory_bytes=1), audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)
        assert memo.outcomes[0].tickets[0].state is State.DRAWN


async def test_a_start_that_fails_once_gives_no_job_to_a_device_that_is_too_small(
    tmp_path: Path,
) -> None:
    class AtTheSecond(FakeWorker):
        async def start(self) -> Ready:
            if self.starts:
                return await super().start()
            self.starts += 1
            raise WorkerDied("the card is busy")

    small, large = FakeWorker(memory_bytes=1), AtTheSecond()
    memo = Memo()
    async with an_app(tmp_path, small, large, audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)
    assert (len(small.orders), len(large.orders)) == (0, 1)


async def test_whoever_cancels_while_a_seat_is_spared_their_job_is_told_so(tmp_path: Path) -> None:
    seats, asked, written = (FakeWorker(), FakeWorker()), asyncio.Event(), asyncio.Event()
    for worker in seats:
        worker.failures["one"] = NO_ROOM
    memo = Memo()
    async with an_app(tmp_path, *seats, audience=memo) as app:
        tickets = app.stores.tickets
        put_back = tickets.put_back

        async def slowly(job: JobId, epoch: int, *, blamed: bool = True) -> None:
            asked.set()
            await written.wait()
            await put_back(job, epoch, blamed=blamed)

        object.__setattr__(tickets, "put_back", slowly)
        request = await app.studio.requests.submit(a_wish("one"))
        await asyncio.wait_for(asked.wait(), 10)
        await app.studio.requests.cancel(request.id, by=Asker(id=ANN, guild=None))
        written.set()
        await eventually(lambda: memo.outcomes)
        assert memo.outcomes[0].tickets[0].state is State.CANCELLED


async def test_weights_that_come_to_no_seat_end_the_job_in_a_sentence(tmp_path: Path) -> None:
    seats = FakeWorker(), FakeWorker()
    for worker in seats:
        worker.failures["one"] = NO_ROOM
    memo = Memo()
    async with an_app(tmp_path, *seats, audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: memo.outcomes)
        (ticket,) = memo.outcomes[0].tickets
        assert ticket.state is State.FAILED
        assert "room for 0 bytes" in str(ticket.reason)
        # And what can be drawn is drawn: to be spared is not to be shut out.
        await app.studio.requests.submit(a_wish("two"))
        await eventually(lambda: len(memo.outcomes) >= 2)  # this one is held at its step
    assert [len(worker.orders) for worker in seats] in ([2, 1], [1, 2])


async def test_a_program_that_was_only_the_way_says_that_the_way_is_gone(tmp_path: Path) -> None:
    program = (sys.executable, "-c", "import sys; sys.exit(69)")
    for gone, kind, words in (((69, 1), WorkerLost, "the way"), ((), WorkerDied, "status 69")):
        worker = LocalWorker((), tmp_path / "digests.json", program=program, gone=gone)
        with pytest.raises(WorkerDied, match=words) as raised:
            await asyncio.wait_for(worker.start(), 60)
        assert raised.type is kind
        await worker.stop()
