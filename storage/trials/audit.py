"""The reckoning: what the database says became of every request, to be held against what people
saw.  For `make soak` and tests; the bot calls nothing here.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from storage.database import Database
from storage.ids import RequestId
from storage.tickets import Tickets


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """One request and its end."""

    request: RequestId
    open: int  # tickets that have not ended
    drawn: int  # tickets with a picture
    cancelled: int
    other: int  # failed or quarantined
    told: bool  # it has left the outbox
    message: int | None  # the result's, None: nowhere

    @property
    def wholly_cancelled(self) -> bool:
        """Then there is no result to be shown."""
        return not (self.open or self.drawn or self.other)


async def reckon(database: Database, *, after: RequestId) -> tuple[Reckoned, ...]:
    """Every request younger than that one, in order."""
    rows = await database.rows(_RECKON, (after,))
    return tuple(
        Reckoned(
            request=RequestId(row["request"]),
            open=row["open"],
            drawn=row["drawn"],
            cancelled=row["cancelled"],
            other=row["other"],
            told=bool(row["told"]),
            message=row["message"],
        )
        for row in rows
    )


async def newest(database: Database) -> RequestId:
    """The youngest request, or 0."""
    row = await database.row("SELECT coalesce(max(id), 0) AS id FROM requests")
    return RequestId(row["id"] if row is not None else 0)


async def files_of(database: Database, *, after: RequestId) -> tuple[str, ...]:
    """The digests of the files that the younger requests' pictures must have."""
    rows = await database.rows(_FILES, (after,))
    return tuple(row["png_sha256"] for row in rows)


async def read_through(tickets: Tickets) -> None:
    """Fill both connections' page caches, as weeks of use would."""
    database = tickets._database
    for table in ("pictures", "tickets", "requests"):
        sql = f"SELECT count(*) FROM {table} NOT INDEXED WHERE length(id) > 0"
        await database.rows(sql)
        async with database.transaction("read") as db:
            await db.execute_fetchall(sql)


def hold_locked(path: Path, seconds: float) -> None:
    """Keep everybody else from writing for a while.  Blocks."""
    connection = sqlite3.connect(path, timeout=30.0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")
    finally:
        connection.close()


_RECKON = """
SELECT r.id AS request,
       sum(t.state IN ('waiting', 'running')) AS open,
       sum(t.state = 'drawn') AS drawn,
       sum(t.state = 'cancelled') AS cancelled,
       sum(t.state IN ('failed', 'quarantined')) AS other,
       o.request IS NOT NULL AND o.open = 0 AS told,
       o.message AS message
FROM requests r JOIN tickets t ON t.request = r.id LEFT JOIN outbox o ON o.request = r.id
WHERE r.id > ? GROUP BY r.id ORDER BY r.id
"""

_FILES = """
SELECT DISTINCT p.png_sha256 FROM pictures p JOIN tickets t ON t.id = p.ticket
WHERE t.request > ? AND p.deleted = 0
"""
