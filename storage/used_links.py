"""Used links: which of those that work once have done so; a restart makes none of them new.

spend       the first to come uses it up; whoever comes later is told so
give_back   what it was spent for was refused, and can be tried again
"""

from __future__ import annotations

from storage.database import Database

KEPT = 86_400.0  # seconds beyond a link's end, for a clock that is set back


class UsedLinks:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def spend(self, serial: str, *, until: float, now: float) -> bool:
        """Use a link up.  False where it was used before."""
        async with self._database.transaction("used_link") as db:
            await db.execute("DELETE FROM used_links WHERE until < ?", (now - KEPT,))
            cursor = await db.execute(
                "INSERT INTO used_links VALUES (?, ?) ON CONFLICT DO NOTHING", (serial, until)
            )
            return cursor.rowcount > 0

    async def give_back(self, serial: str) -> None:
        """As if it had not been used."""
        async with self._database.transaction("used_link") as db:
            await db.execute("DELETE FROM used_links WHERE serial = ?", (serial,))

    async def is_used(self, serial: str) -> bool:
        """Whether somebody has used it up."""
        found = await self._database.row("SELECT 1 FROM used_links WHERE serial = ?", (serial,))
        return found is not None
