"""The outbox: what is done and has not been said, or is being said, or is held.

    (the last ticket ends)  -> open
    delivering                 open -> open, one attempt more
    posted                     open, with the message that shows it
    held                       open -> held, with the reason and when it is tried again
    sooner, release            held -> due
    delivered                  open | held -> closed
    (a progress message is noted)  closed -> open, so that it ends as well

An attempt is counted before it is made.  A message is noted before anything is done that follows
from it, so what was noted is never posted again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import aiosqlite

from generation.job import UserId
from storage.database import Database
from storage.errors import Missing
from storage.found import place_found
from storage.ids import RequestId
from storage.scores import BEST_FIRST

# How long a held result rests, by how often it was refused: no place is asked every few seconds.
PAUSES = (600.0, 3600.0, 6 * 3600.0, 86_400.0)
NOWHERE = 0  # no channel of Discord is called so
REFUSALS = 30  # after so many only an event or a question tries again, and no clock
SOONEST = 3600.0  # the longest that an event or a question waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What is known of the attempts to show a result."""

    message: int | None  # that shows it
    shown_in: int  # its channel
    direct: int | None  # the direct messages in which it was tried
    open: bool  # something is still to be done
    held: str | None  # why no place takes it
    tried: bool = False  # an attempt was begun, so some message may show it


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A result that no place takes."""

    request: RequestId
    owner: UserId
    channel: int
    words: str
    reason: str
    at: float  # Unix time
    again_at: float | None


class Outbox:
    """What people have not been told yet.  Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def undelivered(self) -> tuple[RequestId, ...]:
        """What is done and on its way to be said, the oldest request first."""
        rows = await self._database.rows(
            "SELECT request FROM outbox WHERE open = 1 AND held IS NULL ORDER BY request"
        )
        return tuple(RequestId(row["request"]) for row in rows)

    async def due(self, now: float) -> tuple[RequestId, ...]:
        """The same, and what was held until now."""
        rows = await self._database.rows(
            "SELECT request FROM outbox WHERE open = 1 AND (held IS NULL OR again_at <= ?) "
            "ORDER BY request",
            (now,),
        )
        return tuple(RequestId(row["request"]) for row in rows)

    async def next_due(self) -> float | None:
        """When the next held result is tried again."""
        row = await self._database.row(
            "SELECT min(again_at) AS at FROM outbox WHERE open = 1 AND held IS NOT NULL"
        )
        return None if row is None else row["at"]

    async def delivering(self, request: RequestId) -> bool:
        """Note, before posting, that it is tried; True if an earlier try may have succeeded."""
        async with self._database.transaction("delivering") as db:
            cursor = await db.execute(
                "UPDATE outbox SET attempts = attempts + 1 WHERE request = ? AND open = 1 "
                "RETURNING attempts",
                (request,),
            )
            row = await cursor.fetchone()
            await cursor.close()
        if row is None:
            raise Missing("undelivered request", request)
        return int(row["attempts"]) > 1

    async def sent(self, request: RequestId) -> Sent:
        """What is known of it.  Raises Missing."""
        row = await self._database.row(
            "SELECT o.message, coalesce(o.shown_in, r.channel) AS shown_in, o.direct, o.open, "
            "o.held, o.attempts FROM outbox o JOIN requests r ON r.id = o.request "
            "WHERE o.request = ?",
            (request,),
        )
        if row is None:
            raise Missing("finished request", request)
        return Sent(
            message=row["message"],
            shown_in=row["shown_in"],
            direct=row["direct"],
            open=bool(row["open"]),
            held=row["held"],
            tried=row["attempts"] > 0,
        )

    async def sending_directly(self, request: RequestId, channel: int) -> None:
        """Note, before it is tried, in which direct messages a result may be found later."""
        async with self._database.transaction("direct") as db:
            await db.execute("UPDATE outbox SET direct = ? WHERE request = ?", (channel, request))

    async def posted(
        self, request: RequestId, message: int, channel: int, *, returned: int | None = None
    ) -> None:
        """Note where the result is.  The ordinal of each picture becomes its place there.

        With `returned`, only of what was brought back so often: what was shared or brought back
        while it was said is to be said once more, and the message is an answer about it.
        """
        async with self._database.transaction("posted") as db:
            cursor = await db.execute(
                "UPDATE outbox SET message = ?, shown_in = ?, held = NULL "
                "WHERE request = ? AND returned = coalesce(?, returned)",
                (message, channel, request, returned),
            )
            if cursor.rowcount < 1:
                await db.execute("INSERT OR IGNORE INTO answers VALUES (?, ?)", (message, request))
                return
            await place_found(db, request)
            rows = await db.execute_fetchall(_POSTED, (request,))
            await db.executemany(
                "UPDATE pictures SET message = ?, ordinal = ? WHERE id = ?",
                [(message, place, row["id"]) for place, row in enumerate(rows)],
            )

    async def taken_away(self, messages: Sequence[int]) -> None:
        """Messages were deleted in Discord: what they showed is shown nowhere any more."""
        rows = await self._database.rows(_SHOWN_BY, (json.dumps(list(messages)),))
        if not rows:
            return  # as nearly always: people delete what they said
        async with self._database.transaction("taken_away") as db:
            await db.executemany(
                "UPDATE outbox SET shown_in = ? WHERE request = ?",
                [(NOWHERE, row["request"]) for row in rows],
            )
            for row in rows:
                await place_found(db, RequestId(row["request"]))

    async def hold(
        self, request: RequestId, reason: str, *, at: float, returned: int | None = None
    ) -> None:
        """No place takes it: remember why, and when it is tried again.

        With `returned`, only what was brought back so often: a place may take it as it is now.
        """
        async with self._database.transaction("hold") as db:
            rows = await db.execute_fetchall(
                "SELECT refusals FROM outbox WHERE request = ?", (request,)
            )
            refused = max((int(row["refusals"]) for row in rows), default=0)
            again = at + PAUSES[min(refused, len(PAUSES) - 1)] if refused < REFUSALS else None
            await db.execute(
                "UPDATE outbox SET held = ?, held_at = ?, again_at = ?, refusals = refusals + 1 "
                "WHERE request = ? AND open = 1 AND returned = coalesce(?, returned)",
                (reason, at, again, request, returned),
            )

    async def held(self) -> int:
        """How many results no place takes."""
        row = await self._database.row(
            "SELECT count(*) AS number FROM outbox WHERE open = 1 AND held IS NOT NULL"
        )
        return 0 if row is None else int(row["number"])

    async def held_of(
        self, *, guild: int | None = None, owner: int | None = None
    ) -> tuple[Held, ...]:
        """What is held of a server or of a person, the oldest first."""
        rows = await self._database.rows(
            "SELECT o.request, o.held, o.held_at, o.again_at, r.owner, r.channel, r.words "
            "FROM outbox o JOIN requests r ON r.id = o.request "
            "WHERE o.open = 1 AND o.held IS NOT NULL AND (r.guild = ? OR r.owner = ?) "
            "ORDER BY o.request",
            (guild, owner),
        )
        return tuple(
            Held(
                request=RequestId(row["request"]),
                owner=UserId(row["owner"]),
                channel=row["channel"],
                words=row["words"],
                reason=row["held"],
                at=row["held_at"],
                again_at=row["again_at"],
            )
            for row in rows
        )

    async def sooner(self, requests: Sequence[RequestId], *, now: float) -> None:
        """Something may have changed for these: they are due, the more often refused the later."""
        async with self._database.transaction("sooner") as db:
            for request in requests:
                await db.execute(
                    "UPDATE outbox SET again_at = min(coalesce(again_at, 9e15), "
                    "max(?, held_at + min(?, 1 << min(max(refusals, 1) - 1, 20)))) "
                    "WHERE request = ? AND open = 1 AND held IS NOT NULL",
                    (now, SOONEST, request),
                )

    async def release(self, *, now: float) -> None:
        """At a start: everything that is held is due."""
        async with self._database.transaction("release") as db:
            await db.execute(
                "UPDATE outbox SET again_at = ? WHERE open = 1 AND held IS NOT NULL", (now,)
            )

    async def delivered(
        self, request: RequestId, message: int | None, *, returned: int | None = None
    ) -> None:
        """Close the entry; `message` is where the pictures are now, None: as noted, or nowhere.

        The ordinal of each picture becomes its place in that message.  With `returned`, only what
        was brought back so often is closed: meanwhile it may have been brought back once more.
        """
        async with self._database.transaction("delivered") as db:
            await db.execute(
                "UPDATE outbox SET open = 0, message = coalesce(?, message) "
                "WHERE request = ? AND returned = coalesce(?, returned)",
                (message, request, returned),
            )
            if message is None:
                return
            rows = await db.execute_fetchall(_POSTED, (request,))
            await db.executemany(
                "UPDATE pictures SET message = ?, ordinal = ? WHERE id = ?",
                [(message, place, row["id"]) for place, row in enumerate(rows)],
            )


async def bring_back(db: aiosqlite.Connection, request: RequestId) -> None:
    """Let a result be posted anew, as if it never was, within the caller's transaction."""
    await db.execute(
        "UPDATE pictures SET message = NULL "
        "WHERE ticket IN (SELECT id FROM tickets WHERE request = ?)",
        (request,),
    )
    await db.execute(
        "UPDATE outbox SET open = 1, attempts = 0, message = NULL, shown_in = NULL, "
        "direct = NULL, held = NULL, again_at = NULL, refusals = 0, "
        "returned = returned + 1 WHERE request = ?",
        (request,),
    )
    await place_found(db, request)


_SHOWN_BY = """
SELECT DISTINCT t.request FROM json_each(?) JOIN pictures p ON p.message = value
JOIN tickets t ON t.id = p.ticket
"""

_POSTED = f"""
SELECT p.id FROM tickets t JOIN pictures p ON p.ticket = t.id
WHERE t.request = ? AND p.deleted = 0 AND p.withheld = 0 ORDER BY {BEST_FIRST}
"""
