"""Claims about opening, migrating and writing the database, and about what it does in trouble."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import shutil
import sqlite3
import time
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from generation.job import JobId
from generation.recipe import dump
from storage.accounts import Ledger
from storage.database import APPLICATION, MIGRATIONS, Database
from storage.errors import (
    DatabaseCorrupt,
    DatabaseLocked,
    DatabaseTooNew,
    DiskFull,
    InUse,
    StorageError,
)
from storage.tickets import Tickets
from tests.given.released import DATA
from tests.given.stored import a_recipe, asked, opened


async def test_a_new_database_is_ours_sound_and_durable(database: Database) -> None:
    pragmas = {}
    for name in ("journal_mode", "application_id", "user_version", "foreign_keys"):
        row = await database.row(f"PRAGMA {name}")
        assert row is not None
        pragmas[name] = row[0]
    assert pragmas == {
        "journal_mode": "wal",
        "application_id": APPLICATION,
        "user_version": len(list(MIGRATIONS.glob("*.sql"))),
        "foreign_keys": 1,
    }
    async with database.transaction("test") as db:
        for row in await db.execute_fetchall("PRAGMA synchronous"):
            assert row[0] == 2  # FULL: a commit survives a power cut
    assert await database.damage() == ()


async def test_every_table_is_strict(database: Database) -> None:
    # A virtual table, and what it keeps its index in, cannot be.
    tables = await database.rows(
        "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    )
    loose = {row["name"] for row in tables if not row["strict"]}
    assert loose == {"sqlite_schema", "sqlite_sequence"}


async def test_what_was_written_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "atelier.db") as database:
        await Tickets(database).add(asked(), [a_recipe()], [1.0])
    async with opened(tmp_path / "atelier.db") as database:
        assert len(await Tickets(database).waiting()) == 1


async def test_half_a_transaction_leaves_nothing(database: Database) -> None:
    async def fail_halfway() -> None:
        async with database.transaction("test") as db:
            await db.execute("INSERT INTO share_groups VALUES ('1', 2.0)")
            raise KeyError

    with pytest.raises(KeyError):
        await fail_halfway()
    assert await database.rows("SELECT * FROM share_groups") == []
    async with database.transaction("test") as db:
        await db.execute("INSERT INTO share_groups VALUES ('1', 3.0)")
    assert len(await database.rows("SELECT * FROM share_groups")) == 1


async def test_a_cancelled_transaction_leaves_nothing_and_blocks_nobody(database: Database) -> None:
    begun = asyncio.Event()

    async def write_and_linger() -> None:
        async with database.transaction("test") as db:
            await db.execute("INSERT INTO share_groups VALUES ('1', 2.0)")
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(write_and_linger())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.transaction("test") as db:
        await db.execute("INSERT INTO share_groups VALUES ('2', 2.0)")
    assert [row["name"] for row in await database.rows("SELECT name FROM share_groups")] == ["2"]


async def test_a_transaction_cancelled_at_any_instant_is_whole_or_absent(
    database: Database,
) -> None:
    tickets = Tickets(database)
    for delay in range(40):
        task = asyncio.create_task(tickets.add(asked(), [a_recipe(1), a_recipe(2)], [1.0, 1.0]))
        await asyncio.sleep(delay * 0.0002)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    counts = await database.rows("SELECT count(*) FROM tickets GROUP BY request")
    assert {row[0] for row in counts} <= {2}
    await tickets.add(asked(), [a_recipe()], [1.0])
    assert await database.damage() == ()


async def test_writers_take_turns_and_readers_see_only_what_is_committed(
    database: Database,
) -> None:
    async def add_one() -> None:
        async with database.transaction("test") as db:
            for row in await db.execute_fetchall(
                "SELECT coalesce(max(clock), 0) AS top FROM share_groups"
            ):
                await asyncio.sleep(0)
                values = (str(row["top"]), row["top"] + 1)
                await db.execute("INSERT INTO share_groups VALUES (?, ?)", values)

    async def look() -> set[int]:
        return {len(await database.rows("SELECT * FROM share_groups")) for _ in range(20)}

    *_, seen = await asyncio.gather(*(add_one() for _ in range(20)), look())
    assert isinstance(seen, set)
    clocks = await database.rows("SELECT clock FROM share_groups ORDER BY clock")
    assert [row["clock"] for row in clocks] == [
        float(n) for n in range(1, 21)
    ]  # nobody overwrote anybody


async def test_reading_does_not_wait_for_a_writer(database: Database) -> None:
    async with database.transaction("test") as db:
        await db.execute("INSERT INTO share_groups VALUES ('1', 2.0)")
        assert await database.rows("SELECT * FROM share_groups") == []


async def test_a_reference_to_nothing_is_refused(database: Database) -> None:
    with pytest.raises(StorageError, match="FOREIGN KEY"):
        async with database.transaction("test") as db:
            await db.execute("INSERT INTO outbox (request) VALUES (77)")


@pytest.mark.parametrize(
    "content", [b"not a database at all " * 400, b"SQLite format 3\0" + b"x" * 4080]
)
async def test_a_file_that_is_no_database_is_reported_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "atelier.db"
    path.write_bytes(content)
    with pytest.raises(DatabaseCorrupt) as refused:
        await Database.open(path)
    assert refused.value.path == path
    assert path.read_bytes() == content


async def test_a_damaged_page_is_reported_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "atelier.db"
    async with opened(path):
        pass
    empty = path.stat().st_size  # what it takes to be opened
    async with opened(path) as database:
        await Tickets(database).add(asked(), [a_recipe(n) for n in range(200)], [1.0] * 200)
    whole = path.read_bytes()
    path.write_bytes(whole[:empty] + b"\xff" * (len(whole) - empty))
    async with opened(path) as database:
        with pytest.raises(DatabaseCorrupt):
            await Tickets(database).waiting()
        assert await database.damage() != ()


async def test_another_program_s_database_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "atelier.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(DatabaseCorrupt, match="another program"):
        await Database.open(path)
    assert path.read_bytes() == before


async def test_a_later_version_s_database_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "atelier.db"
    async with opened(path):
        pass
    later = sqlite3.connect(path)
    later.execute("PRAGMA user_version = 9999")
    later.close()
    before = path.read_bytes()
    with pytest.raises(DatabaseTooNew) as refused:
        await Database.open(path)
    assert refused.value.found == 9999
    assert path.read_bytes() == before


async def test_a_locked_database_is_reported_after_our_patience(tmp_path: Path) -> None:
    path = tmp_path / "atelier.db"
    async with opened(path):
        pass
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("BEGIN EXCLUSIVE")
    begin = time.monotonic()
    with pytest.raises(DatabaseLocked):
        await Database.open(path, patience=0.2)
    assert 0.1 < time.monotonic() - begin < 5.0  # the usual patience
    other.execute("ROLLBACK")
    other.close()
    async with opened(path, patience=0.2):
        pass


async def test_a_lock_that_comes_later_costs_one_request_and_not_the_database(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "atelier.db", patience=0.1) as database:
        tickets = Tickets(database)
        other = sqlite3.connect(database.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseLocked):
            await tickets.add(asked(), [a_recipe()], [1.0])
        other.execute("ROLLBACK")
        other.close()
        await tickets.add(asked(), [a_recipe()], [1.0])
        assert len(await tickets.waiting()) == 1


async def test_a_full_disk_costs_one_request_and_not_the_database(database: Database) -> None:
    tickets = Tickets(database)
    await tickets.add(asked(), [a_recipe()], [1.0])
    # SQLite's own SQLITE_FULL, from a limit on the file instead of on the disk.
    async with database.transaction("test") as db:
        for row in await db.execute_fetchall("PRAGMA page_count"):
            await db.execute(f"PRAGMA max_page_count = {row[0] + 1}")
    with pytest.raises(DiskFull):
        await tickets.add(asked(words="x" * 50_000), [a_recipe()], [1.0])
    assert len(await tickets.waiting()) == 1
    async with database.transaction("test") as db:
        await db.execute("PRAGMA max_page_count = 1000000")
    await tickets.add(asked(words="x" * 50_000), [a_recipe()], [1.0])
    assert await database.damage() == ()


async def test_a_database_of_the_version_before_knows_who_pays_and_who_owes(tmp_path: Path) -> None:
    before = tmp_path / "migrations"
    before.mkdir()
    for file in sorted(MIGRATIONS.glob("*.sql"))[:2]:
        shutil.copy(file, before)
    path = tmp_path / "data" / "atelier.db"
    await (await Database.open(path, migrations=before)).close()
    with closing(sqlite3.connect(path)) as old:
        old.execute("INSERT INTO recipes VALUES (?, ?)", (a_recipe().id, dump(a_recipe())))
        for owner, guild in ((1, 7), (2, None), (0, None), (1, 8)):
            old.execute(
                "INSERT INTO requests (owner, guild, channel, locale, words, created) "
                "VALUES (?, ?, 1, 'en-US', '', 5.0)",
                (owner, guild),
            )
        old.execute(
            "INSERT INTO tickets (request, ordinal, recipe, cost) "
            "SELECT id, 0, ?, 1.0 FROM requests",
            (a_recipe().id,),
        )
        old.execute("UPDATE tickets SET state = 'running', tries = 2 WHERE id = 1")
        old.execute("INSERT INTO accounts VALUES (1, 30.0), (2, 12.0), (9, 40.0)")
        old.execute("INSERT INTO clock VALUES (1, 10.0)")
        old.commit()
    async with opened(path) as database:
        replayed = await Tickets(database).replay()
        groups = [ticket.job.share.group for _, (ticket,) in replayed]
        assert groups == ["guild 7", "direct", "console", "guild 8"]
        lease = await Tickets(database).started(JobId(1), "seat 0", at=9.0)
        assert (lease.epoch, lease.tries) == (2, 2)
        accounts = await Ledger(database).load()
        owed = {key: account.tag for key, account in accounts.people.items()}
        assert owed == {("guild 8", 1): 30.0, ("direct", 2): 12.0, ("direct", 9): 40.0}
        assert accounts.groups == {"guild 8": 10.0, "direct": 10.0}
        assert await database.damage() == ()


@pytest.mark.parametrize(
    "file", sorted(DATA.glob("released*/**/*.sqlite3")), ids=lambda path: path.parent.name
)
def test_a_script_that_was_released_says_what_it_said(file: Path, tmp_path: Path) -> None:
    copy = shutil.copy(file, tmp_path)
    with closing(sqlite3.connect(copy)) as old, closing(sqlite3.connect(":memory:")) as new:
        (version,) = old.execute("PRAGMA user_version").fetchone()
        for script in sorted(MIGRATIONS.glob("*.sql"))[:version]:
            new.executescript(script.read_text(encoding="utf-8"))
        before, now = _schema(old), _schema(new)
    assert version
    assert before == now, "what changes a released table is a script of its own"


def _schema(db: sqlite3.Connection) -> set[tuple[str, str]]:
    """What the scripts made, less their comments."""
    made = db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return {(name, re.sub(r"--.*", "", sql)) for name, sql in made}


async def test_a_migration_that_fails_halfway_leaves_the_old_version_and_no_half_made_table(
    tmp_path: Path,
) -> None:
    migrations = tmp_path / "migrations"
    migrations.mkdir()
    (migrations / "0001_first.sql").write_text("CREATE TABLE a (x INTEGER) STRICT;")
    path = tmp_path / "data" / "atelier.db"
    await (await Database.open(path, migrations=migrations)).close()
    second = migrations / "0002_second.sql"
    second.write_text("CREATE TABLE b (x INTEGER) STRICT; INSERT INTO a VALUES (1); NONSENSE;")
    with pytest.raises(StorageError, match="NONSENSE"):
        await Database.open(path, migrations=migrations)
    file = sqlite3.connect(path)
    assert file.execute("PRAGMA user_version").fetchone() == (1,)
    assert file.execute("SELECT name FROM sqlite_schema").fetchall() == [("a",)]
    assert file.execute("SELECT * FROM a").fetchall() == []
    file.close()
    second.write_text("CREATE TABLE b (x INTEGER) STRICT;")  # mended
    database = await Database.open(path, migrations=migrations)
    assert await database.rows("SELECT * FROM b") == []
    await database.close()


async def test_the_same_folder_is_not_opened_twice(database: Database) -> None:
    with pytest.raises(InUse, match="in use by the process"):
        await Database.open(database.path)
    with pytest.raises(InUse):
        await Database.open(database.path.with_name("other.db"))


def _open_and_wait(path: Path, done: Connection) -> None:
    async def hold() -> None:
        await Database.open(path)
        done.send("open")
        await asyncio.sleep(60)

    asyncio.run(hold())


async def test_a_second_process_is_refused_until_the_first_is_dead(tmp_path: Path) -> None:
    path = tmp_path / "atelier.db"
    here, there = multiprocessing.Pipe()
    first = multiprocessing.get_context("spawn").Process(target=_open_and_wait, args=(path, there))
    first.start()
    try:
        assert await asyncio.to_thread(here.recv) == "open"
        with pytest.raises(InUse, match=str(first.pid)):
            await Database.open(path)
    finally:
        first.kill()
        first.join()
        first.close()
        here.close()
        there.close()
    await (await Database.open(path)).close()  # no stale lock file to be removed by hand


async def test_a_failed_open_lets_the_folder_go(tmp_path: Path) -> None:
    path = tmp_path / "atelier.db"
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(DatabaseCorrupt):
        await Database.open(path)
    path.unlink()
    async with opened(path):
        pass


async def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="file"):
        await Database.open(tmp_path / "file" / "atelier.db")
