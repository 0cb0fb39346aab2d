"""Jobs in waiting, and the outbox of what people have not been told yet.

A person's wish is a request; each picture of it is a ticket, whose id is the job's.

    add        -> waiting
    started       waiting | running -> running, one try more, under a new lease
    put_back      running -> waiting
    drawn         running -> drawn, with its picture
    ended         waiting | running -> failed | cancelled | quarantined
    cancel        waiting -> cancelled, for all of a request
    replay        running -> waiting, at the start of the bot

What has ended stays as it ended.  Whoever draws a job holds a lease with an epoch; a report under
an epoch that is over is Fenced and changes nothing, however late a lost machine comes back.

In the transaction that ends the last open ticket of a request, the request enters the outbox; it
leaves it when it was delivered (`storage/outbox.py`).  So after a crash at any instant every
request is either still to be drawn or still to be delivered, or done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import aiosqlite

from generation.job import Job, JobId, UserId
from generation.picture import Picture
from generation.reasons import Reason
from generation.recipe import Recipe, Sha256, parse
from storage import reasons
from storage.database import Row
from storage.errors import AskedBefore, Ended, Fenced, Missing
from storage.ids import PictureId, RequestId
from storage.outbox import Held, Outbox, Sent, bring_back
from storage.pictures import insert_picture, insert_recipes
from storage.requests import Asked, Request, insert_request, request_of, share_of
from storage.servers import ModeratorAct, write_act
from storage.words import Wording, insert_wording

__all__ = [
    "Asked",
    "Held",
    "Lease",
    "Request",
    "RequestId",
    "Sent",
    "State",
    "Ticket",
    "Tickets",
]


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
class Lease:
    """A seat's right to draw a job and to report of it, until somebody else gets a later one."""

    job: JobId
    epoch: int
    tries: int  # how often it was started, less those that were nobody's fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One picture of a request, and what became of it."""

    job: Job
    request: RequestId
    ordinal: int  # within the request, from 0
    state: State
    tries: int  # how often it was started
    reason: Reason | None  # why there is no picture
    picture: PictureId | None


class Tickets(Outbox):
    """Everything that was asked for and is not done or not said, and the record of what is."""

    async def add(
        self,
        asked: Asked,
        recipes: Sequence[Recipe],
        costs: Sequence[float],
        wording: Wording | None = None,
    ) -> tuple[Request, tuple[Ticket, ...]]:
        """Store a request and a ticket per recipe.  When this returns, they are on the disk.

        Raises AskedBefore when the same message or interaction has asked already.
        """
        if not recipes:
            raise ValueError("a request without a recipe would never be delivered")
        async with self._database.transaction("add") as db:
            if (before := await _asked_by(db, asked.origin.source)) is not None:
                raise AskedBefore(asked.origin.source, before)
            request = await insert_request(db, asked)
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

    async def replay(self) -> tuple[tuple[Request, tuple[Ticket, ...]], ...]:
        """At the start of the bot: every open request with all its tickets, the oldest first.

        What was being drawn waits again, and its try does not count: the bot died, not the worker.
        """
        async with self._database.transaction("replay") as db:
            await db.execute(
                "UPDATE tickets SET state = 'waiting', epoch = epoch + 1, tries = tries - 1 "
                f"WHERE state = 'running' AND {_OPEN}"  # only so is the index used
            )
        requests = await self._requests(f"id IN ({_OPEN_REQUESTS}) ORDER BY id")
        of: dict[RequestId, list[Ticket]] = {request.id: [] for request in requests}
        for ticket in await self._tickets(
            f"t.request IN ({_OPEN_REQUESTS}) ORDER BY t.request, t.ordinal"
        ):
            of[ticket.request].append(ticket)
        return tuple((request, tuple(of[request.id])) for request in requests)

    async def waiting(self) -> tuple[Ticket, ...]:
        """Every ticket that is open, in the order in which they were asked for."""
        return await self._tickets(f"t.{_OPEN} ORDER BY t.id")

    async def state(self, job: JobId) -> State:
        """Where a ticket is.  Raises Missing."""
        row = await self._database.row("SELECT state FROM tickets WHERE id = ?", (job,))
        if row is None:
            raise Missing("ticket", job)
        return State(row["state"])

    async def started(self, job: JobId, seat: str, *, at: float) -> Lease:
        """Note that a seat tries a job now.  Any earlier lease of the job is over.

        Raises Ended when it was cancelled meanwhile.
        """
        async with self._database.transaction("started") as db:
            await _open_ticket(db, job)
            await db.execute(_START, (seat, at, job))
            row = await _ticket_row(db, job)
        return Lease(job=job, epoch=row["epoch"], tries=row["tries"])

    async def put_back(self, job: JobId, epoch: int, *, blamed: bool = True) -> None:
        """A started job waits again, and its lease is over; without effect on one that ended.

        Not `blamed`: the try does not count, because something else took the worker down.
        Raises Fenced.
        """
        async with self._database.transaction("put_back") as db:
            await _check_epoch(db, job, epoch)
            await db.execute(
                "UPDATE tickets SET state = 'waiting', epoch = epoch + 1, tries = tries - ? "
                "WHERE id = ? AND state = 'running'",
                (0 if blamed else 1, job),
            )

    async def drawn(
        self, job: JobId, epoch: int, picture: Picture, *, png_sha256: Sha256, drawn_at: float
    ) -> PictureId:
        """Store a finished picture, whose file is kept already.

        A second report of the same job changes nothing and returns the first one's id.  Raises
        Fenced, or Ended when the job ended without a picture.
        """
        async with self._database.transaction("drawn") as db:
            await _check_epoch(db, job, epoch)
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

    async def ended(
        self, job: JobId, state: State, reason: Reason | None = None, *, epoch: int | None
    ) -> None:
        """Store that there will be no picture.

        A second report changes nothing: the first word stands.  Epoch None: nobody has a lease, as
        of a job that could not be started.  Raises Fenced.
        """
        if state.open or state is State.DRAWN:
            raise ValueError(f"{state} is no way to end without a picture")
        async with self._database.transaction("ended") as db:
            if epoch is not None:
                await _check_epoch(db, job, epoch)
            if State((await _ticket_row(db, job))["state"]).open:
                await _end(db, job, state, reason)

    async def cancel(
        self, request: RequestId, *, by: int | None = None, at: float = 0.0
    ) -> tuple[tuple[JobId, ...], tuple[JobId, ...]]:
        """Cancel what waits of a request; `by` whom and when, where it may be somebody else's.

        Returns the jobs that waited (they are cancelled), and those that run (they are to be
        ended by whoever runs them).
        """
        async with self._database.transaction("cancel") as db:
            rows = await db.execute_fetchall(
                f"SELECT id, state FROM tickets WHERE request = ? AND {_OPEN} ORDER BY id",
                (request,),
            )
            waiting = tuple(JobId(row["id"]) for row in rows if row["state"] == State.WAITING)
            running = tuple(JobId(row["id"]) for row in rows if row["state"] == State.RUNNING)
            for job in waiting:
                await _end(db, job, State.CANCELLED, None)
            if by is not None and rows:
                await write_act(db, ModeratorAct.CANCELLED, request, by=by, at=at)
        return waiting, running

    async def request(self, request: RequestId) -> Request:
        """Raises Missing."""
        for found in await self._requests("id = ?", request):
            return found
        raise Missing("request", request)

    async def of_request(self, request: RequestId) -> tuple[Ticket, ...]:
        """The request's tickets, in the order of its recipes."""
        return await self._tickets("t.request = ? ORDER BY t.ordinal", request)

    async def say_progress_is(self, request: RequestId, message: int) -> None:
        """Remember the message that shows how far the request has come.

        Where that is over already, the message has to end as well: the outbox has it again.
        """
        async with self._database.transaction("progress") as db:
            await db.execute(
                "UPDATE requests SET progress_message = ? WHERE id = ?", (message, request)
            )
            await db.execute("UPDATE outbox SET open = 1 WHERE request = ?", (request,))

    async def first_user(self, file: Sha256) -> UserId | None:
        """Who first asked for something that starts from this file: who sent it."""
        row = await self._database.row(_FIRST_USER, (file,))
        return UserId(row["owner"]) if row is not None else None

    async def share(self, request: RequestId) -> bool:
        """A private answer becomes an ordinary one: it enters the outbox again.

        False: it was one already, or it has not ended.
        """
        async with self._database.transaction("shared") as db:
            cursor = await db.execute(
                "UPDATE requests SET private = 0 WHERE id = ? AND private = 1 "
                "AND EXISTS (SELECT 1 FROM outbox WHERE request = requests.id)",
                (request,),
            )
            if cursor.rowcount < 1:
                return False
            # The answer keeps its buttons, and they their meaning.
            await db.execute(
                "INSERT OR IGNORE INTO answers SELECT message, request FROM outbox "
                "WHERE request = ? AND message IS NOT NULL",
                (request,),
            )
            await bring_back(db, request)
        return True

    async def is_private(self, message: int) -> bool:
        """Whether a message shows pictures that were drawn for one person alone."""
        return await self._database.row(_IS_PRIVATE, (message,)) is not None

    async def note_answer(self, request: RequestId, message: int) -> None:
        """Remember that a message which one person alone sees is about the request."""
        async with self._database.transaction("answer") as db:
            await db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", (message, request))

    async def is_shown_by(self, request: RequestId, message: int) -> bool:
        """Whether a message is known to show the request, its progress, or an answer about it."""
        return await self._database.row(_IS_SHOWN_BY, (request, message)) is not None

    async def is_being_shown(self, request: RequestId) -> bool:
        """Whether some message of the request may be there that has not been noted yet."""
        return await self._database.row(_IS_BEING_SHOWN, (request,)) is not None

    async def _tickets(self, condition: str, *values: int) -> tuple[Ticket, ...]:
        rows = await self._database.rows(f"{_SELECT} WHERE {condition}", values)
        return tuple(_ticket(row) for row in rows)

    async def _requests(self, condition: str, *values: int) -> tuple[Request, ...]:
        rows = await self._database.rows(f"SELECT * FROM requests WHERE {condition}", values)
        return tuple(request_of(row) for row in rows)


_OPEN = "state IN ('waiting', 'running')"  # as in the index tickets_open

_OPEN_REQUESTS = f"SELECT request FROM tickets WHERE {_OPEN}"

_START = """
UPDATE tickets SET state = 'running', epoch = epoch + 1, tries = tries + 1, seat = ?,
    started_at = coalesce(started_at, ?)
WHERE id = ?
"""

_SELECT = """
SELECT t.*, r.owner, r.share_group, r.group_weight, r.weight,
       recipes.text AS recipe_text, p.id AS picture
FROM tickets t
JOIN requests r ON r.id = t.request
JOIN recipes ON recipes.id = t.recipe
LEFT JOIN pictures p ON p.ticket = t.id
"""

_FIRST_USER = """
SELECT r.owner FROM recipe_inputs i
JOIN tickets t ON t.recipe = i.recipe
JOIN requests r ON r.id = t.request
WHERE i.sha256 = ? ORDER BY r.id LIMIT 1
"""

_IS_PRIVATE = """
SELECT 1 FROM pictures p JOIN tickets t ON t.id = p.ticket
JOIN requests r ON r.id = t.request WHERE p.message = ? AND r.private = 1 LIMIT 1
"""

_IS_SHOWN_BY = """
SELECT 1 FROM requests WHERE id = ?1 AND progress_message = ?2
UNION ALL SELECT 1 FROM outbox WHERE request = ?1 AND message = ?2
UNION ALL SELECT 1 FROM answers WHERE request = ?1 AND message = ?2
UNION ALL SELECT 1 FROM tickets t JOIN pictures p ON p.ticket = t.id
    WHERE t.request = ?1 AND p.message = ?2
UNION ALL SELECT 1 FROM tickets t JOIN pictures p ON p.ticket = t.id
    JOIN reposts s ON s.picture = p.id WHERE t.request = ?1 AND s.message = ?2
LIMIT 1
"""

# Its progress was shown a moment ago, or before a crash; or its result was.
_IS_BEING_SHOWN = """
SELECT 1 FROM requests WHERE id = ?1 AND progress_message IS NULL
UNION ALL SELECT 1 FROM outbox
    WHERE request = ?1 AND open = 1 AND attempts > 0 AND message IS NULL
LIMIT 1
"""


async def _asked_by(db: aiosqlite.Connection, source: int | None) -> RequestId | None:
    for row in await db.execute_fetchall("SELECT id FROM requests WHERE source = ?", (source,)):
        return RequestId(row["id"])
    return None


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
        Job(
            id=JobId(row["id"]),
            owner=request.origin.owner,
            recipe=recipe,
            cost=cost,
            share=request.origin.share,
        )
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


async def _check_epoch(db: aiosqlite.Connection, job: JobId, epoch: int) -> None:
    now = int((await _ticket_row(db, job))["epoch"])
    if now != epoch:
        raise Fenced(job, epoch, now)


async def _end(db: aiosqlite.Connection, job: JobId, state: State, reason: Reason | None) -> None:
    why = reasons.dump(reason) if reason is not None else None
    await db.execute("UPDATE tickets SET state = ?, reason = ? WHERE id = ?", (state, why, job))
    # The outbox rule, in one place.  A row is there already after a restored backup only, and says
    # that the result may have been posted.
    await db.execute(
        f"""
        INSERT INTO outbox (request)
        SELECT request FROM tickets t WHERE t.id = ?
        AND NOT EXISTS (SELECT 1 FROM tickets o WHERE o.request = t.request AND o.{_OPEN})
        ON CONFLICT DO UPDATE SET open = 1, message = NULL, held = NULL
        """,
        (job,),
    )


def _ticket(row: Row) -> Ticket:
    return Ticket(
        job=Job(
            id=JobId(row["id"]),
            owner=UserId(row["owner"]),
            recipe=parse(row["recipe_text"], kept=True),
            cost=row["cost"],
            share=share_of(row),
        ),
        request=RequestId(row["request"]),
        ordinal=row["ordinal"],
        state=State(row["state"]),
        tries=row["tries"],
        reason=reasons.load(row["reason"]),
        picture=row["picture"],
    )
