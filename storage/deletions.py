"""What was deleted a moment ago and can be brought back.

    delete    shown -> deleted, with the person who may bring it back and until when
    restore   deleted -> to be posted again, while its time is not over
    let_go    its time is over: no word finds it, and the files that nothing else needs may go

The pictures are marked as deleted at once, so nobody meets them meanwhile; only their bytes stay.
"""

from __future__ import annotations

from generation.recipe import Sha256
from storage.database import Database
from storage.errors import Missing
from storage.found import forget_found
from storage.ids import RequestId
from storage.outbox import bring_back
from storage.pictures import unneeded_files
from storage.servers import ModeratorAct, write_act

UNTIL = "SELECT until FROM deletions WHERE request = ?"


class Deletions:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def delete(self, request: RequestId, *, by: int, until: float, at: float) -> float | None:
        """Mark its pictures as deleted.  Returns until when they can be brought back.

        Done again, it changes nothing; None: they were deleted before, and are gone.
        """
        async with self._database.transaction("delete") as db:
            cursor = await db.execute(
                f"UPDATE pictures SET deleted = 1 WHERE deleted = 0 AND {_OF}", (request,)
            )
            if cursor.rowcount > 0:
                await db.execute(
                    "INSERT OR REPLACE INTO deletions VALUES (?, ?, ?)", (request, by, until)
                )
                await write_act(db, ModeratorAct.DELETED, request, by=by, at=at)
            for row in await db.execute_fetchall(UNTIL, (request,)):
                return float(row["until"])
        return None

    async def restore(self, request: RequestId, *, by: int, now: float) -> None:
        """Bring it back, for whoever deleted it: it enters the outbox again.  Raises Missing."""
        async with self._database.transaction("restore") as db:
            cursor = await db.execute(
                "DELETE FROM deletions WHERE request = ? AND by = ? AND until > ?",
                (request, by, now),
            )
            if cursor.rowcount < 1:
                raise Missing("deletion", request)
            await write_act(db, ModeratorAct.RESTORED, request, by=by, at=now)
            await db.execute(f"UPDATE pictures SET deleted = 0 WHERE {_OF}", (request,))
            await bring_back(db, request)

    async def next_over(self) -> float | None:
        """When the time of the next one is over."""
        row = await self._database.row("SELECT min(until) AS until FROM deletions")
        return None if row is None else row["until"]

    async def let_go(self, *, now: float) -> tuple[Sha256, ...]:
        """Forget those whose time is over, and return the files that nobody needs any more."""
        async with self._database.transaction("let_go") as db:
            rows = await db.execute_fetchall(
                "SELECT p.id, p.png_sha256 FROM deletions d JOIN tickets t "
                "ON t.request = d.request JOIN pictures p ON p.ticket = t.id WHERE d.until <= ?",
                (now,),
            )
            await forget_found(db, [row["id"] for row in rows])
            await db.execute("DELETE FROM deletions WHERE until <= ?", (now,))
            return await unneeded_files(db, {Sha256(row["png_sha256"]) for row in rows})

    async def returned(self, request: RequestId) -> int:
        """How often its result was brought back."""
        row = await self._database.row("SELECT returned FROM outbox WHERE request = ?", (request,))
        return 0 if row is None else int(row["returned"])


_OF = "ticket IN (SELECT id FROM tickets WHERE request = ?)"
