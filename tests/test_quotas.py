"""How much people may ask for: by their roles, reserved at once, given back when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bot.studio.quotas import Limit, Quotas, allowance
from bot.studio.servers import Servers
from bot.studio.shares import DIRECT
from generation.errors import RenderFailed
from generation.job import UserId
from storage.database import Database
from storage.requests import Origin
from storage.servers import Rulings, ServerRule
from storage.tickets import RequestId
from storage.usage import Usage
from tests.given.admins import give_role, make_admin
from tests.given.apps import Studio, a_studio
from tests.given.fakes import FakeWorker
from tests.given.results import answers, is_result
from tests.given.stored import database  # noqa: F401  # a fixture
from tests.given.waiting import eventually

GUILD, ADMIN, ANN = 7, 1, UserId(2)
VIP, TRAINEE = 70, 71


def an_origin(*, owner: UserId, guild: int, channel: int = 1) -> Origin:
    return Origin(
        owner=owner, share=DIRECT, guild=guild, channel=channel, reply_to=None, locale="en-US"
    )


async def decided(database: Database, **limits: Mapping[str, float]) -> Servers:  # noqa: F811
    """Limits of roles by their ids, as `r70={...}`."""
    servers = Servers(Rulings(database), clock=lambda: 0.0)
    for role, numbers in limits.items():
        await servers.decide(GUILD, ServerRule.LIMIT, numbers, subject=role[1:], by=ADMIN)
    return servers


async def test_of_several_roles_the_largest_number_counts_and_none_is_without_a_limit(
    database: Database,  # noqa: F811
) -> None:
    servers = await decided(
        database,
        r7={Limit.PICTURES_DAY: 5.0, Limit.STEPS: 20.0},
        r70={Limit.PICTURES_DAY: 50.0, Limit.STEPS: 0.0},
        r71={Limit.PICTURES_DAY: 2.0, Limit.OPEN: 1.0},
    )
    rules = servers.rules(GUILD)
    assert allowance(rules, ()) == {Limit.PICTURES_DAY: 5.0, Limit.STEPS: 20.0}
    assert allowance(rules, (VIP,)) == {Limit.PICTURES_DAY: 50.0}
    assert allowance(rules, (TRAINEE,)) == {
        Limit.PICTURES_DAY: 5.0,
        Limit.STEPS: 20.0,
        Limit.OPEN: 1.0,
    }
    assert allowance(servers.rules(8), (VIP,)) == {}


async def test_a_day_begins_at_midnight_and_a_week_on_monday(database: Database) -> None:  # noqa: F811
    servers = await decided(database, r7={Limit.PICTURES_DAY: 5.0, Limit.MINUTES_WEEK: 5.0})
    wednesday = datetime(2026, 11, 25, 13, tzinfo=UTC)
    quotas = Quotas(servers, Usage(database), clock=wednesday.timestamp)
    day, week = await quotas.standing(an_origin(owner=ANN, guild=GUILD))
    assert day.renews == datetime(2026, 11, 26, tzinfo=UTC).timestamp()
    assert week.renews == datetime(2026, 11, 30, tzinfo=UTC).timestamp()


async def told(studio: Studio, name: str, **options: Any) -> str:
    """What Ann, who is an admin, is answered."""
    [text, *_] = await answers(await studio.world.ann.command(name, **options))
    return text


async def asked(studio: Studio, **options: Any) -> str:
    """What Ben is answered to a wish."""
    return (await answers(await studio.world.ben.command("imagine", **options)))[0]


def over(studio: Studio, request: RequestId) -> bool:
    return not studio.app.studio.open_requests.is_open(request)


def everyone(studio: Studio) -> Any:
    return studio.world.env.guild_handle.roles["@everyone"]


async def test_a_quota_is_reserved_refused_in_words_and_kept_over_a_restart(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        make_admin(here, here.ann)
        text = await told(studio, "server limits", role=everyone(studio), pictures_per_day=3)
        assert "@everyone: 3 pictures a day" in text
        await here.ben.command("imagine", prompt="one and two", count=2)
        refused = await asked(studio, prompt="three and four", count=2)
        assert "1 of 3 pictures a day, and that would take 2" in refused
        assert "new <t:" in refused
        worker.gate.set()
        await here.ben.sees(is_result)
    async with a_studio(tmp_path) as studio:
        refused = await asked(studio, prompt="three and four", count=2)
        assert "1 of 3 pictures a day" in refused
        quota = (await answers(await studio.world.ben.command("stats quota")))[0]
        assert "1/3 pictures a day · new <t:" in quota
        await studio.world.ben.command("imagine", prompt="three")
        await studio.world.ben.sees(lambda m: is_result(m) and "three" in m.content)
        # Words in the channel and old buttons are asked about, too.
        result = await studio.world.ben.sees(is_result)
        again = (await answers(await studio.world.ben.press(result, "🎲")))[0]
        assert "0 of 3 pictures a day" in again
        said = await studio.world.ben.say("make it blue", reply_to=result)
        await studio.world.ben.sees("0 of 3 pictures a day", after=said)


async def test_what_fails_or_is_cancelled_is_given_back(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.failures["broken"] = RenderFailed("no")
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        make_admin(here, here.ann)
        await told(studio, "server limits", role=everyone(studio), pictures_per_week=1)
        await here.ben.command("imagine", prompt="broken")
        await eventually(lambda: not studio.app.studio.open_requests.is_open(RequestId(1)))
        worker.gate.clear()
        await here.ben.command("imagine", prompt="cancelled")
        await eventually(lambda: studio.app.studio.open_requests.is_open(RequestId(2)))
        assert "0 of 1 pictures a week" in await asked(studio, prompt="more")
        await here.ben.command("cancel")
        worker.gate.set()
        await eventually(lambda: not studio.app.studio.open_requests.is_open(RequestId(2)))
        await here.ben.command("imagine", prompt="drawn")
        await here.ben.sees(lambda m: is_result(m) and "drawn" in m.content)


async def test_two_wishes_at_the_same_moment_do_not_both_take_the_last_of_a_quota(
    tmp_path: Path,
) -> None:
    worker = FakeWorker()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        make_admin(here, here.ann)
        await told(studio, "server limits", role=everyone(studio), pictures_per_day=1)
        requests, guild = studio.app.studio.requests, here.env.guild_handle.id
        origin = an_origin(owner=UserId(here.ben.id), guild=guild, channel=here.env.studio.id)
        await here.ben.command("imagine", prompt="first")
        result = await here.ben.sees(is_result)
        assert result is not None
        await told(studio, "server limits", role=everyone(studio), pictures_per_day=2)
        again = [requests.again(RequestId(1), origin) for _ in range(5)]
        done = await asyncio.gather(*again, return_exceptions=True)
        assert sum(not isinstance(one, BaseException) for one in done) == 1


async def test_size_steps_count_and_open_requests_are_limited_and_a_role_lifts_it(
    tmp_path: Path,
) -> None:
    worker = FakeWorker()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        make_admin(here, here.ann)
        limits = {"longer_side": 64, "steps": 10, "count": 2, "open_requests": 1}
        await told(studio, "server limits", role=everyone(studio), **limits)
        assert "64 pixels at their longer side" in await asked(studio, prompt="a", size="128x64")
        assert "10 steps at most, and that would be 11" in await asked(
            studio, prompt="a", size="64x64", steps=11
        )
        assert "2 pictures in a request" in await asked(
            studio, prompt="a", size="64x64", steps=4, count=3
        )
        worker.gate.clear()
        await here.ben.command("imagine", prompt="a", size="64x64", steps=4)
        await eventually(lambda: studio.app.studio.open_requests.is_open(RequestId(1)))
        assert "1 open request at a time" in await asked(studio, prompt="b", size="64x64", steps=4)
        vip = give_role(here, here.ben, "VIP")
        await told(studio, "server limits", role=vip, **dict.fromkeys(limits, 0))
        await here.ben.command("imagine", prompt="c", size="128x64", steps=11, count=3)
        worker.gate.set()
        await here.ben.sees(lambda m: is_result(m) and "**c" in m.content)
        audit = await told(studio, "server audit")
        assert f"the limits of <@&{vip.id}>: as usual → longer side 0" in audit


async def test_a_role_and_a_person_weigh_what_the_admins_say(tmp_path: Path) -> None:
    async with a_studio(tmp_path, newcomer_days=0.0) as studio:
        here = studio.world
        make_admin(here, here.ann)
        vip = give_role(here, here.ben, "VIP")
        for options, weight in (
            ({"role": vip, "weight": 3.0}, 3.0),
            ({"person": here.env.ben, "weight": 0.5}, 0.5),
            ({"person": here.env.ben}, 3.0),
            ({"role": vip}, 1.0),
        ):
            await told(studio, "server weights", **options)
            await here.ben.command("imagine", prompt="a cat")
            await eventually(lambda: bool(studio.worker.orders))
            last = RequestId(len(studio.worker.orders))
            request = await studio.app.stores.tickets.request(last)
            assert request.origin.share.weight == weight
            await eventually(partial(over, studio, last))
