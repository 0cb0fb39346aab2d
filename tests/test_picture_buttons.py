"""The row under a result works on each of its pictures, for everybody who presses, for ever."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.chat.buttons.result import result_view
from bot.chat.buttons.table import BUTTONS
from generation.job import UserId
from generation.media import image
from generation.recipe import Recipe
from storage.ids import LARGEST, PictureId
from storage.tickets import RequestId
from tests.given.apps import Studio, a_studio
from tests.given.discord_world import buttons, pictures
from tests.given.results import is_result, number_of, recipe_of
from tests.given.stored import a_stored_picture
from tests.given.waiting import eventually


async def recipes_of(message: discord.Message) -> list[Recipe]:
    """Those of all its pictures."""
    found = [image.recipe_in(png) for png in await pictures(message)]
    return [recipe for recipe in found if recipe is not None]


def star_of(message: Any) -> str | None:
    [label] = [b.label for b in buttons(message) if str(b.emoji) == "⭐"]
    return label


async def now(studio: Studio, message: discord.Message) -> discord.Message:
    """The message as it is by now."""
    return await studio.world.ann.sees(lambda m: m.id == message.id)


async def three_boats(studio: Studio) -> discord.Message:
    await studio.world.ann.command("imagine", prompt="a boat", seed="40", count=3)
    return await studio.world.ann.sees(is_result)


@pytest.mark.usefixtures("contract")
async def test_a_picked_picture_is_what_the_buttons_are_about(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, message = studio.world.ann, await three_boats(studio)
        third = number_of(message, 3)
        await ann.choose(message, third)
        message = await now(studio, message)
        await ann.press(message, "🎲")
        again = await ann.sees(is_result, after=message)
        assert [r.prompt for r in await recipes_of(again)] == ["a boat"]
        await ann.press(message, "♻️")
        same = await ann.sees("IDENTICAL", after=again)
        assert (await recipe_of(same)).seed == 42
        await ann.press(message, "📄")
        recipe = await ann.sees("sampler", after=same)
        assert recipe.content.startswith(f"#{third}\n")


async def test_until_one_is_picked_it_is_the_first(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, message = studio.world.ann, await three_boats(studio)
        await ann.press(message, "♻️")
        assert (await recipe_of(await ann.sees("IDENTICAL"))).seed == 40


async def test_all_of_them_can_be_drawn_again_at_once(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, message = studio.world.ann, await three_boats(studio)
        await ann.press(message, "🔁")
        assert len(await recipes_of(await ann.sees(is_result, after=message))) == 3


async def test_a_press_is_about_what_the_presser_saw(tmp_path: Path) -> None:
    """Ben picks another picture before Ann's is drawn."""
    async with a_studio(tmp_path) as studio:
        here, message = studio.world, await three_boats(studio)
        studio.worker.gate.clear()
        await here.ann.press(message, "♻️")
        await here.ben.choose(message, number_of(message, 2))
        studio.worker.gate.set()
        same = await here.ann.sees("IDENTICAL", after=message)
        assert (await recipe_of(same)).seed == 40


async def test_two_people_who_press_at_once_have_a_request_each(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here, message = studio.world, await three_boats(studio)
        await here.ann.press(message, "🎲")
        await here.ben.press(message, "🎲")
        for who in (here.ann, here.ben):
            name = f"<@{who.id}>"
            assert is_result(await who.sees(name, after=message))


@pytest.mark.usefixtures("contract")
async def test_a_star_is_kept_for_each_person_and_the_message_counts(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here, message = studio.world, await three_boats(studio)
        stars = studio.app.stores.favourites
        one, two = (number_of(message, place) for place in (1, 2))
        first, second = (PictureId(int(number)) for number in (one, two))
        assert star_of(message) == "Star"
        await here.ann.press(message, "⭐")
        told = await here.ann.sees(f"#{one} is among your favourites")
        assert told.id not in [m.id for m in here.ben.messages()]
        await eventually(lambda: star_of(here.ann.messages()[0]) == "1")
        await here.ben.press(await now(studio, message), "⭐")
        await eventually(lambda: star_of(here.ann.messages()[0]) == "2")
        assert await stars.stars([first, second]) == {first: 2}
        await here.ann.choose(await now(studio, message), two)
        assert star_of(await now(studio, message)) == "Star"
        await here.ann.choose(await now(studio, message), one)
        await here.ann.press(await now(studio, message), "⭐")
        await eventually(lambda: star_of(here.ann.messages()[0]) == "1")
        assert await stars.stars([first]) == {first: 1}


async def test_stars_that_are_given_at_once_are_all_counted(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        await three_boats(studio)
        stars, askers = studio.app.stores.favourites, range(1, 9)
        await asyncio.gather(*(stars.toggle(UserId(n), PictureId(1), at=0.0) for n in askers))
        assert await stars.stars([PictureId(1)]) == {1: len(askers)}


def test_the_longest_ids_fit_and_are_heard() -> None:
    shown = [replace(a_stored_picture(), id=PictureId(LARGEST - n)) for n in range(8)]
    view = result_view(RequestId(LARGEST), shown, worded=True)
    templates = [b.__discord_ui_compiled_template__ for b in BUTTONS]
    ids = [item.custom_id for item in view.children]  # type: ignore[attr-defined]
    assert len(ids) == len(set(ids))
    for custom_id in ids:
        assert len(custom_id) <= 100
        assert sum(t.fullmatch(custom_id) is not None for t in templates) == 1, custom_id
