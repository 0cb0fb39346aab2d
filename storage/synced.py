"""The commands that Discord was told of, so that it is told again only when something changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from storage.database import Database, Row

EVERYWHERE = 0  # stands for all servers, where commands are global


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What Discord was told, and what came of it."""

    digest: str  # of the commands as they were sent
    versions: Mapping[int, int]  # of each command, by its id: another one after any change


class SyncedCommands:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, application: int) -> dict[int, Synced]:
        """What was told for which server, `EVERYWHERE` for all."""
        rows = await self._database.rows(
            "SELECT guild, digest, versions FROM synced_commands WHERE application = ?",
            (application,),
        )
        return {
            int(row["guild"]): Synced(digest=row["digest"], versions=_versions(row)) for row in rows
        }

    async def told(self, application: int, guild: int, synced: Synced) -> None:
        """Keep what Discord was told."""
        async with self._database.transaction("synced commands") as db:
            await db.execute(
                "INSERT OR REPLACE INTO synced_commands VALUES (?, ?, ?, ?)",
                (application, guild, synced.digest, json.dumps(dict(synced.versions))),
            )

    async def taken_back(self, application: int, guild: int) -> None:
        """There are no commands of ours any more."""
        async with self._database.transaction("synced commands") as db:
            await db.execute(
                "DELETE FROM synced_commands WHERE application = ? AND guild = ?",
                (application, guild),
            )


def _versions(row: Row) -> dict[int, int]:
    return {int(name): int(version) for name, version in json.loads(row["versions"]).items()}
