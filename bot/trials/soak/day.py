"""A day: people come and go, things break, and now and then everybody rests to be measured."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from bot.app import BUILT_IN, App, open_app
from bot.sandbox.realtime import living
from bot.settings import Settings
from bot.telemetry import journal
from bot.telemetry.metrics import Metrics, watching
from bot.trials.bench.keeping import crowded
from bot.trials.soak.allocator import AT_ONCE
from bot.trials.soak.audit import audit
from bot.trials.soak.gauges import read
from bot.trials.soak.mishaps import KILLED, Mishaps
from bot.trials.soak.people import BEGINS, CompressedDay, residents
from bot.trials.soak.town import Town
from bot.trials.soak.verdict import Gauges, Lived, Ordeal, judged
from bot.trials.soak.witness import Witness
from generation.fleet.local import LocalWorker
from storage.database import Database
from storage.ids import RequestId
from storage.trials.audit import newest, read_through

RESTS = 24  # at most
REST_EVERY_SECONDS = 30.0  # at least
REST_SECONDS = 120.0  # the longest that one waits for the last picture before a reading
DRAIN_SECONDS = 300.0
SETTLES = 0.5  # seconds in which what was posted is noted, and the worker goes to rest


async def live_through(
    plan: Ordeal, settings: Settings, folder: Path, *, say: Callable[[str], None]
) -> Lived:
    """Live through the day in an empty folder, close the bot, then audit what it left."""
    alone = Settings(data=folder / "data", device=settings.device, assist="off")
    say(f"a studio with {plan.behind:,} pictures behind it ...")
    before = await _furnish(alone.data / "atelier.sqlite3", plan.behind)
    gauges, witnessed = Gauges(), folder / "channels.txt"
    watch = watching(0, journal.write, Metrics().count)
    digests = alone.data / "digests.json"
    worker = LocalWorker((BUILT_IN,), digests, alone.device, env=AT_ONCE)
    async with (
        gauges.log.watching(),
        watch as seen,
        open_app(alone, [worker], watch=seen) as app,
        app.on_discord() as client,
    ):
        town = Town(client, people=plan.people)
        witness = Witness(town, witnessed)
        await read_through(app.stores.tickets)
        say(f"{plan.hours:g} hours in {plan.seconds / 60:g} minutes, {plan.people} people ...")
        with _settled_garbage():
            async with living(town), gauges.lateness.watching():
                await _day(plan, app, town, witness, gauges, say)
        witness.close()
    say("the audit ...")
    found = await audit(alone.data, witnessed, after=before)
    return judged(plan, gauges, found)


@contextmanager
def _settled_garbage() -> Iterator[None]:
    """As `run` does: what lives as long as the program is not looked at again and again."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _furnish(path: Path, pictures: int) -> RequestId:
    database = await Database.open(path)
    try:
        await crowded(database, pictures)
        return await newest(database)
    finally:
        await database.close()


async def _day(
    plan: Ordeal,
    app: App,
    town: Town,
    witness: Witness,
    gauges: Gauges,
    say: Callable[[str], None],
) -> None:
    """People, mishaps and rests until the day is over; then the drain."""
    day = CompressedDay(seconds=plan.seconds, hours=plan.hours)
    mishaps = Mishaps(app=app, env=town, log=gauges.log, database=_database(app))
    await app.workers[0].start()
    everybody = residents(town, witness, day, gauges.noticed, seed=plan.seed)
    day.begin()
    async with _living_people(resident.live() for resident in everybody):
        ahead = [(part, happen) for part, happen in mishaps.plan()]
        count = max(3, min(RESTS, round(plan.seconds / REST_EVERY_SECONDS)))
        rests = [(n + 1) / count for n in range(count - 1)]
        while day.part < 1.0:
            await asyncio.sleep(0.1)
            gauges.most_open = max(gauges.most_open, len(app.studio.open_requests.requests()))
            if ahead and day.part >= ahead[0][0]:
                gauges.mishaps.append(await ahead.pop(0)[1]())
                say(f"  {_clock(day)}  {gauges.mishaps[-1]}")
                if gauges.mishaps[-1] == KILLED:
                    # The new worker has soon seen the largest picture: later it needs no more.
                    await everybody[-1].film()
            if rests and day.part >= rests[0]:
                rests.pop(0)
                await _rest(day, app, gauges, say)
        day.rest()
        waiting, began = len(app.studio.open_requests.requests()), time.monotonic()
        await _idle(app, DRAIN_SECONDS)
        gauges.drain = f"{waiting} open requests drained in {time.monotonic() - began:.1f} s"
        await _rest(day, app, gauges, say)


async def _rest(day: CompressedDay, app: App, gauges: Gauges, say: Callable[[str], None]) -> None:
    """Stop the day, wait until nothing is to be done, read, go on."""
    day.rest()
    if await _idle(app, REST_SECONDS):
        worker = app.workers[0]
        pid = worker.pid if isinstance(worker, LocalWorker) else None
        await asyncio.sleep(SETTLES)
        gauges.lateness.paused = True
        reading = read(day.part, pid)
        await asyncio.sleep(0.05)
        gauges.lateness.paused = False
        gauges.readings.append(reading)
        say(
            f"  {_clock(day)}  bot {reading.bot / 2**20:.1f} MiB, worker "
            f"{reading.worker / 2**20:.1f} MiB, {reading.tasks} tasks, {reading.files} files; "
            f"at most {gauges.most_open} open requests so far"
        )
    else:
        still = len(app.studio.open_requests.requests())
        say(f"  {_clock(day)}  no rest within {REST_SECONDS:.0f} s, {still} requests are open")
    day.begin()


async def _idle(app: App, seconds: float) -> bool:
    """Wait until no request is open and none is undelivered."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(Exception):  # a locked database is one of the mishaps
            if (
                not app.studio.open_requests.requests()
                and not await app.stores.tickets.undelivered()
            ):
                return True
        await asyncio.sleep(0.05)
    return False


@asynccontextmanager
async def _living_people(lives: Iterable[Coroutine[None, None, None]]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(life) for life in lives]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


def _database(app: App) -> Path:
    return app.settings.data / "atelier.sqlite3"


def _clock(day: CompressedDay) -> str:
    hour = BEGINS + day.part * day.hours
    return f"{int(hour % 24):02d}:{int(hour * 60 % 60):02d}"
