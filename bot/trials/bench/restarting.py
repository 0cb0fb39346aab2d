"""How soon a restarted studio draws again while ten thousand jobs wait.

From the start of the process to the first order for the worker: Python, imports, the model
catalog, the database and its replay, the queue.  The worker is one that has nothing to load; a real
one starts beside all this and takes its own time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

from bot.trials.bench.figure import Figure, Ground
from bot.trials.bench.keeping import RECIPE, asked
from generation.job import GroupId, Share, UserId
from storage.database import Database
from storage.tickets import Tickets

WAITING = 10_000
EACH = 8  # pictures of a request
PEOPLE = 500
SERVERS = 25
RESTARTS = 3
PROGRAM = Path(__file__).with_name("doodler.py")
ROOT = Path(__file__).parents[3]


async def restarts(ground: Ground) -> tuple[Figure, ...]:
    """Have ten thousand jobs wait, then start the bot."""
    database = await Database.open(ground.folder / "atelier.sqlite3")
    try:
        await _fill(Tickets(database))
    finally:
        await database.close()
    seconds = [await _restarted(ground.folder) for _ in range(RESTARTS)]
    return (
        Figure(
            name="restart",
            what=f"restart with {WAITING:,} waiting jobs: until the first order",
            value=median(seconds),
            target=3.0,
            unit="s",
            how=f"{RESTARTS} starts of a process with a worker that is ready at once, "
            f"{PEOPLE} people on {SERVERS} servers; longest {max(seconds):.2f} s",
        ),
    )


async def _fill(tickets: Tickets) -> None:
    for number in range(WAITING // EACH):
        person = number % PEOPLE
        guild, usual = person % SERVERS, asked()
        share = Share(group=GroupId(f"guild {guild}"))
        origin = replace(usual.origin, owner=UserId(1000 + person), guild=guild, share=share)
        wanted = replace(usual, origin=origin)
        recipes = [replace(RECIPE, seed=number * EACH + place) for place in range(EACH)]
        await tickets.add(wanted, recipes, [1.0] * EACH)


async def _restarted(folder: Path) -> float:
    """Seconds from the start of a process until it says that it draws."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROGRAM), str(folder)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
    )
    assert process.stdout is not None
    try:
        line = await process.stdout.readline()
        seconds = time.perf_counter() - began
        if line.split() != [b"draws", b"%d" % WAITING]:
            raise AssertionError(f"the restarted bot said {line!r}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return seconds
