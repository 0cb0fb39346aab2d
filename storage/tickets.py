"""Jobs in waiting, and the outbox of what people have not been told yet.

A person's wish is a request; each picture of it is a ticket, whose id is the job's.

    add        -> waiting
    started       waiting | running -> running, one try more
    put_back      running -> waiting
    drawn         waiting | running -> drawn, with its picture
    ended         waiting | running -> failed | cancelled | quarantined
    cancel        waiting -> cancelled, for all of a request

What has ended stays as it ended.  In the transaction that ends the last open ticket of a request,
the request enters the outbox; it leaves it when it was delivered.  So after a crash at any instant
every request is either still to be drawn or still to be delivered, or done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

import aiosqlite

from generation.job import Job, JobId, UserId
from generation.picture import Picture
from generation.recipe import Recipe, Sha256, parse
from storage.database import Database, Row
from storage.errors import Ended, Missing
from storage.ids import PictureId, RequestId
from storage.pictures import insert_picture, insert_recipes
from storage.words import Wording, insert_wording

__all__ = ["Asked", "Request", "RequestId", "State", "Ticket", "Tickets"]


class State(StrEnum):
    """Where a ticket is in its life; drawn above."""

    WAITING = "waiting"
    RUNNING = "running"
    DRAWN = "drawn"
    FAILED = "failed"
    CANCELLED = "cancelled"
    QUARANTINED = "quarantined"

    @property
    def open(self) -> bool:
        """Whether something is still to be done."""
        return self in (State.WAITING, State.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asked for, before it is stored."""

    owner: UserId
    guild: int | None
    channel: int
    reply_to: int | None  # the message to answer
    locale: str
    words: str  # what the person typed
    parent: PictureId | None  # the picture it is made of
    reproduces: PictureId | None  # the picture it is to be equal to
    expects: Sha256 | None  # the pixels it is to have, when only a file of it is known
    created: float  # Unix time


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Asked):
    """What a person asked for, as it is stored."""

    id: RequestId
    progress_message: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One picture of a request, and what became of it."""

    job: Job
    request: RequestId
    ordinal: int  # within the request, from 0
    state: State
    tries: int  # how often it was started
    reason: str | None  # why there is no picture: an error's class and text
    picture: PictureId | None


class Tickets:
    """Everything that was asked for and is not done, and the record of what is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        asked: Asked,
        recipes: Sequence[Recipe],
        costs: Sequence[float],
        wording: Wording | None = None,
    ) -> tuple[Request, tuple[Ticket, ...]]:
        """Store a request and a ticket per recipe.  When this returns, they are on the disk."""
        if not recipes:
            raise ValueError("a request without a recipe would never be delivered")
        async with self._database.transaction() as db:
            request = await _insert_request(db, asked)
            jobs = await _insert_tickets(db, request, recipes, costs)
            if wording is not None:
                await insert_wording(db, request.id, wording)
        return request, tuple(
            Ticket(
                job=job,
                request=request.id,
                ordinal=ordinal,
                state=State.WAITING,
                tries=0,
                reason=None,
                picture=None,
            )
            for ordinal, job in enumerate(jobs)
        )

    async def waiting(self) -> tuple[tuple[Request, Ticket], ...]:
        """All that is open, in the order in which it was asked for: to be replayed at start."""
        tickets = await self._tickets(f"t.{_OPEN} ORDER BY t.id")
        open_requests = f"id IN (SELECT request FROM tickets WHERE {_OPEN})"
        requests = {request.id: request for request in await self._requests(open_requests)}
        return tuple((requests[t.request], t) for t in tickets if t.request in requests)

    async def started(self, job: JobId) -> int:
        """Note that a job is being tried; returns how often that happened, this one included.

        Raises Ended when it was cancelled meanwhile.
        """
        async with self._database.transaction() as db:
            await _open_ticket(db, job)
            await db.execute(
                "UPDATE tickets SET state = 'running', tries = tries + 1 WHERE id = ?", (job,)
            )
            return int((await _ticket_row(db, job))["tries"])

    async def put_back(self, job: JobId) -> None:
        """A started job waits again; without effect on any other."""
        async with self._database.transaction() as db:
            await db.execute(
                "UPDATE tickets SET state = 'waiting' WHERE id = ? AND state = 'running'", (job,)
            )

    async def drawn(
        self, job: JobId, picture: Picture, *, png_sha256: Sha256, drawn_at: float
    ) -> PictureId:
        """Store a finished picture, whose file is kept already.

        A second report of the same job changes nothing and returns the first one's id.  Raises
        Ended when the job ended without a picture.
        """
        async with self._database.transaction() as db:
            for row in await db.execute_fetchall(
                "SELECT id FROM pictures WHERE ticket = ?", (job,)
            ):
                return PictureId(row["id"])
            await _open_ticket(db, job)
            stored = await insert_picture(
                db, job, picture, png_sha256=png_sha256, drawn_at=drawn_at
            )
            await _end(db, job, State.DRAWN, None)
        return stored

    async def ended(self, job: JobId, state: State, reason: str | None = None) -> None:
        """Close a ticket without a picture: failed, cancelled or quarantined.

        A second report changes nothing: the first word stands.
        """
        if state.open or state is State.DRAWN:
            raise ValueError(f"{state} is no way to end without a picture")
        async with self._database.transaction() as db:
            if State((await _ticket_row(db, job))["state"]).open:
                await _end(db, job, state, reason)

    async def cancel(self, request: RequestId) -> tuple[tuple[JobId, ...], tuple[JobId, ...]]:
        """Cancel what waits of a request.

        Returns the jobs that waited (they are cancelled), and those that run (they are to be
        ended by whoever runs them).
        """
        async with self._database.transaction() as db:
            rows = await db.execute_fetchall(
                f"SELECT id, state FROM tickets WHERE request = ? AND {_OPEN} ORDER BY id",
                (request,),
            )
            waiting = tuple(JobId(row["id"]) for row in rows if row["state"] == State.WAITING)
            running = tuple(JobId(row["id"]) for row in rows if row["state"] == State.RUNNING)
            for job in waiting:
                await _end(db, job, State.CANCELLED, None)
        return waiting, running

    async def request(self, request: RequestId) -> Request:
        """Raises Missing."""
        for found in await self._requests("id = ?", request):
            return found
        raise Missing("request", request)

    async def of_request(self, request: RequestId) -> tuple[Ticket, ...]:
        """Its tickets, in the order of its recipes."""
        return await self._tickets("t.request = ? ORDER BY t.ordinal", request)

    async def open_of(self, owner: UserId) -> tuple[Request, ...]:
        """One person's requests with something still to be done, the first first."""
        return await self._requests(
            f"owner = ? AND id IN (SELECT request FROM tickets WHERE {_OPEN}) ORDER BY id", owner
        )

    async def say_progress_is(self, request: RequestId, message: int) -> None:
        """Remember the message that shows how far the request has come."""
        async with self._database.transaction() as db:
            await db.execute(
                "UPDATE requests SET progress_message = ? WHERE id = ?", (message, request)
            )

    async def undelivered(self) -> tuple[Request, ...]:
        """The outbox: what is done and has not been said, the oldest request first."""
        return await self._requests("id IN (SELECT request FROM outbox WHERE open = 1) ORDER BY id")

    async def delivering(self, request: RequestId) -> bool:
        """Note, before posting, that it is tried; True if an earlier try may have succeeded."""
        async with self._database.transaction() as db:
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

    async def delivered(self, request: RequestId, message: int | None) -> None:
        """Close the outbox's entry; `message` is where the pictures are now, None: nowhere.

        The ordinal of each picture becomes its place in that message.
        """
        async with self._database.transaction() as db:
            await db.execute(
                "UPDATE outbox SET open = 0, message = ? WHERE request = ?", (message, request)
            )
            if message is None:
                return
            rows = await db.execute_fetchall(_POSTED, (request,))
            await db.executemany(
                "UPDATE pictures SET message = ?, ordinal = ? WHERE id = ?",
                [(message, place, row["id"]) for place, row in enumerate(rows)],
            )

    async def _tickets(self, condition: str, *values: int) -> tuple[Ticket, ...]:
        rows = await self._database.rows(f"{_SELECT} WHERE {condition}", values)
        return tuple(_ticket(row) for row in rows)

    async def _requests(self, condition: str, *values: int) -> tuple[Request, ...]:
        rows = await self._database.rows(f"SELECT * FROM requests WHERE {condition}", values)
        return tuple(Request(**dict(row)) for row in rows)


_OPEN = "state IN ('waiting', 'running')"  # as in the index tickets_open

_SELECT = """
SELECT t.*, r.owner, recipes.text AS recipe_text, p.id AS picture
FROM tickets t
JOIN requests r ON r.id = t.request
JOIN recipes ON recipes.id = t.recipe
LEFT JOIN pictures p ON p.ticket = t.id
"""

_POSTED = """
SELECT p.id FROM tickets t JOIN pictures p ON p.ticket = t.id
WHERE t.request = ? AND p.deleted = 0 ORDER BY t.ordinal
"""


async def _insert_request(db: aiosqlite.Connection, asked: Asked) -> Request:
    # SQLite refuses half a surrogate pair, which a client can send.
    asked = replace(asked, words=asked.words.encode("utf-8", "replace").decode())
    facts = asdict(asked)
    cursor = await db.execute(
        f"INSERT INTO requests ({', '.join(facts)}) VALUES ({', '.join('?' for _ in facts)})",
        tuple(facts.values()),
    )
    return Request(**facts, id=RequestId(cursor.lastrowid or 0), progress_message=None)


async def _insert_tickets(
    db: aiosqlite.Connection, request: Request, recipes: Sequence[Recipe], costs: Sequence[float]
) -> list[Job]:
    await insert_recipes(db, recipes)
    await db.executemany(
        "INSERT INTO tickets (request, ordinal, recipe, cost) VALUES (?, ?, ?, ?)",
        [
            (request.id, ordinal, recipe.id, cost)
            for ordinal, (recipe, cost) in enumerate(zip(recipes, costs, strict=True))
        ],
    )
    rows = await db.execute_fetchall(
        "SELECT id FROM tickets WHERE request = ? ORDER BY ordinal", (request.id,)
    )
    return [
        Job(id=JobId(row["id"]), owner=request.owner, recipe=recipe, cost=cost)
        for row, recipe, cost in zip(rows, recipes, costs, strict=True)
    ]


async def _ticket_row(db: aiosqlite.Connection, job: JobId) -> Row:
    for row in await db.execute_fetchall("SELECT * FROM tickets WHERE id = ?", (job,)):
        return row
    raise Missing("ticket", job)


async def _open_ticket(db: aiosqlite.Connection, job: JobId) -> None:
    state = State((await _ticket_row(db, job))["state"])
    if not state.open:
        raise Ended(job, state)


async def _end(db: aiosqlite.Connection, job: JobId, state: State, reason: str | None) -> None:
    await db.execute("UPDATE tickets SET state = ?, reason = ? WHERE id = ?", (state, reason, job))
    # The outbox rule, in one place.
    await db.execute(
        f"""
        INSERT INTO outbox (request)
        SELECT request FROM tickets t WHERE t.id = ?
        AND NOT EXISTS (SELECT 1 FROM tickets o WHERE o.request = t.request AND o.{_OPEN})
        """,
        (job,),
    )


def _ticket(row: Row) -> Ticket:
    return Ticket(
        job=Job(
            id=JobId(row["id"]),
            owner=UserId(row["owner"]),
            recipe=parse(row["recipe_text"]),
            cost=row["cost"],
        ),
        request=RequestId(row["request"]),
        ordinal=row["ordinal"],
        state=State(row["state"]),
        tries=row["tries"],
        reason=row["reason"],
        picture=row["picture"],
    )
