"""Claims about the soak: its instruments see what is wrong; and a short day with the real bot."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.trials.bench.figure import Figure, Spread
from bot.trials.soak.audit import Audit, audit
from bot.trials.soak.day import live_through
from bot.trials.soak.gauges import AtRest, LogWatch, quarters
from bot.trials.soak.people import HABITS, CompressedDay
from bot.trials.soak.verdict import Gauges, Ordeal, judged
from generation.reasons import Reason
from generation.recipe import Sha256
from storage.database import Database
from storage.files import Files
from storage.ids import RequestId
from storage.tickets import State, Tickets
from tests.given.stored import a_picture, a_recipe, asked, drawn, opened

NOTHING = RequestId(0)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path / "atelier.sqlite3") as database:
        yield database


async def delivered(database: Database, files: Files, *, message: int) -> RequestId:
    """A request of two pictures that the database holds for delivered."""
    tickets = Tickets(database)
    request, made = await tickets.add(asked(), [a_recipe(1), a_recipe(2)], [1.0, 1.0])
    for ticket in made:
        file = files.keep(f"picture of {ticket.job.id}".encode(), ".png")
        await drawn(tickets, ticket.job.id, a_picture(), file)
    await tickets.delivering(request.id)
    await tickets.delivered(request.id, message)
    return request.id


async def complaints(folder: Path, database: Database, *lines: str) -> list[str]:
    """Everything that an audit says of a channel that showed these lines."""
    await database.close()
    (folder / "channel").write_text("\n".join(lines), encoding="utf-8")
    found = await audit(folder, folder / "channel", after=NOTHING)
    return [*found.lost, *found.doubled, *found.left_open, *found.damaged]


async def test_a_request_that_was_posted_once_adds_up(tmp_path: Path, database: Database) -> None:
    request = await delivered(database, Files(tmp_path / "files"), message=7)
    said = await complaints(tmp_path, database, f"queued {request}", f"posted 7 {request} 2")
    assert said == []


async def test_a_result_that_nobody_saw_is_lost(tmp_path: Path, database: Database) -> None:
    request = await delivered(database, Files(tmp_path / "files"), message=7)
    said = await complaints(tmp_path, database, f"queued {request}")
    assert said == [f"request {request}: 2 pictures, never posted"]


async def test_a_result_that_came_twice_is_doubled(tmp_path: Path, database: Database) -> None:
    request = await delivered(database, Files(tmp_path / "files"), message=7)
    lines = (f"posted 7 {request} 2", f"posted 8 {request} 2")
    assert await complaints(tmp_path, database, *lines) == [f"request {request} was posted 2 times"]


async def test_a_result_without_one_of_its_pictures_is_seen(
    tmp_path: Path, database: Database
) -> None:
    request = await delivered(database, Files(tmp_path / "files"), message=7)
    said = await complaints(tmp_path, database, f"posted 7 {request} 1")
    assert said == [f"request {request}: 1 of 2 pictures"]


async def test_an_acknowledged_request_that_was_never_stored_is_lost(
    tmp_path: Path, database: Database
) -> None:
    said = await complaints(tmp_path, database, "queued 12")
    assert said == ["request 12 was acknowledged and is not in the database"]


async def test_what_still_waits_after_the_drain_is_seen(tmp_path: Path, database: Database) -> None:
    await Tickets(database).add(asked(), [a_recipe()], [1.0])
    assert await complaints(tmp_path, database) == ["request 1: 1 open, told: False"]


async def test_a_cancelled_request_needs_no_result(tmp_path: Path, database: Database) -> None:
    tickets = Tickets(database)
    request, _ = await tickets.add(asked(), [a_recipe()], [1.0])
    await tickets.cancel(request.id)
    await tickets.delivering(request.id)
    await tickets.delivered(request.id, None)
    assert await complaints(tmp_path, database, f"queued {request.id}") == []


async def test_a_failed_request_is_told_by_its_message(tmp_path: Path, database: Database) -> None:
    tickets = Tickets(database)
    request, (ticket,) = await tickets.add(asked(), [a_recipe()], [1.0])
    await tickets.ended(
        ticket.job.id, State.FAILED, Reason(kind="RenderFailed", facts=("no",)), epoch=None
    )
    await tickets.delivering(request.id)
    await tickets.delivered(request.id, 9)
    assert await complaints(tmp_path, database, "posted 9 0 0") == []


async def test_a_damaged_file_is_seen(tmp_path: Path, database: Database) -> None:
    files = Files(tmp_path / "files")
    request = await delivered(database, files, message=7)
    files.path(Sha256(files.keep(b"picture of 1", ".png"))).write_bytes(b"another")
    said = await complaints(tmp_path, database, f"posted 7 {request} 2")
    assert len(said) == 1


def test_what_was_provoked_is_excused_and_nothing_else() -> None:
    watch, log = LogWatch(), logging.getLogger("soak.test")
    log.propagate = False
    log.addHandler(watch)
    try:
        watch.excuse("killed by SIGKILL", seconds=60.0)
        log.warning("job 3: it was killed by SIGKILL; it will be drawn again")
        log.warning("request 4 not delivered")
        log.info("nothing to see")
    finally:
        log.removeHandler(watch)
    assert watch.provoked == 1
    assert watch.unexpected == ["WARNING soak.test: request 4 not delivered"]


def test_a_spread_knows_its_percentiles_within_two_per_cent() -> None:
    spread, dice = Spread(), random.Random(1)
    values = sorted(dice.lognormvariate(-4.0, 1.5) for _ in range(5000))
    for value in values:
        spread.add(value)
    for percent in (50, 90, 99):
        exact = values[5000 * percent // 100 - 1]
        assert exact <= spread.percentile(percent) * 1.0001 <= exact * 1.021
    assert spread.longest == values[-1]


def a_day_of(
    bot: list[int], *, seconds: float = 900.0, slowness: float = 1.0, late: float = 0.0
) -> dict[str, Figure]:
    """The verdict on a day with these readings of the bot's memory."""
    gauges = Gauges()
    for number, size in enumerate(bot):
        reading = AtRest(
            at=(number + 1) / len(bot),
            bot=size,
            worker=100,
            worker_pid=1,
            tasks=9,
            files=9,
            slowness=slowness,
        )
        gauges.readings.append(reading)
    gauges.lateness.spread.add(late)
    plan = Ordeal(seconds=seconds, people=50, hours=24.0)
    return {figure.name: figure for figure in judged(plan, gauges, Audit()).figures}


def test_memory_that_grows_after_the_warm_up_fails() -> None:
    assert a_day_of([50 + n for n in range(8)] + [100] * 16)["bot_memory"].passed
    assert not a_day_of([100] * 12 + [100 + n for n in range(12)])["bot_memory"].passed


def test_memory_that_was_hardly_read_is_not_passed() -> None:
    assert not a_day_of([100] * 5)["bot_memory"].passed


def test_a_short_day_shows_memory_and_does_not_judge_it() -> None:
    assert not a_day_of([100, 200, 300], seconds=60.0)["bot_memory"].judged


def test_a_slow_machine_may_be_late_by_as_much_as_it_is_slow() -> None:
    assert not a_day_of([100] * 24, late=0.09)["soak_lag"].passed
    assert a_day_of([100] * 24, late=0.09, slowness=2.0)["soak_lag"].passed
    assert not a_day_of([100] * 24, late=0.11, slowness=2.0)["soak_lag"].passed
    grown = [100] * 12 + [100 + n for n in range(12)]
    assert not a_day_of(grown, slowness=9.0)["bot_memory"].passed  # what is lost is lost


def test_quarters_are_compared_by_their_medians() -> None:
    assert quarters([1, 2, 3, 4, 5, 6, 7, 100]) == (1.5, 53.5)


def test_the_kinds_of_people_are_everybody() -> None:
    assert sum(habit.part for habit in HABITS) == pytest.approx(1.0)


def test_the_evening_is_the_busiest_time_of_a_day_that_rests() -> None:
    day = CompressedDay(seconds=1e9, hours=24.0)
    assert 0.0 < day.activity < 1.0
    day.begin()
    day.rest()
    assert day.lived == day.lived


@pytest.mark.slow
async def test_a_short_day_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    plan = Ordeal(seconds=40.0, people=24, hours=1.0, behind=2000)
    lived = await live_through(plan, Settings(data=tmp_path / "data"), tmp_path, say=print)
    counts = {figure.name: figure for figure in lived.figures if not figure.unit}
    assert len(counts) == 6
    assert all(figure.passed for figure in counts.values()), lived.findings
