"""Defaults: what a person likes where they say nothing, checked before it is kept.

Where they meet what others say (the parent, the server, the model) is `bot.studio.layers`.
"""

from __future__ import annotations

from bot.studio.drafting import Drafting
from generation.job import UserId
from storage.people import People, Preferences


class Defaults:
    """Everybody's own settings."""

    def __init__(self, people: People, drafting: Drafting) -> None:
        self._people, self._drafting = people, drafting

    async def of(self, person: int) -> Preferences:
        """Those of a person; empty for whoever never said anything."""
        return await self._people.preferences(UserId(person))

    async def keep(
        self, person: int, wanted: Preferences, *, size: str | None = None
    ) -> Preferences:
        """Check and keep them, with a size if one is named.  Raises Unacceptable."""
        kept = await self.of(person)
        checked = self._drafting.checked(wanted, kept=kept, size=size)
        await self._people.prefer(UserId(person), checked)
        return checked
