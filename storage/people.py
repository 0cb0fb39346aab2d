"""What each person likes: the defaults that close the gaps of their drafts."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from enum import StrEnum

from generation.job import UserId
from storage.database import Database

__all__ = ["AssistMode", "People", "Preferences", "SeedMode"]


class SeedMode(StrEnum):
    """Where the next seed comes from when none is given."""

    RANDOMIZE = "randomize"
    INCREMENT = "increment"
    DECREMENT = "decrement"
    FIXED = "fixed"


class AssistMode(StrEnum):
    """When a language model finds more words for a wish."""

    ON = "on"
    OFF = "off"
    AUTO = "auto"  # for short wishes, and for languages that the image model does not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """One person's defaults.  None: whatever is usual."""

    model: str | None = None
    negative_prompt: str | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    cfg: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    denoise: float | None = None
    count: int | None = None
    seed_mode: SeedMode = SeedMode.RANDOMIZE
    last_seed: int | None = None
    assist: AssistMode | None = None
    style: str | None = None
    vae: str | None = None


_COLUMNS = ", ".join(field.name for field in fields(Preferences))
_PLACES = ", ".join("?" for _ in fields(Preferences))


class People:
    """Everybody's preferences."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def preferences(self, user: UserId) -> Preferences:
        """Those of a stranger are empty."""
        row = await self._database.row(
            f"SELECT {_COLUMNS} FROM preferences WHERE user = ?", (user,)
        )
        if row is None:
            return Preferences()
        modes = {
            "seed_mode": SeedMode(row["seed_mode"]),
            "assist": AssistMode(row["assist"]) if row["assist"] else None,
        }
        return Preferences(**{**dict(row), **modes})

    async def prefer(self, user: UserId, preferences: Preferences) -> None:
        """Replace all of a person's preferences."""
        async with self._database.transaction("preferences") as db:
            await db.execute(
                f"INSERT OR REPLACE INTO preferences (user, {_COLUMNS}) VALUES (?, {_PLACES})",
                (user, *astuple(preferences)),
            )

    async def forget(self, user: UserId) -> None:
        """As if they had never said what they like."""
        async with self._database.transaction("preferences") as db:
            await db.execute("DELETE FROM preferences WHERE user = ?", (user,))
