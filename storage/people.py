"""What each person, channel and server likes: what closes the gaps of drafts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum

from generation.job import UserId
from generation.parameters import NEGATIVE
from generation.spelling import at_most, plain, read
from storage.database import Database

__all__ = ["AssistMode", "Level", "People", "Preferences", "SeedMode"]


class Level(StrEnum):
    """Whose something is; the nearer one counts more."""

    PERSON = "person"
    CHANNEL = "channel"
    SERVER = "server"


class SeedMode(StrEnum):
    """Where the next seed comes from when none is given: ComfyUI's `control_after_generate`."""

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
    """What is liked.  None: whatever is usual.

    Kept as JSON, which every later release reads: a new field is `| None`.
    """

    model: str | None = None
    negative_prompt: str | None = field(default=None, metadata=at_most(NEGATIVE.longest))
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    cfg: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    denoise: float | None = None
    count: int | None = None
    seed_mode: SeedMode | None = None
    assist: AssistMode | None = None
    style: str | None = None
    vae: str | None = None


class People:
    """Everybody's preferences, and those of places.  Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def preferences(self, whose: int, level: Level = Level.PERSON) -> Preferences:
        """Those of a stranger are empty."""
        row = await self._database.row(
            "SELECT text FROM settings WHERE level = ? AND id = ?", (level, whose)
        )
        if row is None:
            return Preferences()
        return read(Preferences, json.loads(row["text"]), kept=True)

    async def prefer(
        self, whose: int, preferences: Preferences, level: Level = Level.PERSON
    ) -> None:
        """Replace all of somebody's preferences."""
        if preferences == Preferences():
            await self.forget(whose, level)
            return
        text = json.dumps(plain(preferences), ensure_ascii=False)
        async with self._database.transaction("preferences") as db:
            await db.execute(
                "INSERT OR REPLACE INTO settings (level, id, text) VALUES (?, ?, ?)",
                (level, whose, text),
            )

    async def forget(self, whose: int, level: Level = Level.PERSON) -> None:
        """As if they had never said what they like."""
        async with self._database.transaction("preferences") as db:
            await db.execute("DELETE FROM settings WHERE level = ? AND id = ?", (level, whose))

    async def last_seed(self, person: UserId, channel: int) -> int | None:
        """The seed from which a person's next one is counted in a channel."""
        row = await self._database.row(
            "SELECT seed FROM last_seeds WHERE person = ? AND channel = ?", (person, channel)
        )
        return int(row["seed"]) if row is not None else None

    async def note_seed(self, person: UserId, channel: int, seed: int) -> None:
        """Remember from which seed the next one is counted there."""
        async with self._database.transaction("seed") as db:
            await db.execute(
                "INSERT OR REPLACE INTO last_seeds VALUES (?, ?, ?)", (person, channel, seed)
            )
