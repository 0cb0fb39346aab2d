"""Replies to pictures, as people say them: exactly that changes, and the line beside it says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import discord
import pytest

from generation.difference import difference
from generation.recipe import Recipe, needed
from generation.tasks import Task
from tests.given.apps import Studio, a_studio
from tests.given.builders import a_blue_png
from tests.given.discord_world import buttons, pictures
from tests.given.results import is_result, labels, number_of, recipe_of
from tests.given.waiting import eventually
from tests.given.words import a_writer, words_by


@asynccontextmanager
async def a_picture_of(
    folder: Path, prompt: str, *, settings: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[Studio, discord.Message]]:
    """A studio in which Ann has had a picture drawn."""
    async with a_studio(folder, **(settings or {})) as studio:
        await studio.world.ann.command("imagine", prompt=prompt, **{"seed": "7", **options})
        yield studio, await studio.world.ann.sees(is_result)


async def after_reply(studio: Studio, words: str, picture: Any) -> discord.Message:
    """The result of Ann's reply."""
    asked = await studio.world.ann.say(words, reply_to=picture)
    return await studio.world.ann.sees(is_result, after=asked)


def names(before: Recipe, after: Recipe) -> set[str]:
    return {changed.name for changed in difference(before, after)}


# --- the rows of faults that people met: what was broken, and is not --------------------------


@pytest.mark.usefixtures("contract")
async def test_make_it_night_keeps_the_flower(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a red flower", steps=7, cfg=5.5) as (studio, first):
        second = await after_reply(studio, "make it night", first)
        before, after = await recipe_of(first), await recipe_of(second)
        assert after.described == "a red flower, at night"
        assert after.prompt == after.described, "the built-in model is told all that it shows"
        assert after.task is Task.EDIT
        assert not names(before, after) & {"seed", "canvas.width", "canvas.height", "adapters"}
        assert studio.worker.orders[-1].inputs == ((await pictures(first))[0],)
        assert "seed, size stay" in second.content
        assert "made from [#1]" in second.content
        assert {"Undo", "Edit"} <= set(labels(second))


async def test_a_number_takes_that_picture_and_changes_its_colour_alone(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a yellow car", count=4) as (studio, four):
        second = await after_reply(studio, "2: make it red", four)
        after = await recipe_of(second)
        assert studio.worker.orders[-1].inputs == ((await pictures(four))[1],)
        assert "red car" in after.described
        assert "yellow" not in after.described
        assert after.seed == 8


async def test_what_is_removed_is_named_no_more(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a cat wearing a blue hat") as (studio, first):
        after = await recipe_of(await after_reply(studio, "remove the hat", first))
        assert "cat" in after.described
        assert "hat" not in after.described.split()


async def test_as_pixel_art_keeps_every_word_and_takes_the_style(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a red flower") as (studio, first):
        second = await after_reply(studio, "as pixel art", first)
        after = await recipe_of(second)
        assert "a red flower" in after.prompt
        assert "pixel art" in after.prompt
        assert "ass" not in after.prompt.replace(",", " ").split()
        assert after.seed == 7


async def test_a_number_that_is_not_there_draws_nothing(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a yellow car", count=4) as (studio, four):
        await studio.world.ann.say("9: make it red", reply_to=four)
        await studio.world.ann.sees("There are 4 pictures")
        assert len(studio.worker.orders) == 4


async def test_thanks_draw_nothing_and_are_heard(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a red flower") as (studio, first):
        await studio.world.ann.say("thanks, lovely!", reply_to=first)
        await eventually(lambda: studio.world.requests("PUT", "/@me"))
        assert len(studio.worker.orders) == 1
        # The picture's progress goes a moment after it is there.
        await eventually(lambda: len(studio.world.ann.messages()) == 2)


async def test_a_full_sentence_is_drawn_as_it_is(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a red flower") as (studio, first):
        after = await recipe_of(await after_reply(studio, "a red flower at night", first))
        assert after.prompt == "a red flower at night"
        assert after.seed == 7


async def test_a_styles_negative_goes_with_the_style(tmp_path: Path) -> None:
    words = {"prompt_assist": words_by(a_writer())}
    options: dict[str, Any] = {"style": "pixel-art", "negative": "sun", "settings": words}
    async with a_picture_of(tmp_path, "a red flower", **options) as (studio, first):
        styled = needed((await recipe_of(first)).words).negative_prompt
        assert "photo" in styled
        second = await after_reply(studio, "as a photo", first)
        assert "photo" not in needed((await recipe_of(second)).words).negative_prompt
        assert "sun" in needed((await recipe_of(second)).words).negative_prompt


# --- settings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("--steps 12", {"sampling.steps", "sampling.sigmas"}),
        ("cfg 3", {"sampling.cfg"}),
        ("seed 11", {"seed"}),
        ("again", {"seed"}),
    ],
)
async def test_a_setting_changes_what_it_is_called_alone(
    tmp_path: Path, words: str, fields: set[str]
) -> None:
    async with a_picture_of(tmp_path, "a red flower") as (studio, first):
        second = await after_reply(studio, words, first)
        assert names(await recipe_of(first), await recipe_of(second)) == fields


async def test_again_with_a_number_rolls_that_picture_alone(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a yellow car", count=4) as (studio, four):
        third = await after_reply(studio, "#3 again", four)
        assert len(third.attachments) == 1
        assert (await recipe_of(third)).seed not in (7, 8, 9, 10)


async def test_bigger_is_the_very_same_picture_with_more_pixels(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a red flower") as (studio, first):
        second = await after_reply(studio, "bigger", first)
        larger = await recipe_of(second)
        assert larger.task is Task.UPSCALE
        assert (needed(larger.canvas).width, needed(larger.canvas).height) == (256, 256)
        assert larger.described == "a red flower"
        third = await after_reply(studio, "make it night", second)
        assert (await recipe_of(third)).described == "a red flower, at night"


@pytest.mark.parametrize(
    ("said", "shows"),
    [("make it night", "night"), ("a blue boat", "a blue boat"), ("as watercolor", "watercolor")],
)
async def test_what_was_sent_and_made_larger_is_changed_as_what_was_sent_is(
    tmp_path: Path, said: str, shows: str
) -> None:
    async with a_studio(tmp_path) as studio:
        await studio.world.ann.command("upscale", image=("sea.png", a_blue_png()))
        larger = await studio.world.ann.sees(is_result)
        assert (await recipe_of(larger)).family == ""
        changed = await after_reply(studio, said, larger)
        recipe = await recipe_of(changed)
        assert recipe.family
        assert shows in recipe.prompt
        assert studio.worker.orders[-1].inputs == ((await pictures(larger))[0],)


@pytest.mark.parametrize("said", ["again", "vary it", "zoom out", "less steps", "bigger"])
async def test_of_what_was_sent_and_made_larger_nothing_else_ends_in_a_riddle(
    tmp_path: Path, said: str
) -> None:
    async with a_studio(tmp_path) as studio:
        await studio.world.ann.command("upscale", image=("sea.png", a_blue_png()))
        larger = await studio.world.ann.sees(is_result)
        asked = await studio.world.ann.say(said, reply_to=larger)
        answer = await studio.world.ann.sees(
            lambda m: is_result(m) or ("Queued" not in m.content and bool(m.content)), after=asked
        )
        assert "called nothing" not in answer.content


async def test_without_a_number_the_picture_that_is_picked_below_is_meant(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a yellow car", count=4) as (studio, four):
        first = await after_reply(studio, "make it red", four)
        assert "I took picture 1 of 4" in first.content
        await studio.world.ann.choose(four, number_of(four, 3))
        second = await after_reply(studio, "make it red", four)
        assert studio.worker.orders[-1].inputs == ((await pictures(four))[2],)
        assert (await recipe_of(second)).seed == 9
        assert "I took picture 3 of 4, which is picked there" in second.content
        other = await after_reply(studio, "1: make it red", four)
        assert (await recipe_of(other)).seed == 7
        assert "I took picture" not in other.content


@pytest.mark.parametrize(
    ("said", "place", "other"),
    [
        ("her in the second picture's room", 1, 2),
        ("put the cat from 1 into the room of 2", 2, 1),
        ("make 1 look like 2", 1, 2),
    ],
)
async def test_of_several_that_are_named_a_line_says_which_one_was_taken(
    tmp_path: Path, said: str, place: int, other: int
) -> None:
    async with a_picture_of(tmp_path, "a cat", count=2) as (studio, two):
        second = await after_reply(studio, said, two)
        assert f"I drew from picture {place} alone and took nothing of picture {other}" in (
            second.content
        )
        assert studio.worker.orders[-1].inputs == ((await pictures(two))[place - 1],)


async def test_what_comes_with_a_reply_is_taken_and_the_answered_picture_named(
    tmp_path: Path,
) -> None:
    async with a_picture_of(tmp_path, "a cat") as (studio, first):
        sent = [("room.png", a_blue_png())]
        asked = await studio.world.ann.say("make it night", reply_to=first, files=sent)
        second = await studio.world.ann.sees(is_result, after=asked)
        assert "I drew from what you sent, and took nothing of the picture" in second.content


async def test_pictures_that_are_all_meant_are_not_said_to_be_left(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a cat", count=2) as (studio, two):
        second = await after_reply(studio, "#1 and #2: make it night", two)
        assert "took nothing" not in second.content


# --- chains, undo -----------------------------------------------------------------------------


async def test_changes_in_a_row_are_drawn_from_the_first_picture(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a red flower") as (studio, first):
        second = await after_reply(studio, "make it night", first)
        third = await after_reply(studio, "make it blue", second)
        after = await recipe_of(third)
        assert studio.worker.orders[-1].inputs == ((await pictures(first))[0],)
        assert after.described == "a blue flower, at night"
        assert after.prompt == after.described
        assert "made from [#2]" in third.content


async def test_undo_shows_what_was_before_and_a_reply_to_that_goes_on_from_it(
    tmp_path: Path,
) -> None:
    async with a_picture_of(tmp_path, "a red flower") as (studio, first):
        ann = studio.world.ann
        second = await after_reply(studio, "make it night", first)
        asked = await ann.say("undo", reply_to=second)
        back = await ann.sees("Back to #1", after=asked)
        assert await pictures(back) == await pictures(first)
        assert len(studio.worker.orders) == 2
        third = await after_reply(studio, "make it blue", back)
        assert (await recipe_of(third)).described == "a blue flower"
        again = await ann.say("undo", reply_to=back)
        await ann.sees("nothing before this picture", after=again)


async def test_the_undo_button_does_the_same(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a red flower") as (studio, first):
        assert "Undo" not in labels(first)
        second = await after_reply(studio, "make it night", first)
        await studio.world.ben.press(second, "Undo")
        back = await studio.world.ben.sees("Back to #1", after=second)
        assert await pictures(back) == await pictures(first)
        assert any(b.custom_id == "atelier:again:1:1" for b in buttons(back))


# --- what draws nothing -----------------------------------------------------------------------


async def test_a_question_about_the_seed_is_answered_without_a_picture(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a red flower") as (studio, first):
        await studio.world.ann.say("seed?", reply_to=first)
        await studio.world.ann.sees("seed 7", after=first)
        assert len(studio.worker.orders) == 1


async def test_what_cannot_be_told_is_asked_back(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a red flower") as (studio, first):
        await studio.world.ann.say("change it", reply_to=first)
        await studio.world.ann.sees("What should change?", after=first)
        assert len(studio.worker.orders) == 1


async def test_the_third_one_is_shown_alone_and_is_what_the_next_reply_is_about(
    tmp_path: Path,
) -> None:
    async with a_picture_of(tmp_path, "a yellow car", count=4) as (studio, four):
        asked = await studio.world.ann.say("the third one", reply_to=four)
        alone = await studio.world.ann.sees("alone", after=asked)
        assert await pictures(alone) == (await pictures(four))[2:3]
        second = await after_reply(studio, "make it red", alone)
        assert studio.worker.orders[-1].inputs == ((await pictures(four))[2],)
        assert "made from" in second.content


async def test_delete_takes_away_all_that_shows_it_and_can_be_undone(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a red flower") as (studio, first):
        ann, ben = studio.world.ann, studio.world.ben
        await ben.say("delete this", reply_to=first)
        await ben.sees("Only its owner or a moderator", after=first)
        second = await after_reply(studio, "make it night", first)
        asked = await ann.say("undo", reply_to=second)
        back = await ann.sees("Back to #1", after=asked)
        await ann.say("delete this", reply_to=back)
        told = await ann.sees("Deleted", after=back)
        await eventually(lambda: not any("Back to #1" in m.content for m in ann.messages()))
        await ann.press(told, "Undo")
        await ann.sees(lambda m: is_result(m) and "#1 ·" in m.content, after=told)


async def test_somebody_elses_reply_is_their_own_request(tmp_path: Path) -> None:
    async with a_picture_of(tmp_path, "a red flower") as (studio, first):
        asked = await studio.world.ben.say("make it night", reply_to=first)
        second = await studio.world.ben.sees(is_result, after=asked)
        assert f"<@{studio.world.ben.id}>" in second.content
