"""Forwarded and linked pictures are pictures, and no file is passed over in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generation.recipe import needed
from generation.tasks import Task
from tests.given.apps import a_studio
from tests.given.builders import a_blue_png
from tests.given.discord_world import World
from tests.given.results import is_result


def mention(here: World) -> str:
    assert here.bot.user is not None
    return f"<@{here.bot.user.id}>"


async def forwarded(here: World, message: Any) -> Any:
    """Ben forwards a message."""
    backend, channel = here.env.backend, here.env.studio.id
    reference = {"type": 1, "message_id": str(message.id), "channel_id": str(channel)}
    copy = backend.create_message(channel, here.ben.id, "", reference=reference)
    return await here.ben.sees(lambda m: m.id == copy.id)


async def test_a_forwarded_picture_is_one_in_a_reply_and_in_the_menu(tmp_path: Path) -> None:
    async with a_studio(tmp_path, message_content=True) as studio:
        here, worker = studio.world, studio.worker
        upload = await here.ann.say("look", files=[("sky.png", a_blue_png())])
        forward = await forwarded(here, upload)
        await here.ben.say(f"{mention(here)} at night", reply_to=forward)
        await here.ben.sees(lambda m: is_result(m) and "at night" in m.content)
        assert worker.orders[-1].recipe.task is Task.EDIT
        form = await here.ben.menu("Start from this picture", forward)
        await here.ben.submit(form, "in the rain", "0.6")
        await here.ben.sees(lambda m: is_result(m) and "rain" in m.content)
        [one], [other] = [order.recipe.inputs for order in worker.orders]
        assert one.sha256 == other.sha256


async def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await here.ann.say(f"{mention(here)} a red boat", files=[("note.txt", b"hello")])
        message = await here.ann.sees(is_result)
        assert "note.txt" in message.content
        assert "I drew from the words alone" in message.content
        assert studio.worker.orders[-1].recipe.task is Task.TEXT_TO_IMAGE


async def test_of_several_files_the_first_picture_is_taken_and_the_rest_named(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        files = [("a.txt", b"words"), ("b.png", a_blue_png()), ("c.png", a_blue_png(100, 100))]
        await here.ann.say(f"{mention(here)} a red boat", files=files)
        message = await here.ann.sees(is_result)
        assert "I took the first picture, “b.png”" in message.content
        assert "“c.png” was left out" in message.content
        assert "“a.txt” is no picture" in message.content
        recipe = studio.worker.orders[-1].recipe
        assert needed(recipe.canvas).width > needed(recipe.canvas).height


async def test_a_number_chooses_among_uploads_too(tmp_path: Path) -> None:
    async with a_studio(tmp_path, message_content=True) as studio:
        here = studio.world
        files = [("wide.png", a_blue_png()), ("tall.png", a_blue_png(100, 200))]
        upload = await here.ben.say("mine", files=files)
        await here.ann.say(f"{mention(here)} 2: as a painting", reply_to=upload)
        await here.ann.sees(lambda m: is_result(m) and "painting" in m.content)
        recipe = studio.worker.orders[-1].recipe
        assert needed(recipe.canvas).height > needed(recipe.canvas).width
        assert "painting" in recipe.prompt


async def test_a_number_beyond_the_pictures_draws_nothing(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a car", count=4)
        four = await ann.sees(is_result)
        await ann.say("9: make it red", reply_to=four)
        await ann.sees("4 pictures")
        assert len(studio.worker.orders) == 4
