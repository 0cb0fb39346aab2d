"""The language model of an installation: who writes while the owner's choice is on its way."""

from __future__ import annotations

import asyncio

import pytest

from bot.studio.assistant import PromptAssist, WordSettings
from bot.studio.language_model import AtHand, LanguageModel
from generation.families.family import FAMILIES
from prompting.errors import WriterUnavailable
from prompting.writers.ladder import Opened, WriterConfig
from prompting.writers.writer import Ask
from storage.people import AssistMode
from tests.given.scripted_writer import ScriptedWriter
from tests.given.words import a_writer

CHOSEN = WriterConfig(model="big.gguf")


class Installation:
    """A built-in assistant, and a chosen model that arrives when it is told to."""

    def __init__(self, *, works: bool = True) -> None:
        self.own, self.big = ScriptedWriter(name="own"), ScriptedWriter(name="big")
        self.arrives, self.works = asyncio.Event(), works
        self.asked: list[WriterConfig] = []

    async def open(self, config: WriterConfig) -> Opened:
        self.asked.append(config)
        if not config.chosen:
            return Opened(writer=self.own, notes=())
        assert config.built_in is None, "the built-in assistant is not opened a second time"
        await self.arrives.wait()
        return Opened(writer=self.big if self.works else None, notes=("a reason",))


async def names(model: LanguageModel) -> tuple[str | None, str | None]:
    now: AtHand = await model.at_hand()
    return tuple(writer and writer.name for writer in (now.writer, now.spare))  # type: ignore[return-value]  # two of them


async def test_the_built_in_assistant_writes_while_the_chosen_model_is_loaded() -> None:
    here = Installation()
    model = LanguageModel(CHOSEN, here.open)
    now = await model.at_hand()
    assert now.spare is here.own
    assert now.writer is not None
    with pytest.raises(WriterUnavailable, match="still being loaded"):
        await now.writer.write(Ask(text="a cat", dialect="tags", seed=1, temperature=0.5))
    here.arrives.set()
    assert await model.chosen_writer() is here.big
    assert await names(model) == ("big", "own")
    await model.close()
    assert here.own.closed
    assert here.big.closed


async def test_the_built_in_assistant_alone_writes_where_the_chosen_model_does_not_come() -> None:
    here = Installation(works=False)
    here.arrives.set()
    model = LanguageModel(CHOSEN, here.open)
    assert await model.chosen_writer() is None
    assert await names(model) == ("own", None)
    await model.close()
    assert here.own.closed


async def test_a_server_that_is_started_after_the_bot_writes_from_then_on() -> None:
    here = Installation(works=False)
    here.arrives.set()
    model = LanguageModel(CHOSEN, here.open, again=(0.001,))
    assert await model.chosen_writer() is None
    assert await names(model) == ("own", None)
    here.works = True
    async with asyncio.timeout(30):
        while await model.chosen_writer() is not here.big:  # noqa: ASYNC110  # nobody is told
            await asyncio.sleep(0.01)
    assert await names(model) == ("big", "own")
    await model.close()
    assert here.big.closed


async def test_without_a_choice_one_model_is_opened_and_no_sooner_than_it_is_needed() -> None:
    here = Installation()
    words = PromptAssist(WordSettings(assist=AssistMode.ON), open_=here.open)
    words.start()
    await asyncio.sleep(0)
    assert not here.asked
    await words.close()

    model = LanguageModel(WriterConfig(), here.open)
    assert await names(model) == ("own", None)
    assert here.asked == [WriterConfig()]
    await model.close()


async def test_a_chosen_model_is_opened_at_the_start_and_wishes_do_not_wait_for_it() -> None:
    here = Installation()
    here.own = a_writer()
    settings = WordSettings(assist=AssistMode.ON, writer=CHOSEN)
    words = PromptAssist(settings, open_=here.open, patience=60.0)
    words.start()
    async with asyncio.timeout(30):
        written = await words.assist(
            "a red cat", FAMILIES["sd15"], seed=1, style=None, negative="", tokenizer=None
        )
    assert written.writer == here.own.name
    assert "it is still being loaded" in written.note
    await words.close()
