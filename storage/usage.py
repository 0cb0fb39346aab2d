"""What somebody has had of a server since an instant, as the requests themselves say it.

Nothing is kept beside them: what waits is counted as it was predicted, what was drawn as it was,
and what failed or was cancelled not at all.  Invariant: so no crash, restart or refund can make an
account of it differ from what became of the requests.
"""

from __future__ import annotations

from dataclasses import dataclass

from generation.job import UserId
from storage.database import Database

__all__ = ["Usage", "Used"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Pictures, and seconds of a device."""

    pictures: int = 0
    seconds: float = 0.0


class Usage:
    """Adds it up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def since(self, owner: UserId, guild: int, instant: float) -> Used:
        """What a person asked for in a server since then, and had, or is going to have."""
        row = await self._database.row(_SINCE, (owner, instant, guild))
        if row is None:
            return Used()
        return Used(pictures=int(row["pictures"]), seconds=float(row["seconds"]))

    async def open_requests(self, owner: UserId, guild: int) -> int:
        """How many of a person's requests in a server have not ended."""
        row = await self._database.row(_OPEN, (owner, guild))
        return 0 if row is None else int(row["number"])


_SINCE = """
SELECT count(*) AS pictures, total(coalesce(p.seconds, t.cost)) AS seconds
FROM requests r INDEXED BY requests_of_owner_since
JOIN tickets t ON t.request = r.id LEFT JOIN pictures p ON p.ticket = t.id
WHERE r.owner = ? AND r.created >= ? AND r.guild = ? AND t.state IN ('waiting', 'running', 'drawn')
"""

_OPEN = """
SELECT count(DISTINCT r.id) AS number FROM tickets t JOIN requests r ON r.id = t.request
WHERE t.state IN ('waiting', 'running') AND r.owner = ? AND r.guild = ?
"""
