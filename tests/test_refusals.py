"""What is refused is read by the asker alone, who gets back what was typed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.pages import replies
from bot.studio.assistant import PromptAssist, WordSettings
from prompting.writers.ladder import Opened, WriterConfig
from storage.people import AssistMode
from tests.given.apps import a_studio
from tests.given.discord_world import World
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, labels
from tests.given.waiting import eventually

WISH = "a cat of glass on a very old sofa"


def seen_by_ben(here: World) -> list[str]:
    return [message.content for message in here.ben.messages()]


@pytest.mark.usefixtures("contract")
@pytest.mark.parametrize(
    "options",
    [
        {"model": "sdxll"},
        {"lora": "ink:0.8"},
        {"style": "pixle"},
        {"sampler": "ddimm"},
        {"size": "130x130"},
        {"size": "huge"},
        {"image": ("a.png", b"no picture")},
        {"prompt": WISH + ", {a, b}" * 9},
        {"prompt": "   "},
    ],
    ids=str,
)
async def test_the_channel_sees_no_refusal(tmp_path: Path, options: dict[str, Any]) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        answer = await here.ann.command("imagine", **{"prompt": WISH, **options})
        assert answer.ephemeral
        assert seen_by_ben(here) == []
        assert not studio.worker.orders


async def test_a_refused_command_is_given_back_to_be_copied(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt=WISH, steps=20, cfg=2.5, model="sdxll")
        told = await ann.sees("no model")
        line = told.content.split("```")[1].strip()
        assert line.startswith("/imagine ")
        for option in (f"prompt: {WISH}", "steps: 20", "cfg: 2.5", "model: sdxll"):
            assert option in line


async def test_long_words_come_back_as_a_file(tmp_path: Path) -> None:
    words = ", ".join(f"flower {number}" for number in range(300))
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt=words, model="sdxll")
        told = await ann.sees("no model")
        (file,) = told.attachments
        assert words.encode() in await file.read()


async def test_a_refused_form_keeps_its_words(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a red flower")
        picture = await here.ann.sees(is_result)
        form = await here.ann.menu("Start from this picture", picture)
        await here.ann.submit(form, WISH, "5")
        told = await here.ann.sees("denoise must be")
        assert WISH in told.content
        assert "denoise must be" not in "".join(seen_by_ben(here))


async def test_a_number_that_was_never_drawn_is_refused_in_private(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        answer = await here.ann.command("reproduce", picture="9999")
        assert answer.ephemeral
        assert seen_by_ben(here) == []


async def test_what_is_accepted_is_shown_to_all(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a red flower")
        assert labels(await here.ben.sees("a red flower")) == ["Cancel"]
        worker.gate.set()
        await here.ben.sees(is_result)
        await eventually(lambda: len(here.ben.messages()) == 1)


def slow_words(there: asyncio.Event) -> PromptAssist:
    async def slowly(_: WriterConfig) -> Opened:
        await there.wait()
        return Opened(writer=None, notes=("nothing here",))

    return PromptAssist(WordSettings(assist=AssistMode.ON, forbidden=("badword",)), open_=slowly)


async def test_long_thought_is_shown_to_the_asker_and_ends_in_an_ordinary_message(
    tmp_path: Path,
) -> None:
    there, worker = asyncio.Event(), FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker, prompt_assist=slow_words(there)) as studio:
        here = studio.world
        asked = asyncio.create_task(here.ann.command("imagine", prompt="a red flower"))
        await here.ann.sees(lambda message: message.flags.ephemeral)
        assert seen_by_ben(here) == []
        there.set()
        shown = await here.ben.sees("a red flower")
        assert labels(shown) == ["Cancel"]
        assert shown.type is discord.MessageType.default
        await asked
        await eventually(lambda: not [m for m in here.ann.messages() if m.flags.ephemeral])
        worker.gate.set()
        await here.ben.sees(is_result)
        await eventually(lambda: len(here.ann.messages()) == 1)
        assert not here.faults


async def test_a_wish_is_given_back_whole_or_in_a_file() -> None:
    for typed in ("x" * 100, "x" * 1900, "x" * 5000, "three ``` back quotes and more words"):
        text, file = replies.with_what_was_typed("No.", typed)
        assert len(text) <= replies.MAX_CONTENT
        assert typed in text if file is None else file[1].decode() == typed
