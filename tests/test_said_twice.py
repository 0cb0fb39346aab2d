"""What Discord says twice is one request: after a gap, at the same instant, after a restart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.chat.listening import hear
from storage.errors import AskedBefore
from tests.given.apps import a_studio, a_wish, an_app
from tests.given.discord_world import World
from tests.given.fakes import FakeWorker
from tests.given.results import is_result
from tests.given.waiting import eventually


def events(world: World, name: str) -> list[Any]:
    """Every event of a kind that the bot gets from now on, to be said again."""
    connection: Any = world.bot._connection
    real, said = connection.parsers[name], []

    def parse(data: Any) -> None:
        said.append((real, data))
        real(data)

    connection.parsers[name] = parse
    return said


async def test_a_message_that_comes_again_after_a_gap_is_drawn_once(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        said = events(here, "MESSAGE_CREATE")
        await here.ann.say(f"<@{here.bot.user.id}> a red flower")  # type: ignore[union-attr]
        await here.ann.sees(is_result)
        for parse, data in said[:1]:
            parse(data)
        await here.ann.command("imagine", prompt="something else")
        await here.ann.sees(lambda m: is_result(m) and "something else" in m.content)
        assert len(studio.worker.orders) == 2


async def test_a_message_that_comes_twice_at_once_is_drawn_once(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here, app = studio.world, studio.app
        asked = await here.ann.say("nothing for the bot")
        heard = here.bot._connection._get_message(asked.id)
        message = heard or asked
        message.content = f"<@{here.bot.user.id}> a red flower"  # type: ignore[union-attr]
        message.mentions = [here.bot.user]  # type: ignore[list-item]
        tiers = here.bot.tiers  # type: ignore[attr-defined]
        await asyncio.gather(*(hear(here.bot, app.studio, tiers, message) for _ in range(3)))
        await here.ann.sees(is_result)
        await eventually(lambda: not app.studio.open_requests.requests())
        assert len(studio.worker.orders) == 1
        # The bot has been restarted, and Discord says it once more.
        await hear(here.bot, app.studio, tiers, message)
        assert len(studio.worker.orders) == 1


async def test_an_interaction_that_comes_twice_is_drawn_once(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        said = events(here, "INTERACTION_CREATE")
        await here.ann.command("imagine", prompt="a red flower")
        parse, data = said[0]
        parse(data)
        await here.ann.sees(is_result)
        await here.ann.command("imagine", prompt="something else")
        await here.ann.sees(lambda m: is_result(m) and "something else" in m.content)
        assert [order.recipe.prompt for order in studio.worker.orders] == [
            "a red flower",
            "something else",
        ]
        assert not any("wrong" in m.content for m in here.ann.messages())


async def test_what_asked_once_asks_never_again_whatever_is_restarted(tmp_path: Path) -> None:
    wish = a_wish("a red flower")
    wish = replace(wish, origin=replace(wish.origin, source=4711))
    async with an_app(tmp_path, FakeWorker()) as app:
        await app.studio.requests.submit(wish)
    async with an_app(tmp_path, FakeWorker()) as app:
        with pytest.raises(AskedBefore):
            await app.studio.requests.submit(wish)
        await app.studio.requests.submit(replace(wish, origin=replace(wish.origin, source=4712)))
