"""The last day: counted right, told kindly, and nobody's business but one's own."""

from __future__ import annotations

import asyncio
import io
import random
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.pages import stats_page
from bot.pages.device import called
from bot.pages.fairness_plot import COLOURS, draw, hours_shown, marks
from bot.pages.stats_page import fairness_page, today_page
from bot.studio.stats import (
    DAY,
    MOST,
    OTHERS,
    YOU,
    Day,
    Viewer,
    evenness,
    jain,
    last_day,
    parts,
    percentile,
    waits_over_time,
)
from generation.job import GroupId, UserId
from generation.queue.accounts import Accounts
from storage.accounts import BUCKET, Service, Waited, bucket_of
from tests.given.apps import a_studio, an_app
from tests.given.discord_world import SimulatedPerson
from tests.given.fakes import FakeWorker
from tests.given.waiting import eventually

NOW = 1_790_000_000.0
B = bucket_of(NOW)
HERE = 77
HOME, AWAY = GroupId(f"guild {HERE}"), GroupId("guild 78")
ME = Viewer(id=1, guild=None)
MODERATOR = Viewer(id=1, guild=HERE)


def served(user: int, seconds: float, *, ago: int = 0, group: GroupId = HOME) -> Service:
    return Service(
        bucket=B - ago * BUCKET,
        group=group,
        user=UserId(user),
        seconds=seconds,
        swap_seconds=seconds / 10,
    )


def waited(user: int, asked_ago: float, started_ago: float, group: GroupId = HOME) -> Waited:
    return Waited(
        group=group, user=UserId(user), asked_at=B - asked_ago, started_at=B - started_ago
    )


def a_day(*rows: Service | Waited) -> Day:
    return Day(
        until=NOW,
        served=tuple(r for r in rows if isinstance(r, Service)),
        waits=tuple(r for r in rows if isinstance(r, Waited)),
    )


def a_busy_day(people: int = 20) -> Day:
    """Seeded: evenings are busy, a few ask for much, some are of another server."""
    chance = random.Random(4)
    rows: list[Service | Waited] = []
    for ago in range(DAY // BUCKET):
        crowd = 1 if 60 < ago < 100 else 6
        for _ in range(chance.randint(0, crowd)):
            user = min(int(chance.expovariate(0.25)) + 1, people)
            group = AWAY if user % 5 == 4 else HOME
            rows.append(
                served(user, chance.uniform(10, 100 * crowd / 6 + 10), ago=ago, group=group)
            )
            begun = ago * BUCKET - chance.uniform(0, BUCKET)
            wait = chance.lognormvariate(1.0 + crowd / 3, 1.0)
            rows.append(waited(user, begun + wait, begun, group))
    return a_day(*rows)


def test_everybody_else_is_one_to_whoever_is_no_moderator() -> None:
    day = a_day(served(1, 60), served(2, 30), served(3, 30, group=AWAY))
    you, others = parts(day, ME)
    assert (you.name, you.total) == (YOU, 60)
    assert (others.name, others.user, others.total) == (OTHERS, None, 60)
    assert "<@" not in fairness_page(day, ME)


def test_a_moderator_sees_their_servers_people_and_nobody_elses() -> None:
    day = a_day(served(1, 10), served(2, 30), served(3, 50, group=AWAY))
    shown = parts(day, MODERATOR)
    assert [part.user for part in shown] == [2, 1, None]
    text = fairness_page(day, MODERATOR)
    assert "1 <@2>: 30 s, 33\u00a0%" in text
    assert "<@3>" not in text
    assert "others: 50 s, 56\u00a0%" in text


def test_the_most_served_are_told_apart_and_the_rest_put_together() -> None:
    day = a_day(*(served(user, user * 10.0) for user in range(1, MOST + 4)))
    shown = parts(day, MODERATOR)
    assert [part.user for part in shown[:2]] == [MOST + 3, MOST + 2]
    assert len(shown) == MOST + 1
    assert shown[-1].total == 10 + 20 + 30
    assert len(set(marks(shown))) == len(shown)
    assert len(COLOURS) == MOST


def test_service_stands_in_the_ten_minutes_it_was_given_in() -> None:
    day = a_day(served(1, 60, ago=3))
    seconds = parts(day, ME)[0].seconds
    assert len(seconds) == DAY // BUCKET + 1
    assert seconds[-4] == sum(seconds) == 60


def test_jains_index_is_one_for_equals_and_least_for_a_monopoly() -> None:
    assert jain((5, 5, 5)) == 1.0
    assert jain((1, 0, 0, 0)) == 0.25
    assert jain((0, 0)) == 1.0


def test_only_who_waited_all_the_time_counts_for_evenness() -> None:
    both = (waited(1, 1200, 0), waited(2, 1200, 0))
    fair = a_day(*both, served(1, 300, ago=1), served(2, 300, ago=1), served(1, 1, ago=2))
    assert evenness(fair) is not None
    unfair = a_day(*both, served(1, 600, ago=1), served(1, 600, ago=2))
    found = evenness(unfair)
    assert found is not None
    assert (found.jain, found.spans) == (0.5, 2)
    # Somebody who asked for one picture only did not want more.
    assert evenness(a_day(waited(1, 1200, 0), waited(2, 900, 500), served(1, 600, ago=1))) is None


def test_jobs_that_waited_one_after_another_are_one_waiting() -> None:
    day = a_day(
        waited(1, 600, 300), waited(1, 301, 0), waited(2, 600, 0),
        served(1, 300, ago=1), served(2, 300, ago=1),
    )  # fmt: skip
    found = evenness(day)
    assert found is not None
    assert (found.jain, found.spans) == (1.0, 1)


def test_people_of_two_servers_are_not_compared() -> None:
    day = a_day(waited(1, 1200, 0), waited(2, 1200, 0, AWAY), served(1, 600, ago=1))
    assert evenness(day) is None


def test_waits_are_put_together_by_half_hours() -> None:
    day = a_day(*(waited(1, 7200 + wait, 7200) for wait in range(1, 101)), waited(2, 20, 10))
    first, second = waits_over_time(day)
    assert (first.p50, first.p95) == (50, 95)
    assert second.p50 == second.p95 == 10


def test_a_clock_that_was_set_back_makes_no_negative_wait() -> None:
    assert waits_over_time(a_day(waited(1, 10, 60)))[0].p50 == 0.0


@pytest.mark.parametrize(("part", "value"), [(0.0, 1), (0.5, 2), (0.95, 4), (1.0, 4)])
def test_percentiles_are_values_that_occurred(part: float, value: float) -> None:
    assert percentile([4, 2, 1, 3], part) == value


def test_a_day_in_words() -> None:
    day = a_day(served(1, 5400), waited(1, 12, 0), waited(2, 100, 0))
    text = today_page(day)
    assert "**2 pictures** begun, for 2 people" in text
    assert "**1.5 h** of GPU time, 10\u00a0% of it for reading models" in text
    assert "Half began within **15 s**, 95 of 100 within **2 min**" in text


def test_a_day_without_pictures_is_told_kindly() -> None:
    assert today_page(a_day()) == fairness_page(a_day(), ME) == stats_page.NOTHING


@pytest.mark.parametrize("viewer", [ME, MODERATOR], ids=["member", "moderator"])
def test_the_picture_is_drawn(viewer: Viewer, tmp_path: Path) -> None:
    png = draw(a_busy_day(), viewer)
    (tmp_path / "fairness.png").write_bytes(png)
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size == (1300, 832)
        assert len(picture.convert("RGB").getcolors(2**20) or ()) > 50
    assert len(png) < 2**20


@pytest.mark.parametrize(
    ("ago", "hours"), [(0, 1), (50 * 60, 1), (2 * 3600, 4), (20 * 3600, 24), (30 * 3600, 24)]
)
def test_a_young_day_is_no_sliver_at_the_edge(ago: float, hours: int) -> None:
    assert hours_shown(a_day(waited(1, ago + 1, ago))) == hours


def test_on_a_processor_nothing_is_said_of_a_gpu() -> None:
    day = a_day(served(1, 5400), waited(1, 12, 0))
    pages = today_page(day, "processor") + fairness_page(day, ME, "processor")
    assert "GPU" not in pages
    assert "1.5 h** of processor time" in pages
    assert "Who had the processor" in pages


@pytest.mark.parametrize(
    ("torch", "name"), [("cpu", "processor"), ("cuda", "GPU"), ("mps", "GPU"), ("", "device")]
)
def test_what_draws_is_called_what_it_is(torch: str, name: str) -> None:
    assert called(torch) == name


@pytest.mark.parametrize("day", [a_day(served(1, 1)), a_day(waited(1, 5, 5))])
def test_a_day_with_little_in_it_can_be_drawn(day: Day) -> None:
    assert draw(day, ME).startswith(b"\x89PNG")


def test_what_was_drawn_just_now_is_in_the_picture() -> None:
    blue = tuple(bytes.fromhex(COLOURS["🟦"][1:]))

    def painted(seconds: float) -> int:
        with Image.open(io.BytesIO(draw(a_day(served(1, seconds, ago=0)), ME))) as picture:
            colours = picture.convert("RGB").getcolors(2**20) or []
            return sum(count for count, colour in colours if colour == blue)

    assert painted(30.0) > painted(0.0)  # with nothing, only its legend


def test_a_large_history_is_counted_quickly() -> None:
    chance = random.Random(1)
    rows: list[Service | Waited] = []
    for number in range(60_000):
        rows.append(served(number % 5000, 1.0, ago=chance.randrange(144)))
        asked = chance.uniform(0, DAY)
        rows.append(waited(number % 5000, asked, max(0.0, asked - chance.uniform(0, 3000))))
    day = a_day(*rows)
    began = time.process_time()
    fairness_page(day, MODERATOR)
    today_page(day)
    assert time.process_time() - began < 10.0


async def test_the_last_day_is_read_from_the_ledger(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        ledger = app.stores.ledger
        await ledger.save(Accounts(groups={}, people={}), [served(1, 60), served(1, 9, ago=200)])
        day = await last_day(ledger, NOW)
    assert [row.seconds for row in day.served] == [60]


async def answered(person: SimulatedPerson, command: str) -> Any:
    """The command's result, once it says something."""
    result = await person.command(command)
    async with asyncio.timeout(60):
        while not result.response.content:  # noqa: ASYNC110  # a test polls what has no event
            await asyncio.sleep(0.02)
    return result


@pytest.mark.usefixtures("contract")
async def test_stats_are_answered_in_discord_to_the_asker_only(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        empty = await answered(here.ben, "stats fairness")
        assert empty.response.content == stats_page.NOTHING
        assert empty.ephemeral
        await here.ann.command("imagine", prompt="a red flower")
        await here.ann.sees(lambda m: m.attachments)
        ledger = studio.app.stores.ledger
        group = GroupId(f"guild {here.env.studio.guild.id}")
        now = bucket_of(time.time())
        await ledger.save(
            Accounts(groups={}, people={}),
            [
                Service(bucket=now, group=group, user=UserId(who.id), seconds=50, swap_seconds=0)
                for who in (here.ann, here.ben)
            ],
        )
        words = await answered(here.ann, "stats today")
        assert "The last 24 hours" in words.response.content
        as_moderator = await answered(here.ann, "stats fairness")
        assert f"<@{here.ben.id}>" in as_moderator.response.content
        assert [a.filename for a in as_moderator.response.attachments] == ["fairness.png"]
        as_member = await answered(here.ben, "stats fairness")
        assert "<@" not in as_member.response.content
        assert "you" in as_member.response.content
        assert as_member.response.attachments
        # None is waited for: a slow machine draws no two within the time that one is to wait.
        asked = [await here.ben.command("stats fairness") for _ in range(5)]
        await eventually(lambda: any("One moment" in a.response.content for a in asked))
