"""Finding pictures: by words, model, style, person, place and time, the newest first.

A picture enters the index in the transaction that stores it, is moved in the one that notes where
it is shown, and leaves it in the one that lets its file go; what is deleted is not found meanwhile.
Pages are cut by picture ids, not counted.

Invariant: nothing is found outside of `Reach`, whatever is asked for; and after `scrub` no term of
what left the index is in the file.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass

import aiosqlite

from generation.job import UserId
from storage import terms
from storage.database import Database, Row, Value
from storage.ids import LARGEST, PictureId, RequestId

FILLED_AT_ONCE = 200  # pictures of earlier releases in a transaction
MERGED_AT_ONCE = 500  # pages of the index in a transaction
_TOP = LARGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is looked for.  None and "": whatever it is."""

    words: str = ""
    model: str = ""
    style: str = ""
    person: UserId | None = None
    since: float | None = None  # Unix time, inclusive
    until: float | None = None  # exclusive
    starred_by: UserId | None = None
    medium: str = ""  # a key of generation.media.table


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Which pictures may be found: a person's own, those shown in channels, and never some."""

    own: UserId | None
    channels: frozenset[int] = frozenset()
    never: frozenset[int] = frozenset()  # channels, whoever drew what is shown there


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPage:
    """A page: ids, the newest first, and whether there are others on either side."""

    pictures: tuple[PictureId, ...]
    older: bool
    newer: bool


class SearchIndex:
    """The index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        sought: Sought,
        within: Reach,
        *,
        limit: int,
        before: PictureId | None = None,
        after: PictureId | None = None,
    ) -> FoundPage:
        """The newest that there are, or the newest before one, or the next after one."""
        match = _match(sought, within)
        if match is None:
            return FoundPage(pictures=(), older=False, newer=False)
        low, high = await self._bounds(sought)
        if after is not None:
            rows = await self._rows(sought, match, (max(low, after), high), limit + 1, "ASC")
            ids, more = rows[:limit][::-1], len(rows) > limit
            older = await self._any(sought, match, (low, ids[-1] if ids else after + 1))
            return FoundPage(pictures=tuple(ids), older=older, newer=more)
        rows = await self._rows(sought, match, (low, min(high, before or _TOP)), limit + 1, "DESC")
        newer = before is not None and await self._any(sought, match, (max(low, before - 1), high))
        return FoundPage(pictures=tuple(rows[:limit]), older=len(rows) > limit, newer=newer)

    async def _any(self, sought: Sought, match: str, between: tuple[int, int]) -> bool:
        return bool(await self._rows(sought, match, between, 1, "ASC"))

    async def _rows(
        self, sought: Sought, match: str, between: tuple[int, int], limit: int, order: str
    ) -> list[PictureId]:
        """Ids between two, neither of them included."""
        conditions = ""
        if sought.starred_by is not None:
            conditions = _STARRED.format(person=sought.starred_by)
        if sought.medium:
            conditions += _MEDIUM.format(medium=sought.medium.replace("'", "''"))
        for condition, value in ((">=", sought.since), ("<", sought.until)):
            if value is not None:
                conditions += f" AND p.drawn_at {condition} {float(value)!r}"
        rows = await self._database.rows(
            _FOUND.format(conditions=conditions, order=order), [match, *between, limit]
        )
        return [PictureId(row["id"]) for row in rows]

    async def _bounds(self, sought: Sought) -> tuple[int, int]:
        """Two ids between which all lie that were drawn at that time."""
        low, high = 0, _TOP
        if sought.since is not None:
            row = await self._database.row(
                "SELECT min(id) AS id FROM pictures WHERE drawn_at >= ?", (sought.since,)
            )
            low = (row["id"] if row and row["id"] is not None else _TOP) - 1
        if sought.until is not None:
            row = await self._database.row(
                "SELECT max(id) AS id FROM pictures WHERE drawn_at < ?", (sought.until,)
            )
            high = (row["id"] if row and row["id"] is not None else -1) + 1
        return low, high

    async def places(self, *, guild: int | None = None, owner: UserId | None = None) -> list[Row]:
        """(guild, channel) of all in which a server's, or a person's, pictures were asked for."""
        if owner is not None:
            return await self._database.rows(_PLACES_OF_OWNER, (owner,))
        return await self._database.rows(_PLACES_OF_GUILD, (guild,))

    async def starred_places(self, person: UserId) -> list[Row]:
        """(guild, channel) of all in which there are pictures that a person has starred."""
        return await self._database.rows(_PLACES_STARRED, (person,))

    # -- keeping the index -------------------------------------------------------------------

    async def fill(self) -> bool:
        """Read some pictures of earlier releases into the index; whether there may be more."""
        async with self._database.transaction("found") as db:
            rows = list(await db.execute_fetchall(_TO_FILL, (FILLED_AT_ONCE,)))
            await _insert(db, rows)
            down_to = rows[-1]["id"] if len(rows) == FILLED_AT_ONCE else 0
            await db.execute("UPDATE found_down_to SET picture = ?", (down_to,))
        return down_to > 0

    async def filled(self) -> bool:
        """Whether pictures of earlier releases are all in the index."""
        row = await self._database.row("SELECT picture FROM found_down_to")
        return row is None or row["picture"] == 0

    async def scrub(self) -> None:
        """Write the index anew, a piece at a time, so that nothing stays of what left it."""
        merged = -MERGED_AT_ONCE  # the first piece gathers everything that there is
        while True:
            async with self._database.transaction("scrub") as db:
                before = db.total_changes
                await db.execute("INSERT INTO found (found, rank) VALUES ('merge', ?)", (merged,))
                if db.total_changes - before < 2:
                    return
            merged = MERGED_AT_ONCE
            await asyncio.sleep(0)


async def insert_found(db: aiosqlite.Connection, picture: PictureId) -> None:
    """Put a picture into the index, within the caller's transaction."""
    await _insert(db, list(await db.execute_fetchall(f"{_TEXTS} WHERE p.id = ?", (picture,))))


async def place_found(db: aiosqlite.Connection, request: RequestId) -> None:
    """Where its pictures are shown is noted anew, within the caller's transaction."""
    rows = await db.execute_fetchall(_MOVED, (request,))
    await db.executemany(
        "UPDATE found SET channel = ? WHERE rowid = ?",
        [(str(row["channel"]), row["id"]) for row in rows],
    )


async def forget_found(db: aiosqlite.Connection, pictures: Sequence[int]) -> int:
    """Take pictures out of the index, within the caller's transaction; returns how many were in.

    `SearchIndex.scrub` afterwards takes their terms out of the file, too.
    """
    cursor = await db.execute(
        "DELETE FROM found WHERE rowid IN (SELECT value FROM json_each(?))",
        (json.dumps(list(pictures)),),
    )
    return cursor.rowcount


async def _insert(db: aiosqlite.Connection, rows: Sequence[Row]) -> None:
    await db.executemany(
        "INSERT INTO found (rowid, words, model, style, owner, channel) VALUES (?, ?, ?, ?, ?, ?)",
        [_row(row) for row in rows],
    )


def _row(row: Row) -> tuple[Value, ...]:
    said = (row["words"], row["wish"], row["prompt"], row["shows"])
    words = " ".join(terms.indexed(text) for text in dict.fromkeys(filter(None, said)))
    model, style = (terms.indexed(row[name] or "") for name in ("model", "style"))
    return row["id"], words, model, style, str(row["owner"]), str(row["channel"])


def _match(sought: Sought, within: Reach) -> str | None:
    """The question in the grammar of FTS5; None: nothing can be found."""
    rights = []
    if within.own is not None:
        rights.append(f'owner : "{within.own:d}"')
    if within.channels:
        rights.append(_channels(within.channels))
    words = terms.asked(sought.words)
    parts = [f"({' OR '.join(rights)})"] if rights else []
    for column, said in (("model", sought.model), ("style", sought.style)):
        if said:
            parts.append(_column(column, [terms.phrase(said)]))
    if sought.person is not None:
        parts.append(f'owner : "{sought.person:d}"')
    if words.wanted:
        parts.append(_column("words", words.wanted))
    if not rights or "" in parts or (sought.words.strip() and words == terms.NO_TERMS):
        return None
    question = f"({' AND '.join(parts)})"
    if words.unwanted:
        question += f" NOT ({_column('words', words.unwanted, ' OR ')})"
    if within.never:
        question = f"({question}) NOT ({_channels(within.never)})"
    return question


def _channels(channels: frozenset[int]) -> str:
    return _column("channel", [f'"{channel:d}"' for channel in sorted(channels)], " OR ")


def _column(name: str, phrases: Sequence[str | None], between: str = " AND ") -> str:
    said = [phrase for phrase in phrases if phrase is not None]
    return f"{name} : ({between.join(said)})" if said else ""


# Where others may see it, as `bot.studio.rights` says of a picture; empty: nowhere.
_CHANNEL = """CASE
    WHEN r.guild IS NOT NULL AND r.private = 0 AND p.withheld = 0
        AND coalesce(o.shown_in, r.channel) = r.channel
    THEN CAST(r.channel AS TEXT) ELSE ''
END"""

_TEXTS = f"""
SELECT p.id, r.words, w.wish, w.style, json_extract(c.text, '$.prompt') AS prompt,
       json_extract(c.text, '$.shows') AS shows,
       json_extract(c.text, '$.checkpoint.name') AS model, p.owner, {_CHANNEL} AS channel
FROM pictures p
JOIN tickets t ON t.id = p.ticket
JOIN requests r ON r.id = t.request
JOIN recipes c ON c.id = p.recipe
LEFT JOIN outbox o ON o.request = t.request
LEFT JOIN wordings w ON w.request = t.request
"""

_MOVED = f"""
SELECT p.id, {_CHANNEL} AS channel
FROM tickets t
JOIN requests r ON r.id = t.request
LEFT JOIN outbox o ON o.request = t.request
JOIN pictures p ON p.ticket = t.id
JOIN found f ON f.rowid = p.id
WHERE t.request = ? AND f.channel <> {_CHANNEL}
"""

# What is deleted can be brought back for a minute.
_TO_FILL = f"""
{_TEXTS}
WHERE p.id < (SELECT picture FROM found_down_to)
AND (p.deleted = 0 OR EXISTS (SELECT 1 FROM deletions d WHERE d.request = t.request))
ORDER BY p.id DESC LIMIT ?
"""

_FOUND = """
SELECT f.rowid AS id FROM found f CROSS JOIN pictures p ON p.id = f.rowid
WHERE f.found MATCH ? AND f.rowid > ? AND f.rowid < ? AND p.deleted = 0{conditions}
ORDER BY f.rowid {order} LIMIT ?
"""

_STARRED = " AND EXISTS (SELECT 1 FROM favourites WHERE person = {person:d} AND picture = p.id)"

_MEDIUM = " AND p.medium = '{medium}'"

_PLACES_OF_OWNER = "SELECT DISTINCT guild, channel FROM requests WHERE owner = ?"

# From one channel to the next by the index, however many requests each has.
_PLACES_OF_GUILD = """
WITH RECURSIVE next (guild, channel) AS (
    SELECT guild, min(channel) FROM requests WHERE guild = ?1
    UNION ALL
    SELECT guild, (SELECT min(channel) FROM requests r
                   WHERE r.guild = next.guild AND r.channel > next.channel)
    FROM next WHERE channel IS NOT NULL
)
SELECT guild, channel FROM next WHERE channel IS NOT NULL
"""

_PLACES_STARRED = """
SELECT DISTINCT r.guild, r.channel FROM favourites s
JOIN pictures p ON p.id = s.picture JOIN tickets t ON t.id = p.ticket
JOIN requests r ON r.id = t.request WHERE s.person = ?
"""
