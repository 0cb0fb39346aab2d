"""Locales: in which language each person reads, as Discord names it."""

from __future__ import annotations

from dataclasses import dataclass

from generation.job import UserId
from storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLocale:
    """What is known of a person; None where they never said."""

    heard: str | None = None  # their Discord's, when they last asked for something
    chosen: str | None = None  # what they want instead


class Locales:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, person: UserId) -> PersonLocale:
        """A person's; of strangers nothing is known."""
        row = await self._database.row(
            "SELECT heard, chosen FROM locales WHERE user = ?", (person,)
        )
        return PersonLocale(**dict(row)) if row is not None else PersonLocale()

    async def keep(self, person: UserId, locale: PersonLocale) -> None:
        """Replace what is known of a person."""
        async with self._database.transaction("locale") as db:
            await db.execute(
                "INSERT OR REPLACE INTO locales (user, heard, chosen) VALUES (?, ?, ?)",
                (person, locale.heard, locale.chosen),
            )
