"""The result says in a few lines what decided it; a long recipe is whole in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import discord

from bot.pages import replies
from generation.interchange import reading
from generation.interchange.infotext import infotext
from generation.recipe import needed, parse
from tests.given.apps import a_studio
from tests.given.builders import a_blue_png
from tests.given.results import is_result, recipe_of
from tests.given.words import a_writer, words_by


async def the_result(tmp_path: Path, **options: Any) -> tuple[discord.Message, str]:
    async with a_studio(tmp_path) as studio:
        await studio.world.ann.command("imagine", **options)
        message = await studio.world.ann.sees(is_result)
        return message, (await recipe_of(message)).prompt


async def test_the_choice_of_the_seed_is_shown(tmp_path: Path) -> None:
    message, drawn = await the_result(tmp_path, prompt="a {red|blue|green} car")
    assert f"🎯 {drawn}" in message.content
    assert "{" not in drawn


async def test_each_picture_names_its_own_choice(tmp_path: Path) -> None:
    message, _ = await the_result(tmp_path, prompt="a {red|blue|green} car", count=4, seed="1")
    line = next(line for line in message.content.splitlines() if line.startswith("🎯"))
    assert [f"#{n} a " in line for n in range(1, 5)] == [True] * 4


async def test_words_without_a_choice_are_said_once(tmp_path: Path) -> None:
    message, _ = await the_result(tmp_path, prompt="a red car")
    assert message.content.count("a red car") == 1
    assert "🚫" not in message.content
    assert "↪️" not in message.content


async def test_the_negative_prompt_is_shown_where_somebody_gave_one(tmp_path: Path) -> None:
    message, _ = await the_result(tmp_path, prompt="a red car", negative="sun, clouds")
    assert "🚫 sun, clouds" in message.content


async def test_an_upload_that_a_picture_was_made_from_is_named(tmp_path: Path) -> None:
    message, _ = await the_result(tmp_path, prompt="a boat", image=("a.png", a_blue_png()))
    assert "made from an upload" in message.content


async def test_a_prompt_of_pages_leaves_the_head_short(tmp_path: Path) -> None:
    words = "a red flower in a field of " + ", ".join(["tall grass"] * 400)
    message, drawn = await the_result(tmp_path, prompt=words[:4000])
    head = message.content.splitlines()[0]
    assert len(head) < 160
    assert "…" in head
    assert len(drawn) > 3000


async def test_nothing_is_cut_without_a_sign() -> None:
    assert replies.whole("a" * 5000).endswith("…")
    assert len(replies.whole("a" * 5000)) == replies.MAX_CONTENT


async def test_a_short_recipe_is_in_the_message_and_a_long_one_whole_in_a_file(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", negative="sun")
        await ann.press(await ann.sees(is_result), "📄")
        page = await ann.sees("sampler")
        assert all(not file.filename.startswith("recipe") for file in page.attachments)
        assert "negative  sun" in page.content
        words = ", ".join(f"flower {n}" for n in range(400))
        newest = ann.messages()[-1]
        await ann.command("imagine", prompt=words, negative=words)
        drawn = await ann.sees(is_result, after=newest)
        await ann.press(drawn, "📄")
        page = await ann.sees("is in the file", after=drawn)
        file = next(one for one in page.attachments if one.filename == "recipe-2.txt")
        text = (await file.read()).decode()
        assert text.count(words) >= 2
        assert parse(text.split("The recipe itself:\n")[1].strip()) == await recipe_of(drawn)
        assert "…" in page.content
        assert json.loads(text.split("The recipe itself:\n")[1])


async def test_a_recipe_comes_in_the_forms_that_other_programs_read(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", negative="sun", seed="7")
        drawn = await ann.sees(is_result)
        await ann.press(drawn, "📄")
        page = await ann.sees("drop `comfyui-1.json` onto ComfyUI")
        assert "the model is a folder here" in page.content
        recipe = await recipe_of(drawn)
        files = {one.filename: (await one.read()).decode() for one in page.attachments}
        assert files["a1111-1.txt"] == infotext(recipe)
        for name, key in (("comfyui-1.json", "workflow"), ("comfyui-api-1.json", "prompt")):
            read = reading.read({key: files[name]})
            assert (read.seed, read.draft.words.prompt) == (7, recipe.prompt)


async def test_a_styles_negative_does_not_outlive_the_style(tmp_path: Path) -> None:
    async with a_studio(tmp_path, prompt_assist=words_by(a_writer())) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a red flower", style="pixel-art", negative="sun")
        first = await here.ann.sees(is_result)
        assert "photo" in needed((await recipe_of(first)).words).negative_prompt
        await here.ann.say("a red flower, photo", reply_to=first)
        second = await here.ann.sees(is_result, after=first)
        negative = needed((await recipe_of(second)).words).negative_prompt
        assert negative.startswith("sun")
        assert "photo" not in negative
