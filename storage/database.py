"""The database: opened, brought up to date, and written to by one at a time.

Two connections to one SQLite file in WAL mode.  Everything that writes goes through `transaction`,
which lets one in at a time and commits all or nothing, on the disk (synchronous=FULL) before it
returns.  Everything that only reads goes through `rows`, and never waits for a writer.

A damaged or foreign file is reported and left as it is: it may be all that somebody has.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiosqlite

from storage import private
from storage.errors import DatabaseCorrupt, DatabaseTooNew, StorageError, translated
from storage.failpoints import instant
from storage.lock import FolderLock

MIGRATIONS = Path(__file__).parent / "migrations"

APPLICATION = 0x41544C52  # "ATLR", in the file's header

CACHE_KIB = 32 * 1024  # at most, per connection: holds the indices of a few hundred thousand rows

SCRUB_TRIES, SCRUB_SECONDS = 100, 0.05

log = logging.getLogger(__name__)

Row = sqlite3.Row
Value = str | int | float | None


class Database:
    """An open database.  Made by `open`, ended by `close`."""

    def __init__(
        self,
        path: Path,
        lock: FolderLock,
        writer: aiosqlite.Connection,
        reader: aiosqlite.Connection,
    ) -> None:
        self.path = path
        self._lock = lock
        self._writer = writer
        self._reader = reader
        self._turn = asyncio.Lock()
        # Told after each transaction how many seconds it took.
        self.on_commit: Callable[[float], None] = lambda _: None

    @classmethod
    async def open(
        cls, path: Path, *, patience: float = 5.0, migrations: Path = MIGRATIONS
    ) -> Database:
        """Open or create the file and apply the migrations it has not seen.

        `patience`: seconds to wait for a foreign lock.  Raises InUse, DatabaseLocked,
        DatabaseCorrupt, DatabaseTooNew or DiskFull.
        """
        with translated(path):
            private.make_folder(path.parent)
            lock = FolderLock(path.parent / "lock")
        connections: list[aiosqlite.Connection] = []
        try:
            with translated(path):
                # SQLite's log and index beside it take over its rights.
                private.make_file(path)
                for beside in ("-wal", "-shm"):
                    private.keep(path.with_name(f"{path.name}{beside}"))
                writer = await _connect(path, patience)
                connections.append(writer)
                await _check_ours(writer, path, migrations)
                await writer.execute("PRAGMA journal_mode = WAL")
                await writer.execute("PRAGMA synchronous = FULL")
                await migrate(writer, migrations)
                reader = await _connect(path, patience)
                connections.append(reader)
                await reader.execute("PRAGMA query_only = ON")
        except BaseException:
            for connection in connections:
                await connection.close()
            lock.release()
            raise
        return cls(path, lock, writer, reader)

    async def close(self) -> None:
        """Finish the transaction in progress, then let the file go.  The WAL is folded in."""
        async with self._turn:
            try:
                with translated(self.path):
                    await self._reader.close()
                    await self._writer.close()
            finally:
                self._lock.release()

    @asynccontextmanager
    async def transaction(self, name: str) -> AsyncIterator[aiosqlite.Connection]:
        """All or nothing, one at a time; committed to the disk when the block is left normally.

        `name` says what is written, for `storage.failpoints`.
        """
        async with self._turn:
            with translated(self.path):
                began = time.monotonic()
                try:
                    await self._writer.execute("BEGIN IMMEDIATE")
                    yield self._writer
                    instant(f"{name}.written")
                    await self._writer.commit()
                    instant(f"{name}.committed")
                except BaseException:
                    # A task can be cancelled while its BEGIN or COMMIT still waits in the
                    # connection's thread.  The rollback waits behind it, and undoes what is open.
                    await self._writer.rollback()
                    raise
                self.on_commit(time.monotonic() - began)

    async def scrub(self) -> None:
        """Write the file anew and empty its log, so that nothing stays of what was deleted.

        Takes about as long as reading the file; nobody writes meanwhile.
        """
        async with self._turn:
            with translated(self.path):
                await self._writer.execute("VACUUM")
                instant("scrub.written")
        await self.empty_log()

    async def empty_log(self) -> None:
        """Bring everything into the file, and leave nothing in the log beside it."""
        async with self._turn:
            with translated(self.path):
                for _ in range(SCRUB_TRIES):
                    if not await _first(self._writer, "PRAGMA wal_checkpoint(TRUNCATE)"):
                        return
                    await asyncio.sleep(SCRUB_SECONDS)  # somebody reads
        log.warning("the database's log could not be emptied: somebody reads all the time")

    async def rows(self, sql: str, values: Sequence[Value] | Mapping[str, Value] = ()) -> list[Row]:
        """Read what is committed."""
        with translated(self.path):
            return list(await self._reader.execute_fetchall(sql, values))

    async def row(self, sql: str, values: Sequence[Value] | Mapping[str, Value] = ()) -> Row | None:
        """The first row, or None."""
        found = await self.rows(sql, values)
        return found[0] if found else None

    async def damage(self) -> tuple[str, ...]:
        """What SQLite finds wrong in the whole file (seconds for a large one); empty: nothing."""
        try:
            found = [str(row[0]) for row in await self.rows("PRAGMA integrity_check")]
            loose = await self.rows("PRAGMA foreign_key_check")
        except DatabaseCorrupt as error:  # too damaged to be looked through
            return (error.reason,)
        lost = [f"{row[0]} {row[1]} refers to a missing {row[2]}" for row in loose]
        return (*(text for text in found if text != "ok"), *lost)


async def migrate(connection: aiosqlite.Connection, folder: Path = MIGRATIONS) -> None:
    """Apply, in order, every migration this database has not seen, each whole or not at all."""
    seen = await _number(connection, "user_version")
    for number, text in _scripts(folder):
        if number <= seen:
            continue
        # executescript() commits whatever is open before it starts, so the transaction has to be
        # part of the script.
        marks = f"PRAGMA application_id = {APPLICATION};\nPRAGMA user_version = {number};"
        try:
            await connection.executescript(f"BEGIN IMMEDIATE;\n{text}\n{marks}\nCOMMIT;")
        except BaseException:
            await connection.rollback()
            raise


def _scripts(folder: Path) -> list[tuple[int, str]]:
    """The migrations in order: 0001_first.sql brings the database to user_version 1."""
    files = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return [(int(file.name[:4]), file.read_text(encoding="utf-8")) for file in files]


# What acts by itself in a database: kind, name and text.
LIVE_THINGS = """
SELECT type, name, sql FROM sqlite_schema
WHERE type IN ('trigger', 'view') OR (type = 'table' AND sql LIKE 'CREATE VIRTUAL %')
"""


def our_live_things(version: int, migrations: Path = MIGRATIONS) -> frozenset[tuple[str, ...]]:
    """The triggers, views and virtual tables that our migrations up to `version` make."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for number, text in _scripts(migrations):
            if number <= version:
                db.executescript(text)
        return frozenset(db.execute(LIVE_THINGS).fetchall())


async def _connect(path: Path, patience: float) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, timeout=patience, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        await connection.execute("PRAGMA foreign_keys = ON")
        await connection.execute("PRAGMA trusted_schema = OFF")
        # What is deleted is overwritten, in the file and in the log.
        await connection.execute("PRAGMA secure_delete = ON")
        await connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    except BaseException:  # its thread would keep the process from ending
        await connection.close()
        raise
    return connection


async def _check_ours(connection: aiosqlite.Connection, path: Path, migrations: Path) -> None:
    """Look before anything is written."""
    found = await _number(connection, "user_version")
    known = max((number for number, _ in _scripts(migrations)), default=0)
    tables = await _first(connection, "SELECT count(*) FROM sqlite_schema")
    if tables and await _number(connection, "application_id") != APPLICATION:
        raise DatabaseCorrupt(path, "a database of another program")
    if found > known:
        raise DatabaseTooNew(path, found, known)
    # They would run within our own statements.
    live = {tuple(row) for row in await connection.execute_fetchall(LIVE_THINGS)}
    if live and live - our_live_things(found, migrations):
        raise DatabaseCorrupt(path, "it holds triggers or views that are none of ours")


async def _number(connection: aiosqlite.Connection, pragma: str) -> int:
    return await _first(connection, f"PRAGMA {pragma}")


async def _first(connection: aiosqlite.Connection, sql: str) -> int:
    for row in await connection.execute_fetchall(sql):
        return int(row[0])
    raise StorageError(f"no answer to {sql}")
