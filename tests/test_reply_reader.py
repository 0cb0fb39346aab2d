"""A second reader for replies that the rules would ask back about."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import prompting.starter
from bot.studio.reply_reader import ReplyReader
from prompting.changes import understand
from prompting.changing.intents import Action, IntentKind, ShownPicture
from prompting.errors import WriterTimeout
from prompting.second_reading import read_again
from prompting.writers.ladder import READER, open_reader
from prompting.writers.llama import LlamaWriter
from prompting.writers.questions import reply_answer
from prompting.writers.writer import Answer, Ask, Writer

SHOWN = ShownPicture(prompt="a travel poster with skiers")
UNCLEAR = "skiers, as in snowboarders"


class Reading:
    """A chat model that answers the same to all."""

    name, digest, template, placeholders = "a chat model", "digest", "w1", 0

    def __init__(self, answer: str | Exception) -> None:
        self.answer, self.asked = answer, list[Ask]()

    async def write(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        if isinstance(self.answer, Exception):
            raise self.answer
        return Answer(raw=self.answer, seconds=0.0)

    async def close(self) -> None:
        self.asked.clear()


def says(kind: str, **said: str) -> str:
    return reply_answer(kind=kind, **({"action": "", "what": "", "into": "", "where": ""} | said))


def reader_with(writer: Writer | None) -> ReplyReader:
    async def opened() -> Writer | None:
        return writer

    return ReplyReader(opened, patience=60.0)


async def test_what_the_rules_do_not_understand_the_model_is_asked_about() -> None:
    assert understand(UNCLEAR, SHOWN).intents[0].kind is IntentKind.ASK
    model = Reading(says("edit", action="swap", what="skiers", into="snowboarders"))
    found = await reader_with(model).understood(UNCLEAR, SHOWN)
    [change] = found.intents[0].changes
    assert (change.action, change.what, change.into) == (Action.SWAP, "skiers", "snowboarders")
    assert found.by == "a chat model"
    assert model.asked[0].text == UNCLEAR


@pytest.mark.parametrize("reply", ["make it night", "thanks, lovely!", "brb dinner"])
async def test_a_model_is_asked_about_nothing_that_is_clear_or_talk(reply: str) -> None:
    model = Reading(says("edit", action="add", into="dinner"))
    found = await reader_with(model).understood(reply, SHOWN)
    assert found == understand(reply, SHOWN)
    assert model.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        says("edit", action="swap", what="skiers", into="a castle"),  # which nobody said
        says("edit", action="add", into=""),
        says("delete"),
        says("upscale"),
        "{}",
        WriterTimeout(2.0),
    ],
    ids=str,
)
async def test_an_answer_of_no_use_leaves_the_question(answer: str | Exception) -> None:
    found = await reader_with(Reading(answer)).understood(UNCLEAR, SHOWN)
    assert found == understand(UNCLEAR, SHOWN)


async def test_nobody_waits_for_a_model_that_is_still_opening() -> None:
    never = asyncio.Event()

    async def opening() -> Writer | None:
        await never.wait()
        return None

    reader = ReplyReader(opening, patience=0.0)
    assert await reader.understood(UNCLEAR, SHOWN) == understand(UNCLEAR, SHOWN)
    await reader.close()


async def test_a_model_that_cannot_be_opened_leaves_the_question() -> None:
    async def broken() -> Writer | None:
        raise OSError("no such file")

    reader = ReplyReader(broken, patience=60.0)
    assert await reader.understood(UNCLEAR, SHOWN) == understand(UNCLEAR, SHOWN)
    await reader.close()


@pytest.fixture
async def built_in() -> AsyncIterator[LlamaWriter]:
    writer = LlamaWriter(READER, engine="numpy")
    await writer.start()
    yield writer
    await writer.close()


async def test_the_built_in_reader_copies_words_that_it_never_saw(built_in: LlamaWriter) -> None:
    said = {
        "where is the kangaroo? put one in there": ("add", "", "kangaroo"),
        "the fox needs to look meaner": ("set", "fox", "meaner"),
    }
    for reply, (action, what, into) in said.items():
        found = await read_again(reply, "en", built_in, deadline=60.0)
        assert found is not None, reply
        [change] = found.intents[0].changes
        assert (change.action, change.what, change.into) == (action, what, into)


async def test_every_answer_of_the_built_in_reader_is_of_its_form(built_in: LlamaWriter) -> None:
    for text in ("hm", "好", "🎈🎈", '}{"', "word " * 60):
        ask = Ask(text=text, dialect="reply", seed=1, temperature=0.0, deadline=60.0)
        answer = json.loads((await built_in.write(ask)).raw)
        assert set(answer) == {"kind", "action", "what", "into", "where"}


async def test_the_reader_that_is_shipped_opens_and_is_small() -> None:
    assert Path(prompting.starter.__file__).parent / "reader.gguf" == READER
    assert READER.stat().st_size < 8_000_000
    opened = await open_reader()
    assert opened.writer is not None
    await opened.writer.close()
