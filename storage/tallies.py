"""Tallies: how many pictures were drawn, day by day, by which model and in which style.

Invariant: of others' pictures those of one server are counted, and none that was asked for in
private.
"""

from __future__ import annotations

from dataclasses import dataclass

from generation.job import UserId
from storage.database import Database

SECONDS = 86_400  # of a day
DAYS_AT_ONCE = 7


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
        self, *, since: float, days: int, person: UserId, guild: int | None
    ) -> tuple[Tally, ...]:
        """A person's pictures of days from then on, or with a `guild` everybody's of that server.

        Some days at a time, so that whoever else reads waits for no more than these.
        """
        found: list[Tally] = []
        for first in range(0, days + 1, DAYS_AT_ONCE):
            begin, end = (since + day * SECONDS for day in (first, first + DAYS_AT_ONCE))
            rows = await self._database.rows(_COUNT, (since, person, guild, SECONDS, begin, end))
            found += [Tally(**dict(row)) for row in rows]
        return tuple(found)


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
WHERE p.drawn_at >= ?5 AND p.drawn_at < ?6 AND p.deleted = 0 AND CASE
    WHEN ?3 IS NULL THEN r.owner = ?2
    ELSE r.guild = ?3 AND (r.private = 0 OR r.owner = ?2)
END
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
