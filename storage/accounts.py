"""The queue's accounts and the cost model, so that a restart wipes no debt and unlearns nothing."""

from __future__ import annotations

from generation.job import UserId
from generation.queue import Accounts
from storage.database import Database

__all__ = ["Ledger"]


class Ledger:
    """What the queue must not forget.  Only differences to the last save are written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: dict[UserId, float] | None = None

    async def save(self, accounts: Accounts) -> None:
        """Replace the stored accounts by these."""
        async with self._database.transaction() as db:
            before = self._written
            if before is None:
                rows = await db.execute_fetchall("SELECT user, tag FROM accounts")
                before = {UserId(row["user"]): row["tag"] for row in rows}
            await db.executemany(
                "INSERT OR REPLACE INTO accounts VALUES (?, ?)",
                [(user, tag) for user, tag in accounts.tags.items() if before.get(user) != tag],
            )
            await db.executemany(
                "DELETE FROM accounts WHERE user = ?",
                [(user,) for user in before.keys() - accounts.tags.keys()],
            )
            await db.execute("INSERT OR REPLACE INTO clock VALUES (1, ?)", (accounts.level,))
            self._written = None  # unknown, should the commit fail
        self._written = dict(accounts.tags)

    async def load(self) -> Accounts | None:
        """The stored accounts; None when none were ever saved."""
        clock = await self._database.row("SELECT level FROM clock")
        if clock is None:
            return None
        rows = await self._database.rows("SELECT user, tag FROM accounts")
        tags = {UserId(row["user"]): float(row["tag"]) for row in rows}
        return Accounts(level=clock["level"], tags=tags)

    async def save_costs(self, text: str) -> None:
        """Keep what `CostModel.dump` wrote."""
        async with self._database.transaction() as db:
            await db.execute("INSERT OR REPLACE INTO costs VALUES (1, ?)", (text,))

    async def load_costs(self) -> str | None:
        """What was kept last; None: nothing yet."""
        row = await self._database.row("SELECT text FROM costs")
        return str(row["text"]) if row is not None else None
