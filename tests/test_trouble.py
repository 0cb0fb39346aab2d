"""Claims about full disks, databases that are held, clocks that jump and files that rot."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bot.app import App
from bot.chat.intake import picture_as_start
from bot.pages.apologies import apology_for
from bot.studio.retention import DAY, Retention
from generation.job import UserId
from storage import failpoints
from storage.accounts import Ledger, Waited
from storage.database import Database
from storage.errors import DamagedFile, DatabaseLocked, DiskFull, Missing
from storage.files import Files
from storage.pictures import Pictures
from storage.tickets import State, Tickets
from tests.given.apps import a_wish, an_app, drawn, finished, some_settings
from tests.given.fakes import FakeWorker
from tests.given.stored import ANN, BEN, SHARE, a_recipe, asked, opened
from tests.given.waiting import LONG, eventually


@pytest.fixture(autouse=True)
def nobody_listens_afterwards() -> Iterator[None]:
    yield
    failpoints.listen(lambda _: None)


@asynccontextmanager
async def an_eager_house(folder: Path) -> AsyncIterator[App]:
    """One that waits for no disk longer than it must."""
    async with an_app(folder, FakeWorker()) as app:
        app.studio._drawings.saver.retry_seconds = (0.01,)
        app.studio.delivery.retry_seconds = (0.01,)
        yield app


class Full:
    """A disk that has no room at one instant, for so many attempts."""

    def __init__(self, name: str, times: int) -> None:
        self.name, self.left, self.passed = name, times, Counter[str]()

    def __call__(self, name: str) -> None:
        self.passed[name] += 1
        if name == self.name and self.left:
            self.left -= 1
            raise OSError(errno.ENOSPC, "no space left on device")


WRITES = (
    *("file.made", "file.written", "file.synced", "file.renamed"),
    *("started.written", "drawn.written", "delivering.written", "delivered.written"),
    "accounts.written",
)


@pytest.mark.parametrize("name", WRITES)
async def test_a_disk_that_is_full_for_a_while_costs_no_picture(tmp_path: Path, name: str) -> None:
    async with an_eager_house(tmp_path) as app:
        full = Full(name, times=2)
        failpoints.listen(full)
        outcome = await asyncio.wait_for(drawn(app, a_wish(count=2)), LONG)
        assert [ticket.state for ticket in outcome.tickets] == [State.DRAWN] * 2
        async with asyncio.timeout(LONG):
            while full.left or await app.stores.tickets.undelivered():  # noqa: ASYNC110  # a poll
                await asyncio.sleep(0.01)
        assert len(await app.stores.pictures.of_request(outcome.request.id)) == 2
    assert not [p for p in (tmp_path / "data" / "files").rglob("*") if p.suffix == ".unfinished"]


async def test_a_request_that_cannot_be_written_is_refused_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    async with an_eager_house(tmp_path) as app:
        failpoints.listen(Full("add.written", times=1))
        with pytest.raises(DiskFull):
            await app.studio.requests.submit(a_wish())
        assert await app.stores.tickets.waiting() == ()
        assert (await drawn(app, a_wish())).pictures


async def test_a_start_without_room_says_so_and_loses_nothing(tmp_path: Path) -> None:
    async with an_app(tmp_path, worker := FakeWorker()) as app:
        worker.gate.clear()
        await app.studio.requests.submit(a_wish())
    failpoints.listen(Full("replay.written", times=1))
    with pytest.raises(DiskFull):
        async with an_app(tmp_path, FakeWorker()):
            pass
    async with an_app(tmp_path, FakeWorker()) as app:
        assert app.replayed == 1


FULL_LOG = """
import logging, sys
from pathlib import Path
from bot.telemetry.logs import write_log
from tests.given.apps import some_settings

write_log(some_settings(Path(sys.argv[1])), quiet=True)
logging.getLogger("bot").warning("nobody will read this")
print("went on", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    some_settings(tmp_path).data.mkdir()
    (tmp_path / "data" / "atelier.log").symlink_to("/dev/full")
    done = subprocess.run(
        [sys.executable, "-c", FULL_LOG, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.stdout == "went on\n"
    assert "No space left" in done.stderr


async def test_a_database_that_is_held_for_longer_than_we_wait_costs_no_picture(
    tmp_path: Path,
) -> None:
    async with an_eager_house(tmp_path) as app:
        database = app.stores.tickets._database
        async with database.transaction("test") as db:
            await db.execute("PRAGMA busy_timeout = 20")
        request = await app.studio.requests.submit(a_wish(count=2))
        with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseLocked):
                await app.studio.requests.submit(a_wish("another"))
            await asyncio.sleep(0.3)
            other.execute("ROLLBACK")
        outcome = await finished(app, request.id)
        assert [ticket.state for ticket in outcome.tickets] == [State.DRAWN] * 2


async def test_a_clock_that_is_put_back_changes_no_order_and_no_lease(tmp_path: Path) -> None:
    async with opened(tmp_path / "atelier.db") as database:
        tickets = Tickets(database)
        times = (5000.0, 1400.0, 9000.0)  # an hour back, two hours forth
        made = [
            (await tickets.add(asked(user, created=at), [a_recipe()], [1.0]))[1][0].job.id
            for user, at in zip((ANN, BEN, ANN), times, strict=True)
        ]
        lease = await tickets.started(made[0], "seat 0", at=6000.0)
        later = await tickets.started(made[0], "seat 0", at=100.0)
        assert later.epoch > lease.epoch
        assert [ticket.job.id for _, (ticket,) in await tickets.replay()] == made
        await tickets.started(made[2], "seat 0", at=1400.0)  # begun "before" it was asked for
        assert await Ledger(database).waits_since(0.0) == (
            Waited(group=SHARE.group, user=ANN, asked_at=9000.0, started_at=9000.0),
            Waited(group=SHARE.group, user=ANN, asked_at=5000.0, started_at=6000.0),
        )


async def test_nothing_is_let_go_on_the_day_on_which_the_clock_jumped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = [1_800_000_000.0]
    async with opened(tmp_path / "atelier.db") as database:
        files = Files(tmp_path / "files")
        loose = files.keep(b"a file that nothing refers to", ".png")
        os.utime(files.path(loose), (now[0], now[0]))
        retention = Retention(
            pictures=Pictures(database),
            files=files,
            ledger=Ledger(database),
            keep_days=1,
            clock=lambda: now[0],
        )
        retention.first_after = 0.05
        running = asyncio.create_task(retention.run())
        await asyncio.sleep(0)  # it has looked at the clock
        now[0] += 400 * DAY
        await eventually(lambda: "the clock jumped" in caplog.text)
        await asyncio.sleep(0.05)
        running.cancel()
        assert files.read(loose)
        assert await retention.tidy() == 1  # as the next day, when nothing has jumped


async def test_a_file_that_rots_is_found_out_and_drawn_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with an_eager_house(tmp_path) as app:
        outcome = await drawn(app, a_wish())
        [picture], [png] = outcome.pictures, outcome.files
        files = app.stores.files
        for damage in (png[: len(png) // 2], png[:99] + bytes([png[99] ^ 1]) + png[100:], b""):
            files.path(picture.png_sha256).write_bytes(damage)
            with pytest.raises(DamagedFile):
                files.read(picture.png_sha256)
            shown = await app.studio.delivery.outcome(outcome.request)
            assert shown.files == ()  # never the damaged bytes
            assert "not readable" in caplog.text
            again = await app.studio.requests.reproduce(picture.id, a_wish().origin)
            await finished(app, again.id)
            assert files.read(picture.png_sha256) == png
            shown = await app.studio.delivery.outcome(outcome.request)
            assert shown.files == (png,)


PEOPLE = (UserId(101), UserId(102))


async def test_at_no_instant_of_a_crash_is_a_debt_forgotten_or_paid_twice(tmp_path: Path) -> None:
    """The database is copied at every commit, as a kill just then would leave it."""
    worker = FakeWorker(step_seconds=0.005, step_cost=0.2)
    async with an_app(tmp_path, worker) as app:
        path = tmp_path / "data" / "atelier.sqlite3"
        copies: list[Path] = []

        def photograph(name: str) -> None:
            if name == "file.made":
                time.sleep(0.3)  # time to save accounts between a job's end and its picture's
            if name.partition(".")[0] in ("drawn", "accounts", "started"):
                folder = tmp_path / f"{len(copies)} {name}"
                folder.mkdir()
                for file in (path, path.with_name(f"{path.name}-wal")):
                    shutil.copy(file, folder / file.name)
                copies.append(folder / path.name)

        failpoints.listen(photograph)
        wishes = [a_wish(owner=o, count=4, draft={"steps": 40}) for o in PEOPLE]
        for request in [await app.studio.requests.submit(wish) for wish in wishes]:
            await finished(app, request.id)
    failpoints.listen(lambda _: None)
    for copy in copies:
        async with opened(copy) as database:
            await check_debts(database, chunk=2.0 + 2 * worker.step_cost)


async def check_debts(database: Database, *, chunk: float) -> None:
    """What everybody owes is what they were drawn, to a chunk, as far as it had been saved."""
    accounts = await Ledger(database).load()
    rows = await database.rows("SELECT owner, sum(seconds) AS s FROM pictures GROUP BY owner")
    given: dict[int, float] = {row["owner"]: row["s"] for row in rows}
    served: dict[int, float] = {}
    for part in await Ledger(database).served_since(0.0):
        served[part.user] = served.get(part.user, 0.0) + part.seconds
    in_line = {row["user"] for row in await database.rows("SELECT user FROM accounts")}
    for (_, user), account in accounts.people.items():
        assert account.tag <= given.get(user, 0.0) + chunk
        if user in in_line:  # who has nothing more to wait for owes nothing
            saved = min(given.get(user, 0.0), served.get(user, 0.0))
            assert account.tag >= saved - chunk


async def test_a_picture_whose_file_is_gone_is_no_start_until_it_is_drawn_again(
    tmp_path: Path,
) -> None:
    async with an_eager_house(tmp_path) as app:
        outcome = await drawn(app, a_wish())
        [picture] = outcome.pictures
        app.stores.files.drop(picture.png_sha256)  # as retention does
        wish = picture_as_start(picture, a_wish("the same at night"))
        with pytest.raises(Missing) as missing:
            await app.studio.requests.submit(wish)
        assert "draws it again" in apology_for(missing.value)
        assert await app.stores.tickets.waiting() == ()
        again = await app.studio.requests.reproduce(picture.id, a_wish().origin)
        await finished(app, again.id)
        assert (await drawn(app, wish)).pictures
