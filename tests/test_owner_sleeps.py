"""Claims about a studio that nobody looks after: a night, a month, a bug, a bad sector."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest

import bot.studio.admission
from bot.app import App
from bot.chat.announcer import Announcer
from bot.chat.intake import picture_as_start
from bot.dispatch.forecasts import Forecasts
from bot.dispatch.open_requests import OpenRequests
from bot.dispatch.seats import Seats
from bot.studio.retention import DAY, Retention
from bot.studio.rights import Asker
from generation.errors import RenderFailed
from generation.fleet.wire import Ready, Render, Report
from generation.job import JobId
from generation.queue.fair_queue import FairQueue
from generation.queue.forecast import Promises
from storage import backup
from storage.accounts import Ledger
from storage.errors import DamagedFile
from storage.files import Files, sync_tree
from storage.pictures import Pictures
from storage.tickets import State, Tickets
from tests.given.apps import a_wish, an_app, an_idle_app, drawn, finished
from tests.given.audiences import Memo
from tests.given.builders import ANN, BEN
from tests.given.fakes import FakeWorker
from tests.given.stored import a_recipe, asked, opened
from tests.given.waiting import eventually

# -- what people do ----------------------------------------------------------------------------


class Channel:
    """A place on Discord where one progress message was deleted; it notes every edit."""

    def __init__(self, gone: int) -> None:
        self._gone, self.edited = gone, list[int]()

    def get_channel(self, _: int) -> None:
        return None

    def get_partial_messageable(self, _: int) -> Channel:
        return self

    def get_partial_message(self, message: int) -> Any:
        return SimpleNamespace(edit=lambda **_: self._edit(message))

    async def _edit(self, message: int) -> None:
        self.edited.append(message)
        if message == self._gone:
            answer = cast(Any, SimpleNamespace(status=404, reason="Not Found"))
            raise discord.NotFound(answer, "Unknown Message")


async def test_a_deleted_progress_message_keeps_nobody_elses_from_being_told(
    tmp_path: Path,
) -> None:
    workers = [FakeWorker(step_seconds=0.1), FakeWorker(step_seconds=0.1)]
    channel = Channel(gone=1)
    async with an_idle_app(tmp_path, *workers) as app:
        client = cast(discord.Client, channel)
        announcer = Announcer(client, app.studio, progress_seconds=0.05)
        announcer.arrived()
        telling = asyncio.create_task(announcer.run())
        async with app.at_work(announcer):
            for message, owner in ((1, ANN), (2, BEN)):
                wish = a_wish(owner=owner, draft={"steps": 140})
                request = await app.studio.requests.submit(wish)
                await app.studio.messages.say_progress_is(request.id, message)
            await eventually(lambda: channel.edited.count(2) >= 2)
        assert channel.edited.count(1) == 1
        telling.cancel()


async def test_a_picture_that_is_deleted_while_somebody_starts_from_it_is_still_their_start(
    tmp_path: Path,
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await drawn(app, a_wish())
        tickets, reached = app.stores.tickets, asyncio.Event()
        add = tickets.add

        async def slowly(*asked: Any) -> Any:
            reached.set()
            await asyncio.sleep(0.1)
            return await add(*asked)

        object.__setattr__(tickets, "add", slowly)
        wish = picture_as_start(outcome.pictures[0], a_wish("at night"))
        asking = asyncio.create_task(app.studio.requests.submit(wish))
        await reached.wait()
        app.studio._deleting.undo_seconds = 0.0
        await app.studio.gallery.delete(Asker(id=ANN, guild=None), outcome.request.id)
        again = await finished(app, (await asking).id)
        assert [ticket.state for ticket in again.tickets] == [State.DRAWN]


class Costly(FakeWorker):
    """Each start after a death takes a while."""

    async def start(self) -> Ready:
        if self.starts:
            await asyncio.sleep(0.1)
        return await super().start()


async def test_whoever_has_only_pictures_that_take_the_worker_down_lets_others_come_between(
    tmp_path: Path,
) -> None:
    worker = Costly(step_cost=0.01)
    worker.deaths["poison"] = 999
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        worker.gate.clear()
        for _ in range(6):
            await app.studio.requests.submit(a_wish("poison", owner=ANN, draft={"steps": 10}))
        for _ in range(6):
            await app.studio.requests.submit(a_wish("a flower", owner=BEN, draft={"steps": 10}))
        worker.gate.set()
        await eventually(lambda: len(memo.outcomes) == 12)
    last_flower = max(n for n, o in enumerate(worker.orders) if o.recipe.prompt == "a flower")
    before = {o.job for o in worker.orders[:last_flower] if o.recipe.prompt == "poison"}
    assert len(before) <= 3, "they were all tried before it was anybody else's turn"


# -- bugs of ours ------------------------------------------------------------------------------


def stumble(app: App) -> None:
    """The next decision of a seat meets a bug."""
    queue = app.studio._queue
    honest = queue.take

    def wrong(*_: Any) -> None:
        queue.take = honest  # type: ignore[method-assign]
        raise RuntimeError("a bug of ours")

    queue.take = wrong  # type: ignore[method-assign,assignment]


async def test_a_picture_that_was_drawn_and_not_kept_when_the_studio_stumbled_is_drawn_again(
    tmp_path: Path,
) -> None:
    worker = FakeWorker(encode_seconds=0.5)
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        first = await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: any(what == "drew" for what, _ in worker.log))
        stumble(app)
        await app.studio.requests.submit(a_wish("two", owner=BEN))
        await eventually(lambda: len(memo.outcomes) == 2)
        assert {o.tickets[0].state for o in memo.outcomes} == {State.DRAWN}
        assert app.studio.open_requests.standings() == ()
    assert [o.recipe.prompt for o in worker.orders].count("one") == 2
    assert first.id in {o.request.id for o in memo.outcomes}


async def test_a_picture_that_was_kept_when_the_studio_stumbled_is_told_of_and_not_drawn_again(
    tmp_path: Path,
) -> None:
    worker = FakeWorker()
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        tickets, kept = app.stores.tickets, asyncio.Event()
        store = tickets.drawn

        async def slowly(*args: Any, **kwargs: Any) -> Any:
            stored = await store(*args, **kwargs)
            kept.set()
            await asyncio.sleep(60)
            return stored

        object.__setattr__(tickets, "drawn", slowly)
        await app.studio.requests.submit(a_wish("one"))
        await kept.wait()
        object.__setattr__(tickets, "drawn", store)
        stumble(app)
        await app.studio.requests.submit(a_wish("two", owner=BEN))
        await eventually(lambda: len(memo.outcomes) == 2)
        assert app.studio.open_requests.standings() == ()
    assert [o.recipe.prompt for o in worker.orders].count("one") == 1


class InALongStep(FakeWorker):
    """As a real one: a job that nobody listens to any more is there until its step is done."""

    def __init__(self) -> None:
        super().__init__()
        self._has: set[JobId] = set()

    async def render(self, order: Render) -> AsyncIterator[Report]:
        if order.job in self._has:
            raise RenderFailed("a job of this number is being drawn")
        self._has.add(order.job)
        async for report in super().render(order):
            yield report
        self._has.discard(order.job)

    async def stop(self) -> None:
        await super().stop()
        self._has.clear()


async def test_what_was_being_drawn_when_the_studio_stumbled_is_drawn_again(tmp_path: Path) -> None:
    worker = InALongStep()
    worker.gate.clear()
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: worker.orders)
        stumble(app)
        [seat] = app.studio._seats
        seat.at_boundary = True
        seat.news.set()
        await eventually(lambda: len(worker.orders) == 2)
        worker.gate.set()
        await eventually(lambda: memo.outcomes)
        assert memo.outcomes[0].tickets[0].state is State.DRAWN


class Deaf(FakeWorker):
    """In the middle of a long step."""

    async def cancel(self, job: JobId) -> None:
        pass


async def test_what_was_cancelled_before_the_studio_stumbled_is_not_drawn_again(
    tmp_path: Path,
) -> None:
    worker = Deaf()
    worker.gate.clear()
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        request = await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: worker.orders)
        await app.studio.requests.cancel(request.id, by=Asker(id=ANN, guild=None))
        stumble(app)
        [seat] = app.studio._seats
        seat.at_boundary = True
        seat.news.set()
        await eventually(lambda: memo.outcomes)
        assert memo.outcomes[0].tickets[0].state is State.CANCELLED
        assert app.studio.open_requests.standings() == ()
    assert len(worker.orders) == 1


async def test_what_was_drawn_and_is_cancelled_while_the_studio_is_down_is_not_drawn_again(
    tmp_path: Path,
) -> None:
    worker = FakeWorker(encode_seconds=0.5)
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        first = await app.studio.requests.submit(a_wish("one"))
        await eventually(lambda: any(what == "drew" for what, _ in worker.log))
        stumble(app)
        await app.studio.requests.submit(a_wish("two", owner=BEN))
        await eventually(lambda: app.studio._drawings._unkept)
        await app.studio.requests.cancel(first.id, by=Asker(id=ANN, guild=None))
        await eventually(lambda: len(memo.outcomes) == 2)
        states = {o.request.id: o.tickets[0].state for o in memo.outcomes}
        assert states.pop(first.id) is State.CANCELLED
        assert list(states.values()) == [State.DRAWN]
    assert [o.recipe.prompt for o in worker.orders].count("one") == 1


async def test_what_storage_never_takes_does_not_keep_the_bot_from_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.studio.admission, "CLOSING_SECONDS", 0.05)
    async with asyncio.timeout(30):
        async with an_app(tmp_path, FakeWorker()) as app:
            never = app.studio._admission._to_the_end(asyncio.Event().wait())
            asked = asyncio.create_task(never)
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await asked


async def test_a_bug_on_the_way_out_does_not_keep_the_bot_from_stopping(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()

    def wrong(_: object) -> None:
        raise RuntimeError("a bug of ours")

    async with asyncio.timeout(20), an_app(tmp_path, worker) as app:
        await app.studio.requests.submit(a_wish())
        await eventually(lambda: worker.orders)
        app.studio._queue.dismiss = wrong  # type: ignore[method-assign,assignment]
    async with an_app(tmp_path, FakeWorker()) as app:
        assert app.replayed == 1


# -- clocks ------------------------------------------------------------------------------------


async def test_a_clock_that_is_put_forward_teaches_nothing_about_promises(tmp_path: Path) -> None:
    now = [1_000_000.0]
    queue, promises = FairQueue(), Promises()
    turns = Forecasts(queue, Seats()).turns
    open_requests = OpenRequests(queue, promises, turns, clock=lambda: now[0])
    async with opened(tmp_path / "atelier.db") as database:
        for _ in range(2):
            request, (ticket,) = await Tickets(database).add(asked(), [a_recipe()], [60.0])
            queue.put(ticket.job, 0.0)
            open_requests.open(request, [ticket])
            assert open_requests.standing(request.id) is not None
        now[0] += 3600.0
        open_requests.began(ticket.job)
    assert promises.p90(60.0) == 60.0


async def test_a_machine_that_sleeps_at_night_still_tidies_up(tmp_path: Path) -> None:
    passed = [0.0]
    async with opened(tmp_path / "atelier.db") as database:
        files = Files(tmp_path / "files")
        loose = files.keep(b"a file that nothing refers to", ".png")
        os.utime(files.path(loose), (0.0, 0.0))
        retention = Retention(
            pictures=Pictures(database),
            files=files,
            ledger=Ledger(database),
            keep_days=1,
            clock=lambda: 10 * DAY + passed[0],
            steady=lambda: passed[0],
        )
        retention.first_after = 0.05
        running = asyncio.create_task(retention.run())
        await asyncio.sleep(0.01)
        passed[0] += 8 * 3600.0
        await eventually(lambda: not list(files.digests()))
        running.cancel()


# -- disks -------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/mem")
def test_a_file_on_a_bad_sector_is_damaged_and_can_be_written_anew(tmp_path: Path) -> None:
    files = Files(tmp_path / "files")
    digest = files.keep(b"a picture", ".png")
    file = files.path(digest)
    file.unlink()
    file.symlink_to("/proc/self/mem")  # whose first bytes nobody can read
    with pytest.raises(OSError, match=rf"Errno {errno.EIO}"):
        file.read_bytes()
    with pytest.raises(DamagedFile):
        files.read(digest)
    assert files.keep(b"a picture", ".png") == digest
    assert files.read(digest) == b"a picture"


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    async with an_app(tmp_path, FakeWorker()) as app:
        await drawn(app, a_wish())
    return tmp_path / "data"


def test_a_backup_is_made_although_an_older_one_is_damaged(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    first, second = (
        backup.back_up(data, folder, stamp=f"2026010{day}-000000", keep=2).copy for day in (1, 2)
    )
    shutil.copy(folder / "lock", second / "atelier.sqlite3")
    made = backup.back_up(data, folder, stamp="20260103-000000", keep=2)
    assert (made.copy.exists(), first.exists(), made.dropped) == (True, False, 1)
    assert backup.look_through(folder).whole


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anything")
def test_what_the_owner_wrote_is_backed_up_though_it_is_read_only(tmp_path: Path) -> None:
    file = tmp_path / "wildcards.txt"
    file.touch()
    file.chmod(0o444)
    sync_tree(tmp_path)


async def test_a_start_looks_at_what_is_open_and_not_at_all_that_ever_was(tmp_path: Path) -> None:
    async with opened(tmp_path / "atelier.db") as database:
        said: list[str] = []
        await database._writer.set_trace_callback(said.append)
        await Tickets(database).replay()
        await database._writer.set_trace_callback(lambda _: None)
        update = next(sql for sql in said if sql.startswith("UPDATE"))
        plan = [row["detail"] for row in await database.rows(f"EXPLAIN QUERY PLAN {update}")]
    assert all("tickets_open" in step for step in plan), plan
