"""Favourites: who has starred which picture, and since when."""

from __future__ import annotations

import json
from collections.abc import Iterable

from generation.job import UserId
from storage.database import Database
from storage.ids import PictureId


class Favourites:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def toggle(self, person: UserId, picture: PictureId, *, at: float) -> bool:
        """Star a picture, or take the person's star off it.  Returns whether it has one now."""
        async with self._database.transaction("favourite") as db:
            taken = await db.execute(
                "DELETE FROM favourites WHERE person = ? AND picture = ?", (person, picture)
            )
            if taken.rowcount > 0:
                return False
            await db.execute("INSERT INTO favourites VALUES (?, ?, ?)", (person, picture, at))
            return True

    async def stars(self, pictures: Iterable[PictureId]) -> dict[PictureId, int]:
        """How many people have starred each of them; those that nobody has are left out."""
        rows = await self._database.rows(
            "SELECT picture, count(*) AS stars FROM favourites "
            "WHERE picture IN (SELECT value FROM json_each(?)) GROUP BY picture",
            (json.dumps(list(pictures)),),
        )
        return {PictureId(row["picture"]): int(row["stars"]) for row in rows}
