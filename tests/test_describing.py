"""A picture is described as prompts that can be drawn, to whoever may see it, or not at all."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest

from bot.cli.describing import describe
from bot.studio.describing import in_a_prompt
from tests.given.apps import a_studio, some_settings
from tests.given.builders import a_blue_png
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, recipe_of
from tests.given.words import a_writer, with_details, words_by


async def test_an_upload_becomes_three_prompts_that_differ_and_can_be_drawn(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.caption = "A red cat on a bench in the rain."
    folder = with_details(tmp_path)
    async with a_studio(folder, worker, prompt_assist=words_by(a_writer())) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        await ann.command("describe", image=("mine.png", a_blue_png()))
        shown = await ann.sees("**3.**")
        assert not [m for m in ben.messages() if "**3.**" in m.content]
        lines = [line for line in shown.content.splitlines() if line.startswith("**")]
        assert len(set(lines)) == 3
        assert all("red cat on a bench" in line for line in lines)
        assert lines[0] == "**1.** a red cat on a bench in the rain"
        assert "watercolor" in lines[2]
        await ann.press(shown, "🖌️ Draw 1")
        first = await ann.sees(is_result)
        assert (await recipe_of(first)).prompt == "a red cat on a bench in the rain"
        form = await ann.press(shown, "✏️ Edit 2")
        await ann.submit(form, "a blue dog")
        second = await ann.sees(is_result, after=first)
        assert (await recipe_of(second)).prompt == "a blue dog"


async def test_the_prompt_of_our_own_picture_comes_first_word_for_word(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.caption = "a blue boat at sea, flat"
    async with a_studio(tmp_path, worker, prompt_assist=words_by(None)) as studio:
        ann = studio.world.ann
        typed = "a RED cat, (masterpiece:1.2), by night.  "
        await ann.command("imagine", prompt=typed, negative="blurry, dogs", assist="off")
        drawn = await recipe_of(await ann.sees(is_result))
        await ann.command("describe", picture="#1")
        shown = await ann.sees("word for word")
        assert "(masterpiece:1.2), by night" in shown.content
        assert "a blue boat at sea" in shown.content
        newest = ann.messages()[-1]
        await ann.press(shown, "🖌️ Draw 1")
        again = await recipe_of(await ann.sees(is_result, after=newest))
        assert again.words == drawn.words


async def test_a_file_that_carries_a_recipe_is_known_as_well(tmp_path: Path) -> None:
    async with a_studio(tmp_path, prompt_assist=words_by(None)) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a green house", assist="off")
        message = await ann.sees(is_result)
        await ann.command("describe", image=("it.png", await message.attachments[0].read()))
        assert "**1.** a green house" in (await ann.sees("word for word")).content


async def test_what_cannot_be_told_is_not_made_up(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.caption = ""
    async with a_studio(tmp_path, worker, prompt_assist=words_by(a_writer())) as studio:
        ann = studio.world.ann
        await ann.command("describe", image=("mine.png", a_blue_png()))
        said = await ann.sees("I cannot tell what this shows")
        assert "built-in captioner" in said.content
        assert "docs/describing.md" in said.content
        assert not said.components
        assert "**1.**" not in said.content


@pytest.mark.usefixtures("contract")
async def test_a_messages_menu_describes_its_picture(tmp_path: Path) -> None:
    worker = FakeWorker()
    async with a_studio(tmp_path, worker, prompt_assist=words_by(None)) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", assist="off")
        await ann.menu("Describe", await ann.sees(is_result))
        await ann.sees("**1.** a red flower")
        await ann.menu("Describe", await ann.say("nothing to see"))
        await ann.sees("that message holds none")


async def test_a_picture_of_somebody_elses_is_not_described(tmp_path: Path) -> None:
    worker = FakeWorker()
    async with a_studio(tmp_path, worker, prompt_assist=words_by(None)) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        await ann.command("imagine", prompt="a secret flower", assist="off")
        await ann.press(await ann.sees(is_result), "🗑️")
        await ben.command("describe", picture="#1")
        await ben.sees("I do not remember that one")
        assert not [m for m in ben.messages() if "secret flower" in m.content]
        assert not worker.described


async def test_nothing_named_is_asked_for(tmp_path: Path) -> None:
    async with a_studio(tmp_path, prompt_assist=words_by(None)) as studio:
        await studio.world.ann.command("describe")
        await studio.world.ann.sees("a number such as")


async def test_whoever_describes_waits_their_turn_and_pays(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.describe_cost = 12.0
    async with a_studio(tmp_path, worker, prompt_assist=words_by(None)) as studio:
        await studio.world.ann.command("describe", image=("mine.png", a_blue_png()))
        await studio.world.ann.sees("**1.**")
        await studio.app.studio._meter.write()
        served = (await studio.app.studio.last_day()).served
        assert [one.seconds for one in served] == [12.0]


def test_a_sentence_becomes_the_words_of_a_wish() -> None:
    assert in_a_prompt("A dog on a bench.") == "a dog on a bench"
    assert in_a_prompt("Mount Fuji at dawn.") == "Mount Fuji at dawn"
    assert in_a_prompt("The sea. It rains.") == "the sea. It rains"
    assert in_a_prompt("") == ""


async def test_a_terminal_says_what_a_file_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = FakeWorker()
    (tmp_path / "mine.png").write_bytes(a_blue_png())
    asked = Namespace(picture=str(tmp_path / "mine.png"), model=None, json=True)
    assert await describe(some_settings(tmp_path), asked, [worker]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["words"] == worker.caption
    assert told["known"] is None
    assert told["prompts"][0] == worker.caption
    assert len(set(told["prompts"])) == len(told["prompts"]) > 1
    worker.caption = ""
    assert await describe(some_settings(tmp_path), asked, [worker]) == 0
    assert json.loads(capsys.readouterr().out)["prompts"] == []
    asked.json = False
    assert await describe(some_settings(tmp_path), asked, [worker]) == 0
    assert "cannot tell" in capsys.readouterr().out
