"""Clips, sounds and forms as people meet them on Discord: commands, buttons, replies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from generation.recipe import needed
from generation.tasks import Task
from tests.given.apps import Studio, a_studio
from tests.given.builders import a_blue_png, a_model_folder, noisy_png
from tests.given.other_media import FILM, SOLID, VOICE, Doodler, known, makers, pictures_alone
from tests.given.results import is_result, labels
from tests.given.sounds import a_file, a_tone


@asynccontextmanager
async def a_house(folder: Path, *names: str) -> AsyncIterator[Studio]:
    """The bot with models of these families beside the usual one."""
    a_model_folder(folder / "models")
    if names:
        makers(folder / "models", *names)
    async with a_studio(folder, Doodler()) as studio:
        with known(studio.app.studio.offers.catalog):
            yield studio


async def test_a_form_is_made_of_words_and_shown_turning_beside_its_file(tmp_path: Path) -> None:
    async with a_house(tmp_path, SOLID) as studio:
        ann = studio.world.ann
        await ann.command("model3d", prompt="a red cube", seed="7", resolution=24)
        message = await ann.sees(is_result)
        [order] = studio.worker.orders
        assert (order.recipe.task, order.recipe.seed) == (Task.TEXT_TO_3D, 7)
        assert needed(order.recipe.form).resolution == 24
        assert [a.filename for a in message.attachments][:1] == ["1.glb"]
        assert len(message.attachments) == 2
        assert "Upscale" not in labels(message)
        assert {"Again", "Subtle", "Star", "Recipe", "Reproduce", "Delete"} <= {*labels(message)}
        assert not studio.world.faults


async def test_what_people_like_for_their_pictures_is_not_said_of_a_form(tmp_path: Path) -> None:
    async with a_house(tmp_path, SOLID) as studio:
        ann = studio.world.ann
        await ann.command("settings", size="3:2", steps=33, count=3, negative="people")
        newest = ann.messages()[-1]
        await ann.command("model3d", prompt="a red cube")
        await ann.sees(is_result, after=newest)
        [order] = studio.worker.orders
        sampling, words = needed(order.recipe.sampling), needed(order.recipe.words)
        assert sampling.steps != 33
        assert words.negative_prompt == ""


async def test_a_button_makes_a_form_of_the_picture_itself(tmp_path: Path) -> None:
    async with a_house(tmp_path, SOLID) as studio:
        ann, painted = studio.world.ann, noisy_png(64)
        await ann.command("imagine", prompt="a cup", image=("cup.png", painted), denoise=0.5)
        first = await ann.sees(is_result)
        assert {"Animate", "Sound", "3D"} <= {*labels(first)}
        await ann.press(first, "🧊")
        second = await ann.sees(is_result, after=first)
        recipe = studio.worker.orders[-1].recipe
        assert (recipe.task, recipe.inputs[0].role) == (Task.IMAGE_TO_3D, "view")
        assert needed(recipe.words).prompt == "a cup"
        assert "made from" in second.content


async def test_a_preset_of_a_form_s_model_is_offered_kept_and_used(tmp_path: Path) -> None:
    async with a_house(tmp_path, SOLID) as studio:
        ann = studio.world.ann
        offered = await ann.complete("preset save", "model", "", name="solid")
        forms = [e.name for e in studio.app.studio.offers.makers(Task.TEXT_TO_3D)]
        assert forms
        assert {*forms} <= {*offered}
        await ann.command("preset save", name="solid", model=forms[-1], steps=5)
        saved = await ann.sees("💾 Saved `solid`")
        await ann.command("model3d", prompt="a red cube", preset="solid")
        await ann.sees(is_result, after=saved)
        [order] = studio.worker.orders
        assert order.recipe.checkpoint.name == forms[-1]
        assert needed(order.recipe.sampling).steps == 5
        assert not studio.world.faults


async def test_a_picture_of_one_colour_is_no_form(tmp_path: Path) -> None:
    async with a_house(tmp_path, SOLID) as studio:
        ann = studio.world.ann
        await ann.command("model3d", image=("blue.png", a_blue_png()))
        said = await ann.sees("one colour all over")
        assert "nothing to make a form of" in said.content
        assert not studio.worker.orders


async def test_where_nothing_makes_it_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    async with a_house(tmp_path) as studio:
        ann = studio.world.ann
        with pictures_alone(studio.app.studio.offers.catalog):
            for command, what in (("video", "clips"), ("sound", "sounds"), ("model3d", "forms")):
                await ann.command(command, prompt="a red ball that is there")
                said = await ann.sees(f"No model that makes {what}")
                assert "/models add" in said.content
        assert not studio.worker.orders


async def test_a_reply_turns_a_picture_into_a_form(tmp_path: Path) -> None:
    async with a_house(tmp_path, SOLID) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a cup", image=("cup.png", noisy_png(64)), denoise=0.5)
        first = await ann.sees(is_result)
        await ann.say("turn it into a 3d model", reply_to=first)
        second = await ann.sees(is_result, after=first)
        assert studio.worker.orders[-1].recipe.task is Task.IMAGE_TO_3D
        assert "in three dimensions" in second.content
        await ann.say("make it red", reply_to=second)
        await ann.sees(is_result, after=second)
        after = studio.worker.orders[-1].recipe
        assert after.task is Task.IMAGE_TO_3D
        assert "red" in needed(after.words).prompt
        newest = ann.messages()[-1]
        await ann.say("zoom out", reply_to=second)
        assert "no pixels" in (await ann.sees("no pixels", after=newest)).content


async def test_commands_for_pictures_refuse_a_form_kindly(tmp_path: Path) -> None:
    async with a_house(tmp_path, SOLID) as studio:
        ann = studio.world.ann
        await ann.command("model3d", prompt="a red cube")
        await ann.sees(is_result)
        for command, options in (
            ("upscale", {}),
            ("outpaint", {}),
            ("inpaint", {"prompt": "a hat", "region": "the top"}),
        ):
            newest = ann.messages()[-1]
            await ann.command(command, picture="#1", **options)
            said = await ann.sees("this wants a picture", after=newest)
            assert "a form" in said.content
        assert len(studio.worker.orders) == 1
        newest = ann.messages()[-1]
        await ann.command("vary", picture="#1")
        await ann.sees(is_result, after=newest)
        assert studio.worker.orders[-1].recipe.variations


async def test_a_picture_is_set_in_motion_gone_on_from_and_stopped(tmp_path: Path) -> None:
    async with a_house(tmp_path, FILM) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red ball", image=("a.png", noisy_png(64)))
        picture = await ann.sees(is_result)
        await ann.say("let it roll to the left", reply_to=picture)
        clip = await ann.sees(is_result, after=picture)
        recipe = studio.worker.orders[-1].recipe
        assert (recipe.task, recipe.inputs[0].role) == (Task.IMAGE_TO_VIDEO, "first")
        assert needed(recipe.words).prompt == "a red ball rolls to the left"
        assert "9 frames · 8 fps · 1.1 s" in clip.content
        assert {"Go on", "Last frame", "Upscale"} <= {*labels(clip)}
        assert "Zoom out" not in labels(clip)
        await ann.press(clip, "🎞️")
        still = await ann.sees(is_result, after=clip)
        assert studio.worker.orders[-1].recipe.task.value == Task.UPSCALE.value
        assert "Animate" in labels(still)
        await ann.say("slower", reply_to=clip)
        slow = await ann.sees(is_result, after=still)
        assert needed(studio.worker.orders[-1].recipe.motion).fps < 8
        await ann.say("2 seconds longer", reply_to=clip)
        await ann.sees(is_result, after=slow)
        assert studio.worker.orders[-1].recipe.task.value == Task.EXTEND_VIDEO.value


async def test_a_clip_of_two_hours_is_refused_with_what_fits(tmp_path: Path) -> None:
    async with a_house(tmp_path, FILM) as studio:
        ann = studio.world.ann
        await ann.command("video", prompt="a red ball", seconds=600.0)
        assert "seconds" in (await ann.sees("up to 4.1")).content
        newest = ann.messages()[-1]
        await ann.command("video", prompt="a red ball", clip=("x.mp4", b"\0\0\0\x18ftypmp42" * 9))
        assert "I cannot use that clip" in (await ann.sees("clip", after=newest)).content
        assert not studio.worker.orders


async def test_a_sound_that_is_made_over_is_as_long_as_it_was(tmp_path: Path) -> None:
    async with a_house(tmp_path, VOICE) as studio:
        ann, heard = studio.world.ann, ("tone.wav", a_file(a_tone(8_000, 0.8), 8_000))
        await ann.command("sound", prompt="a bell", audio=heard)
        result = await ann.sees(is_result)
        recipe = studio.worker.orders[-1].recipe
        assert (recipe.task, needed(recipe.sound).seconds) == (Task.AUDIO_TO_AUDIO, 0.8)
        await ann.command("sound", prompt="a bell", audio=heard, seconds=1.5)
        await ann.sees(is_result, after=result)
        assert needed(studio.worker.orders[-1].recipe.sound).seconds == 1.5


async def test_a_sound_is_made_of_what_a_picture_shows_and_made_louder(tmp_path: Path) -> None:
    async with a_house(tmp_path, VOICE) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a quiet river")
        picture = await ann.sees(is_result)
        await ann.say("what would it sound like?", reply_to=picture)
        sound = await ann.sees(is_result, after=picture)
        recipe = studio.worker.orders[-1].recipe
        assert (recipe.task, needed(recipe.words).prompt) == (Task.TEXT_TO_AUDIO, "a quiet river")
        assert {"Upscale", "Zoom out", "Edit", "Animate"}.isdisjoint(labels(sound))
        assert len(sound.attachments) == 2  # its waveform beside it
        await ann.say("louder", reply_to=sound)
        louder = await ann.sees(is_result, after=sound)
        assert needed(studio.worker.orders[-1].recipe.words).prompt == "a loud river"
        assert "enoise" not in louder.content  # nobody has set one
        await ann.say("3 seconds", reply_to=louder)
        await ann.sees(is_result, after=louder)
        assert needed(studio.worker.orders[-1].recipe.sound).seconds == 3
