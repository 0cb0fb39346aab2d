"""Tallies: how many pictures were drawn, day by day, by which model and in which style.

Invariant: of others' pictures those of one server are counted, and none that was asked for in
private.
"""

from __future__ import annotations

from dataclasses import dataclass

from generation.job import UserId
from storage.database import Database

SECONDS = 86_400  # of a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The pictures of one day, by one model and in one style."""

    day: int  # from 0, since the beginning
    model: str
    style: str  # a name of the library; "": none that is known
    pictures: int


class Tallies:
    """Counts what was drawn."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pictures(
        self, *, since: float, person: UserId, guild: int | None
    ) -> tuple[Tally, ...]:
        """A person's pictures since then, or with a `guild` everybody's of that server."""
        rows = await self._database.rows(_COUNT, (since, person, guild, SECONDS))
        return tuple(Tally(**dict(row)) for row in rows)


_COUNT = """
SELECT CAST((p.drawn_at - ?1) / ?4 AS INTEGER) AS day,
    coalesce(
        json_extract(c.text, '$.checkpoint.name'),
        json_extract(c.text, '$.enlarging.upscaler.name'),
        ''
    ) AS model,
    coalesce(w.style, '') AS style,
    count(*) AS pictures
FROM pictures p
JOIN tickets t ON t.id = p.ticket
JOIN requests r ON r.id = t.request
JOIN recipes c ON c.id = p.recipe
LEFT JOIN wordings w ON w.request = r.id
WHERE p.drawn_at >= ?1 AND p.deleted = 0 AND CASE
    WHEN ?3 IS NULL THEN r.owner = ?2
    ELSE r.guild = ?3 AND (r.private = 0 OR r.owner = ?2)
END
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
