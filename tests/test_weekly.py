"""The best of the week is posted once, where a server wants it, with what all there may see."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.chat.client import Atelier
from bot.studio.studio import Studio
from bot.studio.weekly import WEEK, WeeklyTime
from storage.servers import ServerRule
from tests.given.admins import make_admin
from tests.given.apps import a_studio
from tests.given.discord_world import World, buttons, pictures
from tests.given.results import answers, is_result
from tests.given.town import Scene, a_scene
from tests.given.waiting import everything_told

TITLE = "The best of the week"


def posts(who: Any) -> list[discord.Message]:
    return [m for m in who.messages() if m.content.startswith("### 🏆")]


async def wanted(here: World, **options: Any) -> str:
    """Ann lets it be posted in an hour of another day than today's, and sees what is decided."""
    make_admin(here, here.ann)
    [text, *_] = await answers(await here.ann.command("server weekly", **options))
    return text


def in_two_days() -> dict[str, int]:
    return {"weekday": (datetime.now(UTC) + timedelta(days=2)).weekday(), "hour": 12}


async def later(client: Atelier, studio: Studio, days: float) -> None:
    """Let so many days pass, and the bot look at the clock."""
    studio.weeklies.clock = lambda: time.time() + days * 86_400.0
    await client.weekly.look()


async def starred(who: Any, message: discord.Message) -> None:
    star = next(b.custom_id for b in buttons(message) if str(b.emoji) == "⭐")
    await answers(await who.actor.click(message, custom_id=star))


async def drawn(who: Any, prompt: str) -> discord.Message:
    await who.command("imagine", prompt=prompt)
    found: discord.Message = await who.sees(lambda m: is_result(m) and prompt in m.content)
    return found


@pytest.mark.usefixtures("contract")
async def test_the_most_starred_pictures_are_posted_once_each_week(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here, parts = studio.world, (studio.client, studio.app.studio)
        assert "12:00 UTC" in await wanted(here, **in_two_days())
        await later(*parts, 0.0)
        flower, boat = await drawn(here.ann, "a red flower"), await drawn(here.ann, "a boat")
        await drawn(here.ann, "a hat")
        for who, message in ((here.ann, boat), (here.ben, boat), (here.ben, flower)):
            await starred(who, message)
        await later(*parts, 0.5)
        assert posts(here.ben) == []
        await later(*parts, 3.0)
        [post] = posts(here.ben)
        first, second = post.content.splitlines()[1:3]
        assert "a boat" in first
        assert "⭐ 2" in first
        assert "a red flower" in second
        assert "a hat" not in post.content
        assert len(await pictures(post)) == 1
        await later(*parts, 3.1)
        assert len(posts(here.ben)) == 1
        [option, *_] = post.components[0].children[0].options  # type: ignore[union-attr]
        await here.ben.choose(post, option.value)
        await here.ben.sees(lambda m: m.flags.ephemeral and is_result(m))


async def test_nothing_is_posted_when_nothing_is_starred(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here, parts = studio.world, (studio.client, studio.app.studio)
        await wanted(here, **in_two_days())
        await later(*parts, 0.0)
        flower = await drawn(here.ann, "a red flower")
        await later(*parts, 3.0)
        await starred(here.ann, flower)  # too late for that week
        await later(*parts, 3.1)
        # A week later the picture is older than seven days.
        await later(*parts, 10.0)
        assert posts(here.ann) == []


async def test_a_crash_after_it_was_posted_posts_nothing_twice(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here, parts = studio.world, (studio.client, studio.app.studio)
        await wanted(here, **in_two_days())
        await later(*parts, 0.0)
        await starred(here.ben, await drawn(here.ann, "a red flower"))
        await later(*parts, 3.0)
        assert len(posts(here.ann)) == 1
        # As it stands when the bot is killed between the post and its note.
        store, guild = studio.app.stores.weekly_posts, here.env.guild_handle.id
        seen = await store.seen(guild)
        assert seen is not None
        await store.done(guild, seen.done_at - WEEK)
        await store.begin(guild, seen.done_at)
        await later(*parts, 3.0)
        assert len(posts(here.ann)) == 1
        assert await store.seen(guild) == seen
        # And when it is killed before the post.
        await posts(here.ann)[0].delete()
        await store.done(guild, seen.done_at - WEEK)
        await store.begin(guild, seen.done_at)
        await later(*parts, 3.0)
        assert len(posts(here.ann)) == 1


async def test_a_post_holds_what_everybody_there_may_see(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        env = scene.env
        for channel, prompt in ((env.hidden, "a hidden flower"), (env.studio, "an open flower")):
            olga = scene.visitor(env.olga, channel)
            message = await drawn(olga, prompt)
            await everything_told(scene.app)
            await starred(olga, message)
        post = await posted_in(scene, env.studio)
        assert "an open flower" in post.content
        assert "hidden" not in post.content


async def posted_in(scene: Scene, channel: Any) -> discord.Message:
    """The post of a server that wants it there."""
    env, guild = scene.env, scene.env.guild_handle.id
    when = WeeklyTime(channel=channel.id, **in_two_days())
    await scene.app.studio.servers.decide(guild, ServerRule.WEEKLY, str(when), by=env.ann.id)
    client: Any = env.bot
    await later(client, scene.app.studio, 0.0)
    await later(client, scene.app.studio, 3.0)
    [post] = posts(scene.visitor(env.ann, channel))
    return post


async def test_it_can_be_moved_and_ended_by_admins_and_every_change_is_written_down(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        assert "not posted" in await wanted(here)
        await wanted(here, hour=9)
        assert "Sunday, 9:00 UTC" in await wanted(here)
        assert "Monday, 9:00 UTC" in await wanted(here, weekday=0)
        assert "not posted" in await wanted(here, off=True)
        [log] = await answers(await here.ann.command("server audit"))
        assert log.count(TITLE.lower()) == 3


def test_the_last_time_is_at_most_a_week_ago() -> None:
    monday = WeeklyTime(channel=1, weekday=0, hour=18)
    noon = datetime(2026, 11, 30, 12, tzinfo=UTC)  # a Monday
    assert monday.last(noon.timestamp()) == datetime(2026, 11, 23, 18, tzinfo=UTC).timestamp()
    evening = noon.replace(hour=18)
    assert monday.last(evening.timestamp()) == evening.timestamp()
