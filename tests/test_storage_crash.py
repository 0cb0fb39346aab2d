"""Claims about kill -9 and power cuts: what was promised is there, and nothing is half there."""

from __future__ import annotations

import asyncio
import random
import shutil
import sys
from pathlib import Path

import pytest

from generation.job import JobId
from storage.database import Database
from storage.tickets import State, Tickets
from tests.given.stored import a_recipe, asked, opened

ROOT = Path(__file__).parents[1]

# Promises on its standard output, each only after the call has returned.
WRITER = """
import asyncio, sys
from pathlib import Path
from generation.queue.accounts import Accounts
from storage.accounts import Ledger
from storage.database import Database
from storage.tickets import Tickets
from tests.given.stored import a_digest, a_picture, a_recipe, asked, drawn

async def main():
    database = await Database.open(Path(sys.argv[1]))
    tickets, ledger, number = Tickets(database), Ledger(database), 0
    while True:
        number += 1
        request, made = await tickets.add(asked(), [a_recipe(1), a_recipe(2)], [1.0, 1.0])
        for ticket in made:
            print("queued", ticket.job.id, flush=True)
        for ticket in made:
            await drawn(tickets, ticket.job.id, a_picture(), a_digest(1))
            print("drawn", ticket.job.id, flush=True)
        await ledger.save(Accounts(groups={"a": float(made[0].job.id)}, people={}))
        await tickets.delivering(request.id)
        await tickets.delivered(request.id, request.id)
        print("delivered", request.id, flush=True)

asyncio.run(main())
"""


async def killed_after(path: Path, seconds: float) -> list[tuple[str, int]]:
    """Let the writer promise for a while, kill it with SIGKILL, return what it promised."""
    writer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WRITER, str(path)), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert writer.stdout is not None
    first = await writer.stdout.readline()
    await asyncio.sleep(seconds)
    writer.kill()
    rest, _ = await writer.communicate()
    promises = (first + rest).decode().split("\n")[:-1]  # the last line may be cut
    return [(line.split()[0], int(line.split()[1])) for line in promises]


async def check_promises(database: Database, promises: list[tuple[str, int]]) -> None:
    assert await database.damage() == ()
    states = {row["id"]: row["state"] for row in await database.rows("SELECT * FROM tickets")}
    tickets = Tickets(database)
    undelivered = await tickets.undelivered()
    for kind, number in promises:
        if kind == "queued":
            assert number in states
        elif kind == "drawn":
            assert states[number] == State.DRAWN
        else:
            assert number not in undelivered
    # Nothing is lost: every request is to be drawn, to be delivered, or delivered.
    lost = await database.rows(
        """
        SELECT r.id FROM requests r
        WHERE (SELECT count(*) FROM tickets WHERE request = r.id) != 2
        OR NOT EXISTS (SELECT 1 FROM tickets WHERE request = r.id
                       AND state IN ('waiting', 'running'))
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE request = r.id)
        """
    )
    assert lost == []


@pytest.mark.parametrize("rounds", [4, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
async def test_what_was_promised_before_kill_9_is_kept(tmp_path: Path, rounds: int) -> None:
    dice = random.Random(rounds)
    path = tmp_path / "atelier.db"
    promises: list[tuple[str, int]] = []
    for _ in range(rounds):
        promises += await killed_after(path, dice.uniform(0.0, 0.15))
        async with opened(path) as database:
            await check_promises(database, promises)
    assert len(promises) > rounds


async def test_after_a_power_cut_at_any_byte_a_prefix_of_the_history_is_there(
    tmp_path: Path,
) -> None:
    """The write-ahead log is cut at many places, as when only part of it reached the disk."""
    async with opened(tmp_path / "atelier.db") as database:
        tickets = Tickets(database)
        for number in range(8):
            await tickets.add(asked(), [a_recipe(number), a_recipe(number + 1)], [1.0, 1.0])
        log = (tmp_path / "atelier.db-wal").read_bytes()
        before = tmp_path / "before"
        before.mkdir()
        shutil.copy(tmp_path / "atelier.db", before)
    seen = set()
    for cut in (*range(0, len(log), len(log) // 23), len(log)):
        folder = tmp_path / str(cut)
        shutil.copytree(before, folder)
        (folder / "atelier.db-wal").write_bytes(log[:cut])
        async with opened(folder / "atelier.db") as database:
            assert await database.damage() == ()
            jobs = [t.job.id for _, found in await Tickets(database).replay() for t in found]
            assert jobs == [JobId(n + 1) for n in range(len(jobs))]
            assert len(jobs) % 2 == 0  # a request with all of its tickets, or none
            seen.add(len(jobs))
    assert {0, 16} <= seen
    assert len(seen) > 4
