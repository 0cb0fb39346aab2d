"""Erasing everything of a person, in steps that a crash may interrupt and that are done again.

    begin      a row says who, and what is to be looked for afterwards
    erase      one transaction takes away what `storage.personal` says is theirs
    scrub      the database is written anew, its log emptied
    finish     the row goes, and with it the last number of theirs

Invariant: until `finish`, `pending` names them, so that nothing stays half done; done again, each
step changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass

import aiosqlite

from generation.job import UserId
from generation.recipe import Sha256
from storage.database import Database, Row
from storage.personal import ERASE, FILES, OTHERS_TEXTS, REGISTER, WRITTEN
from storage.pictures import unneeded_files
from storage.servers import ServerRule

__all__ = ["UNNAMED", "Erasures", "PendingErasure", "fingerprint"]

UNNAMED = "sha256:"  # begins the subject of a block whose person is erased


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingErasure:
    """One that was begun and is not over."""

    person: UserId
    traces: tuple[str, ...]
    files: tuple[Sha256, ...]


class Erasures:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def written_by(self, person: UserId) -> tuple[str, ...]:
        """Every text that a person wrote, or that was found for it, once."""
        rows = await self._database.rows(WRITTEN, {"person": person})
        return tuple(sorted({row["text"] for row in rows if row["text"]}))

    async def rows_of(self, person: UserId) -> dict[str, list[Row]]:
        """Everything that is theirs, table by table."""
        found = {}
        for name, table in REGISTER.items():
            if table.theirs is not None:
                found[name] = await self._database.rows(
                    f"SELECT * FROM {name} WHERE {table.theirs}", {"person": person}
                )
        return found

    async def open_requests(self, person: UserId) -> tuple[int, ...]:
        """Those that have not ended."""
        rows = await self._database.rows(_OPEN, {"person": person})
        return tuple(row["request"] for row in rows)

    async def used_by_others(self, person: UserId) -> int:
        """How many pictures of others were made of theirs, or drawn again from them."""
        row = await self._database.row(_USED, {"person": person})
        return 0 if row is None else int(row["number"])

    async def begin(self, person: UserId, traces: Collection[str], *, at: float) -> None:
        """Note who it is, and what is to be looked for afterwards."""
        async with self._database.transaction("erasing") as db:
            await db.execute(
                "INSERT OR IGNORE INTO erasures VALUES (?, ?, ?, '[]')",
                (person, at, json.dumps(list(traces), ensure_ascii=False)),
            )

    async def pending(self) -> tuple[PendingErasure, ...]:
        """Those that are not over, the first begun first."""
        rows = await self._database.rows("SELECT * FROM erasures ORDER BY since")
        return tuple(
            PendingErasure(
                person=UserId(row["person"]),
                traces=tuple(json.loads(row["traces"])),
                files=tuple(map(Sha256, json.loads(row["files"]))),
            )
            for row in rows
        )

    async def erase(self, person: UserId) -> None:
        """Take everything of theirs out of the database, and note their files."""
        async with self._database.transaction("erased") as db:
            named = {"person": person}
            rows = await db.execute_fetchall(FILES, named)
            before = await db.execute_fetchall(
                "SELECT files FROM erasures WHERE person = :person", named
            )
            known = {digest for row in before for digest in json.loads(row["files"])}
            files = sorted(known | {row["sha256"] for row in rows})
            await db.execute(
                "UPDATE erasures SET files = ? WHERE person = ?", (json.dumps(files), person)
            )
            await _unname_blocks(db, person)
            await _drop_revisions(db, person)
            for statement in ERASE:
                # Statements that name nobody take no value.
                await db.execute(statement, named if ":person" in statement else {})

    async def needed(self, files: Collection[Sha256]) -> frozenset[Sha256]:
        """Those of these files that others' pictures or recipes need."""
        async with self._database.transaction("needed") as db:
            return frozenset(files) - set(await unneeded_files(db, files))

    async def shown_by_others(self, files: Collection[Sha256]) -> frozenset[Sha256]:
        """Those of these files that are others' pictures, to the byte."""
        rows = await self._database.rows(_SHOWN, (json.dumps(list(files)),))
        return frozenset(Sha256(row["value"]) for row in rows)

    async def texts_of_others(self) -> str:
        """All that anybody else wrote, one text a line."""
        rows = await self._database.rows(OTHERS_TEXTS)
        return "\n".join(row["text"] for row in rows if row["text"])

    async def scrub(self) -> None:
        """Leave nothing of what was deleted in the database's files."""
        await self._database.scrub()

    async def finish(self, person: UserId) -> None:
        """Forget that there ever was an erasure of them."""
        async with self._database.transaction("erasure_over") as db:
            await db.execute("PRAGMA secure_delete = ON")  # its pages are overwritten
            await db.execute("DELETE FROM erasures WHERE person = ?", (person,))
        await self._database.empty_log()


async def _drop_revisions(db: aiosqlite.Connection, person: UserId) -> None:
    """Others' replies to their pictures, and to what came of these, quote their words."""
    await db.execute(_QUOTING, {"person": person})


async def _unname_blocks(db: aiosqlite.Connection, person: UserId) -> None:
    """A block outlives whoever is blocked: as a fingerprint, by which they are known again."""
    rows = await db.execute_fetchall(
        "SELECT guild FROM server_rules WHERE rule = ? AND subject = ?",
        (ServerRule.BLOCKED, str(person)),
    )
    await db.executemany(
        "INSERT OR REPLACE INTO server_rules VALUES (?, ?, ?, 'true')",
        [(row["guild"], ServerRule.BLOCKED, fingerprint(row["guild"], person)) for row in rows],
    )


def fingerprint(guild: int, person: int) -> str:
    """What stands for a person of a server who is not to be named any more."""
    return f"{UNNAMED}{hashlib.sha256(f'{guild} {person}'.encode()).hexdigest()}"


_OPEN = """
SELECT DISTINCT t.request FROM tickets t JOIN requests r ON r.id = t.request
WHERE t.state IN ('waiting', 'running') AND r.owner = :person
"""

_USED = """
SELECT count(*) AS number FROM requests r WHERE r.owner != :person AND (
    r.parent IN (SELECT id FROM pictures WHERE owner = :person)
    OR r.reproduces IN (SELECT id FROM pictures WHERE owner = :person)
)
"""

_SHOWN = """
SELECT value FROM json_each(?)
WHERE EXISTS (SELECT 1 FROM pictures WHERE png_sha256 = value)
"""

# All that came of their pictures, over any number of hands.
_QUOTING = """
WITH RECURSIVE came (request) AS (
    SELECT r.id FROM requests r JOIN pictures p ON p.id = r.parent WHERE p.owner = :person
    UNION
    SELECT r.id FROM came JOIN tickets t ON t.request = came.request
    JOIN pictures p ON p.ticket = t.id JOIN requests r ON r.parent = p.id
)
UPDATE requests SET revision = NULL WHERE revision IS NOT NULL AND id IN (SELECT request FROM came)
"""
