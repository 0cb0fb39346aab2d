"""A copy of the database, as one file: made while the bot writes, examined before it is trusted.

Everything here blocks and opens connections of its own, for programs beside the bot.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from generation.errors import OutOfRange
from generation.picture import environment_in
from generation.recipe import Recipe, Sha256, parse
from storage.database import APPLICATION, LIVE_THINGS, MIGRATIONS, our_live_things
from storage.errors import DatabaseCorrupt, DatabaseTooNew, Missing, translated
from storage.files import is_digest

PATIENCE = 30.0  # seconds

# A restored bot gives no number again that was given after the backup: the buttons of those
# messages would mean other people's pictures.
GAP = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What a database says it holds."""

    version: int  # the last migration it has seen
    requests: int
    pictures: int
    waiting: int  # jobs to be drawn
    unsent: int  # results to be posted
    files: frozenset[Sha256]  # of pictures that are kept, and of recipes' inputs


def copy(source: Path, target: Path) -> None:
    """Write what is committed in the source into a new file, on the disk when this returns.

    Nobody waits for it, and it needs no log beside it.  Raises Missing or a StorageError.
    """
    if not source.exists():
        raise Missing("database", source)
    with _opened(source) as live, _opened(target) as new:
        live.backup(new)
        new.execute("PRAGMA journal_mode = DELETE")


def examine(path: Path) -> Holdings:
    """Look through the whole file.  Raises DatabaseCorrupt or DatabaseTooNew."""
    known = max(int(file.name[:4]) for file in MIGRATIONS.glob("[0-9]*.sql"))
    with _opened(path) as db:
        if _number(db, "PRAGMA application_id") != APPLICATION:
            raise DatabaseCorrupt(path, "a database of another program")
        version = _number(db, "PRAGMA user_version")
        if version > known:
            raise DatabaseTooNew(path, version, known)
        for (found,) in db.execute("PRAGMA integrity_check(1)"):
            if found != "ok":
                raise DatabaseCorrupt(path, found)
        if set(db.execute(LIVE_THINGS)) - our_live_things(version):
            raise DatabaseCorrupt(path, "it holds triggers or views that are none of ours")
        for table, row, parent, _ in db.execute("PRAGMA foreign_key_check"):
            raise DatabaseCorrupt(path, f"{table} {row} refers to a missing {parent}")
        return Holdings(
            version=version,
            requests=_number(db, "SELECT count(*) FROM requests"),
            pictures=_number(db, "SELECT count(*) FROM pictures"),
            waiting=_number(db, f"SELECT count(*) FROM tickets WHERE {_OPEN}"),
            unsent=_number(db, "SELECT count(*) FROM outbox WHERE open = 1"),
            files=_files(db, path),
        )


def check_readable(path: Path) -> None:
    """Read every recipe and every environment, as drawing and showing will.

    Raises DatabaseCorrupt: one that cannot be read would keep the bot from starting.
    """
    with _opened(path) as db:
        for kind, read in (("recipe", _recipe), ("environment", environment_in)):
            for name, text in db.execute(f"SELECT id, text FROM {kind}s"):
                try:
                    read(text)
                except (OutOfRange, KeyError, TypeError, ValueError, RecursionError) as error:
                    raise DatabaseCorrupt(path, f"the {kind} {name!r:.40} is not one") from error


def _recipe(text: str) -> Recipe:
    return parse(text, kept=True)


def make_restorable(path: Path) -> None:
    """Prepare a copy for a second life, which knows nothing of what was said after the copy.

    Numbers go on behind a gap, and whatever is not known to be posted is looked for before it is.
    """
    with _opened(path) as db:
        db.execute("BEGIN IMMEDIATE")
        for table in ("requests", "tickets", "pictures"):
            last = _number(db, f"SELECT coalesce(max(id), 0) FROM {table}")
            db.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            db.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, last + GAP))
        db.execute("UPDATE outbox SET attempts = attempts + 1 WHERE open = 1")
        db.execute(
            "INSERT INTO outbox (request, attempts, open) "
            f"SELECT DISTINCT request, 1, 0 FROM tickets WHERE {_OPEN} ON CONFLICT DO NOTHING"
        )
        db.execute("COMMIT")


def fold_log(path: Path) -> None:
    """Bring a database's log into its file, so that the file alone is all of it."""
    with _opened(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


_OPEN = "state IN ('waiting', 'running')"

_FILES = """
SELECT png_sha256 FROM pictures WHERE deleted = 0 AND kept = 1
UNION SELECT sha256 FROM recipe_inputs
"""


def _files(db: sqlite3.Connection, path: Path) -> frozenset[Sha256]:
    columns = {row[1] for row in db.execute("PRAGMA table_info(pictures)")}
    sql = _FILES if "kept" in columns else _FILES.replace("AND kept = 1", "")
    digests = frozenset(Sha256(str(digest)) for (digest,) in db.execute(sql))
    for digest in digests:
        if not is_digest(digest):
            raise DatabaseCorrupt(
                path, f"a file in it is called {digest!r:.60}, which is no sha256"
            )
    return digests


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with (
        translated(path),
        closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA trusted_schema = OFF")
        yield connection


def _number(db: sqlite3.Connection, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0])
