"""Searches: what somebody looked for, kept so that the buttons below its pages work for ever.

Equal searches of a person are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from generation.job import UserId
from storage.database import Database
from storage.errors import Missing

SearchId = NewType("SearchId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSearch:
    """A search as it is kept."""

    owner: UserId
    person: UserId | None  # whose pictures it asks for
    text: str  # a JSON object


class Searches:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, search: KeptSearch) -> SearchId:
        """The number of it, the same for an equal one."""
        same = await self._database.row(
            "SELECT id FROM searches WHERE owner = ? AND text = ?", (search.owner, search.text)
        )
        if same is not None:
            return SearchId(same["id"])
        async with self._database.transaction("search") as db:
            rows = await db.execute_fetchall(
                "INSERT INTO searches (owner, person, text) VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET person = excluded.person RETURNING id",
                (search.owner, search.person, search.text),
            )
        [row] = rows
        return SearchId(row["id"])

    async def find(self, number: SearchId) -> KeptSearch:
        """Raises Missing."""
        row = await self._database.row(
            "SELECT owner, person, text FROM searches WHERE id = ?", (number,)
        )
        if row is None:
            raise Missing("search", number)
        person = UserId(row["person"]) if row["person"] is not None else None
        return KeptSearch(owner=UserId(row["owner"]), person=person, text=row["text"])
