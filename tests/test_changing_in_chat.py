"""Pictures that are changed by a command or put right in a form, and shown with their lineage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generation.difference import difference
from generation.recipe import Recipe
from generation.tasks import Task
from tests.given.apps import Studio, a_studio
from tests.given.builders import a_blue_png
from tests.given.discord_world import pictures
from tests.given.results import is_result, labels, recipe_of
from tests.given.waiting import eventually


def fields_of(opened: Any) -> dict[str, str]:
    """What stands in a form."""
    fields = [row["component"] for row in opened.modal["components"]]
    return {field["custom_id"]: field.get("value") or "" for field in fields}


def names(before: Recipe, after: Recipe) -> set[str]:
    return {change.name for change in difference(before, after)}


async def a_flower(studio: Studio) -> Any:
    await studio.world.ann.command("imagine", prompt="a red flower", seed="7")
    return await studio.world.ann.sees(is_result)


@pytest.mark.usefixtures("contract")
async def test_a_command_changes_what_a_reply_would(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, first = studio.world.ann, await a_flower(studio)
        replied, commanded = "", ""
        await ann.say("make it night", reply_to=first)
        second = await ann.sees(is_result, after=first)
        replied = (await recipe_of(second)).id
        for which in ("1", first.jump_url):
            newest = ann.messages()[-1]
            await ann.command("edit", change="make it night", picture=which)
            third = await ann.sees(is_result, after=newest)
            commanded = (await recipe_of(third)).id
            assert commanded == replied
            assert f"made from [#1]({first.jump_url})" in third.content


@pytest.mark.usefixtures("contract")
async def test_a_command_changes_what_is_sent(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("edit", change="make it night", image=("sea.png", a_blue_png()))
        drawn = await ann.sees(is_result)
        recipe = await recipe_of(drawn)
        assert recipe.task is Task.EDIT
        assert "night" in recipe.prompt


@pytest.mark.usefixtures("contract")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("thanks, lovely!", "Nothing in that is to be changed"),
        ("undo", "That is where it began"),
        ("delete this", "I deleted nothing"),
        ("seed?", "seed"),
    ],
)
async def test_what_draws_nothing_is_answered_to_the_asker_alone(
    tmp_path: Path, change: str, told: str
) -> None:
    async with a_studio(tmp_path) as studio:
        ann, _ = studio.world.ann, await a_flower(studio)
        await ann.command("edit", change=change, picture="1")
        answer = await ann.sees(lambda m: told in m.content and not is_result(m))
        assert answer.id not in [m.id for m in studio.world.ben.messages()]
        assert len(studio.worker.orders) == 1


@pytest.mark.usefixtures("contract")
async def test_a_reply_that_was_understood_otherwise_is_said_again(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, first = studio.world.ann, await a_flower(studio)
        assert "Not what I meant" not in labels(first)
        await ann.say("make it night", reply_to=first)
        second = await ann.sees(is_result, after=first)
        opened = await ann.press(second, "Not what I meant")
        before = fields_of(opened)
        made = await recipe_of(second)
        assert before["reply"] == "make it night"
        assert before["prompt"] == made.prompt
        await ann.submit(opened, "make it blue", before["prompt"], before["strength"])
        third = await ann.sees(is_result, after=second)
        # Of the picture before, not of the one that was not meant.
        assert (await recipe_of(third)).described == "a blue flower"
        assert "made from [#1]" in third.content


@pytest.mark.usefixtures("contract")
async def test_or_put_right_by_hand_from_the_same_start(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, first = studio.world.ann, await a_flower(studio)
        await ann.say("make it night", reply_to=first)
        second = await ann.sees(is_result, after=first)
        opened = await ann.press(second, "Not what I meant")
        before = fields_of(opened)
        await ann.submit(opened, before["reply"], "make it dark, with stars", before["strength"])
        third = await ann.sees(is_result, after=second)
        made, by_hand = await recipe_of(second), await recipe_of(third)
        assert by_hand.prompt == "make it dark, with stars"
        assert names(made, by_hand) == {"words.prompt"}
        assert by_hand.described == by_hand.prompt, "it is told all that it shows, and shows that"


@pytest.mark.usefixtures("contract")
async def test_whatever_made_a_picture_of_another_one_can_be_undone(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, first = studio.world.ann, await a_flower(studio)
        assert "Undo" not in labels(first)
        await ann.press(first, "Subtle")
        second = await ann.sees(is_result, after=first)
        await ann.press(second, "↩️")
        again = await ann.sees("Back to #1", after=second)
        assert await pictures(again) == await pictures(first)


@pytest.mark.usefixtures("contract")
async def test_a_picture_is_shown_with_all_that_it_came_from(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here, first = studio.world, await a_flower(studio)
        await here.ann.say("make it night", reply_to=first)
        second = await here.ann.sees(is_result, after=first)
        await here.ann.press(second, "Strong")
        third = await here.ann.sees(is_result, after=second)
        await here.ben.press(third, "⭐")
        await here.ben.command("show", picture="#3")
        shown = await here.ben.sees("How it came about")
        assert shown.id not in [m.id for m in here.ann.messages()]
        assert await pictures(shown) == await pictures(third)
        lines = shown.content.splitlines()
        assert "⭐ 1" in lines[1]
        assert lines[3].startswith(
            f"**[#3]({third.jump_url})** from [#2]({second.jump_url}): varied"
        )
        assert "night" in lines[4]
        assert lines[5] == f"**[#1]({first.jump_url})**, drawn from words: a red flower"
        # Its buttons work, for the one who sees it.
        await here.ben.press(shown, "♻️")
        await here.ben.sees("IDENTICAL")


async def test_a_picture_that_one_may_not_see_is_not_shown(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here, first = studio.world, await a_flower(studio)
        await here.ann.press(first, "🗑")  # is answered before the picture is gone
        await eventually(lambda: all(m.id != first.id for m in here.ann.messages()))
        for who, picture in ((here.ben, "1"), (here.ben, "999"), (here.ben, first.jump_url)):
            await who.command("show", picture=picture)
            told = await who.sees("I do not remember that one")
            assert not told.attachments
