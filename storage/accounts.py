"""The queue's accounts, who was served what, and what was learned: a restart forgets none of it.

The accounts are absolute and the service is added up, each in one transaction with the other and
with what was learned.  Of the accounts, only what differs from the last save is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass

import aiosqlite

from generation.job import GroupId, JobId, UserId
from generation.queue.accounts import Account, Accounts
from storage.database import Database
from storage.requests import share_of

__all__ = ["BUCKET", "Account", "Accounts", "Ledger", "Service", "Unsettled", "Waited", "bucket_of"]

BUCKET = 600  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Seconds of the device given to one person within ten minutes."""

    bucket: int  # Unix seconds at which they begin
    group: GroupId
    user: UserId
    seconds: float
    swap_seconds: float  # of these: weights moved in and out


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """One job that was begun, in Unix seconds."""

    group: GroupId
    user: UserId
    asked_at: float
    started_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """A job whose end is not stored yet, when accounts are saved."""

    job: JobId
    seconds: float  # that it has been given so far
    charged: bool  # whether the accounts include them


def bucket_of(unix_seconds: float) -> int:
    """The ten minutes that this instant lies in."""
    return int(unix_seconds // BUCKET) * BUCKET


class Ledger:
    """What the queue must not forget."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: Accounts | None = None  # None: what is stored is not known

    async def save(
        self,
        accounts: Accounts,
        served: Sequence[Service] = (),
        unsettled: Sequence[Unsettled] = (),
        *,
        costs: str | None = None,
        promises: str | None = None,
    ) -> None:
        """Replace the stored accounts by these, and add what was served since the last save.

        `costs` and `promises` are what `CostModel.dump` and `Promises.dump` wrote.
        """
        before = self._written or await self._stored()
        self._written = None  # should the commit fail
        async with self._database.transaction("accounts") as db:
            await _replace_accounts(db, before, accounts)
            await db.executemany(_SERVE, [asdict(row) for row in served])
            await db.execute("DELETE FROM unsettled")
            await db.executemany(
                "INSERT INTO unsettled VALUES (?, ?, ?)", [astuple(row) for row in unsettled]
            )
            for table, text in (("costs", costs), ("promises", promises)):
                if text is not None:
                    await db.execute(f"INSERT OR REPLACE INTO {table} VALUES (1, ?)", (text,))
        self._written = Accounts(groups=dict(accounts.groups), people=dict(accounts.people))

    async def load(self) -> Accounts:
        """The accounts as they are after a crash; empty before the first save.

        A job that was stored since the last save is paid for, one that is drawn again is not.
        """
        accounts = await self._stored()
        people = dict(accounts.people)
        for row in await self._database.rows(_UNSETTLED):
            share, person = share_of(row), (GroupId(row["share_group"]), UserId(row["owner"]))
            known = people.get(person)
            tag = known.tag if known else accounts.groups.get(share.group, 0.0)
            owed = row["seconds"] * (-1.0 if row["charged"] else 1.0)
            people[person] = Account(
                tag=tag + owed / share.weight,
                weight=share.weight,
                group_weight=share.group_weight,
            )
        return Accounts(groups=accounts.groups, people=people)

    async def _stored(self) -> Accounts:
        groups = await self._database.rows("SELECT * FROM share_groups")
        people = await self._database.rows("SELECT * FROM accounts")
        return Accounts(
            groups={GroupId(row["name"]): row["clock"] for row in groups},
            people={
                (GroupId(row["share_group"]), UserId(row["user"])): Account(
                    tag=row["tag"], weight=row["weight"], group_weight=row["group_weight"]
                )
                for row in people
            },
        )

    async def served_since(self, since: float) -> tuple[Service, ...]:
        """Who was given what in the ten minutes that the instant lies in, and after them."""
        rows = await self._database.rows(
            'SELECT bucket, share_group AS "group", user, seconds, swap_seconds FROM served '
            "WHERE bucket >= ? ORDER BY bucket",
            (bucket_of(since),),
        )
        return tuple(Service(**dict(row)) for row in rows)

    async def waits_since(self, since: float) -> tuple[Waited, ...]:
        """Every job that was begun for the first time since then, the first first."""
        rows = await self._database.rows(_WAITS, (since,))
        return tuple(Waited(**dict(row)) for row in rows)

    async def forget_before(self, until: float) -> None:
        """Drop the history of service before the ten minutes of this instant."""
        async with self._database.transaction("history") as db:
            await db.execute("DELETE FROM served WHERE bucket < ?", (bucket_of(until),))

    async def load_costs(self) -> str | None:
        """What was kept last; None: nothing yet."""
        return await self._load("costs")

    async def load_promises(self) -> str | None:
        """What was kept last; None: nothing yet."""
        return await self._load("promises")

    async def _load(self, table: str) -> str | None:
        row = await self._database.row(f"SELECT text FROM {table}")
        return str(row["text"]) if row is not None else None


async def _replace_accounts(db: aiosqlite.Connection, before: Accounts, after: Accounts) -> None:
    await db.executemany(
        "INSERT OR REPLACE INTO share_groups VALUES (?, ?)",
        [(name, clock) for name, clock in after.groups.items() if before.groups.get(name) != clock],
    )
    await db.executemany(
        "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?)",
        [
            (*person, *astuple(account))
            for person, account in after.people.items()
            if before.people.get(person) != account
        ],
    )
    await db.executemany(
        "DELETE FROM share_groups WHERE name = ?",
        [(name,) for name in before.groups.keys() - after.groups.keys()],
    )
    await db.executemany(
        "DELETE FROM accounts WHERE share_group = ? AND user = ?",
        before.people.keys() - after.people.keys(),
    )


_SERVE = """
INSERT INTO served VALUES (:bucket, :group, :user, :seconds, :swap_seconds)
ON CONFLICT DO UPDATE SET
    seconds = seconds + excluded.seconds, swap_seconds = swap_seconds + excluded.swap_seconds
"""

_UNSETTLED = """
SELECT u.seconds, u.charged, r.owner, r.share_group, r.group_weight, r.weight
FROM unsettled u JOIN tickets t ON t.id = u.job JOIN requests r ON r.id = t.request
WHERE u.charged = (t.state IN ('waiting', 'running'))
"""

_WAITS = """
SELECT r.share_group AS "group", r.owner AS user, r.created AS asked_at,
       max(r.created, t.started_at) AS started_at  -- the clock may have been put back
FROM tickets t JOIN requests r ON r.id = t.request
WHERE t.started_at >= ? ORDER BY t.started_at
"""
