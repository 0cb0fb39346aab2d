"""Presets: drafts that are kept by a name, of a person, a channel, a server.

Invariant: of one owner there is one preset of a name, in whatever case it is written.
"""

from __future__ import annotations

from dataclasses import dataclass

from generation.job import UserId
from storage.database import Database, Row
from storage.people import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """Whose a preset is."""

    level: Level
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPreset:
    """A preset as it is stored."""

    owner: Owned
    name: str
    text: str  # what it holds, as JSON
    author: UserId
    saved: float  # Unix time


def folded(name: str) -> str:
    """The name in which case does not matter."""
    return name.casefold()


class Presets:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, owner: Owned) -> tuple[StoredPreset, ...]:
        """All of an owner's, by name."""
        rows = await self._database.rows(
            "SELECT * FROM presets WHERE level = ? AND id = ? ORDER BY folded",
            (owner.level, owner.id),
        )
        return tuple(map(_preset, rows))

    async def find(self, owner: Owned, name: str) -> StoredPreset | None:
        """An owner's preset of that name."""
        row = await self._database.row(
            "SELECT * FROM presets WHERE level = ? AND id = ? AND folded = ?",
            (owner.level, owner.id, folded(name)),
        )
        return _preset(row) if row is not None else None

    async def keep(self, preset: StoredPreset, *, most: int) -> bool:
        """Keep it, in place of an older one of the name; False where there are `most` already."""
        owner, name = preset.owner, folded(preset.name)
        async with self._database.transaction("preset") as db:
            [counted] = await db.execute_fetchall(
                "SELECT count(*) FROM presets WHERE level = ? AND id = ? AND folded <> ?",
                (owner.level, owner.id, name),
            )
            if counted[0] >= most:
                return False
            await db.execute(
                "INSERT OR REPLACE INTO presets (level, id, folded, name, text, author, saved) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(owner.level, owner.id, name, preset.name),
                    *(preset.text, preset.author, preset.saved),
                ),
            )
        return True

    async def delete(self, owner: Owned, name: str) -> bool:
        """Take it away, and from whoever draws with it.  Returns whether there was one."""
        key = (owner.level, owner.id, folded(name))
        async with self._database.transaction("preset") as db:
            gone = await db.execute(
                "DELETE FROM presets WHERE level = ? AND id = ? AND folded = ?", key
            )
            await db.execute(
                "DELETE FROM standing_presets WHERE level = ? AND id = ? AND folded = ?", key
            )
        return gone.rowcount > 0

    async def standing(self, person: UserId, channel: int) -> StoredPreset | None:
        """The preset that a person draws with in a channel."""
        row = await self._database.row(
            "SELECT p.* FROM presets p JOIN standing_presets s USING (level, id, folded) "
            "WHERE s.person = ? AND s.channel = ?",
            (person, channel),
        )
        return _preset(row) if row is not None else None

    async def stand(self, person: UserId, channel: int, preset: StoredPreset | None) -> None:
        """Draw with it there from now on; None: with none."""
        async with self._database.transaction("preset") as db:
            await db.execute(
                "DELETE FROM standing_presets WHERE person = ? AND channel = ?", (person, channel)
            )
            if preset is not None:
                owner = preset.owner
                await db.execute(
                    "INSERT INTO standing_presets VALUES (?, ?, ?, ?, ?)",
                    (person, channel, owner.level, owner.id, folded(preset.name)),
                )


def _preset(row: Row) -> StoredPreset:
    return StoredPreset(
        owner=Owned(level=Level(row["level"]), id=row["id"]),
        name=row["name"],
        text=row["text"],
        author=UserId(row["author"]),
        saved=row["saved"],
    )
