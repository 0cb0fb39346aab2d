"""The best of a week: which pictures people have starred most, and which weeks are over.

begin    a post is tried for that time; after a crash it may be there, or not
done     nothing more is to be done for it
"""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Database
from storage.ids import PictureId

CANDIDATES = 400  # of which those are taken that everybody may see


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekSeen:
    """How far a server is."""

    begun_at: float | None
    done_at: float


class WeeklyPosts:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seen(self, guild: int) -> WeekSeen | None:
        """None: nothing was ever looked at for it."""
        row = await self._database.row(
            "SELECT begun_at, done_at FROM weekly_posts WHERE guild = ?", (guild,)
        )
        return None if row is None else WeekSeen(**dict(row))

    async def begin(self, guild: int, at: float) -> None:
        """Note, before it is tried, for which time something is posted."""
        async with self._database.transaction("weekly begun") as db:
            await db.execute("UPDATE weekly_posts SET begun_at = ? WHERE guild = ?", (at, guild))

    async def done(self, guild: int, at: float) -> None:
        """That time is over."""
        async with self._database.transaction("weekly done") as db:
            await db.execute(
                "INSERT INTO weekly_posts (guild, done_at) VALUES (?1, ?2) "
                "ON CONFLICT DO UPDATE SET done_at = ?2, begun_at = NULL",
                (guild, at),
            )

    async def starred(
        self, guild: int, *, since: float, until: float
    ) -> tuple[tuple[PictureId, int], ...]:
        """A server's pictures of that time with their stars, the most starred first."""
        rows = await self._database.rows(_STARRED, (since, until, guild, CANDIDATES))
        return tuple((PictureId(row["id"]), row["stars"]) for row in rows)


# Of two with as many stars the one that had to earn them in less time.
_STARRED = """
SELECT p.id, count(*) AS stars
FROM pictures p
JOIN favourites s ON s.picture = p.id
JOIN tickets t ON t.id = p.ticket
JOIN requests r ON r.id = t.request
WHERE p.drawn_at >= ? AND p.drawn_at < ? AND p.deleted = 0 AND r.guild = ?
GROUP BY p.id ORDER BY stars DESC, p.id DESC LIMIT ?
"""
