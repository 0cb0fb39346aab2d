"""Who is answered in which language: by Discord's locale, by what was heard before, by choice."""

from __future__ import annotations

from pathlib import Path

import discord
import pytest

from bot.chat.buttons.table import BUTTONS
from bot.chat.commands.help import HelpMenu
from bot.chat.readers import SpeaksToPresser
from bot.studio.readers import Readers
from generation.job import UserId
from storage.database import Database
from storage.locales import Locales, PersonLocale
from tests.given.apps import an_idle_app
from tests.given.builders import ANN
from tests.given.discord_world import world
from tests.given.fakes import FakeWorker

CANCELLED = "✋ 已取消。"


async def test_what_a_person_chose_comes_first_then_their_discord_then_the_server(
    database: Database,
) -> None:
    readers = Readers(Locales(database))
    assert await readers.language(ANN, locale=None) == "en-US"
    assert await readers.language(ANN, locale=None, server="zh-CN") == "zh-CN"
    await readers.hear(ANN, "fr")
    assert await readers.language(ANN, locale=None, server="zh-CN") == "en-US"
    assert await readers.language(ANN, locale="zh-TW") == "zh-CN"
    await readers.choose(ANN, "zh-CN")
    assert await readers.language(ANN, locale="en-GB") == "zh-CN"
    await readers.choose(ANN, None)
    assert await readers.language(ANN, locale="en-GB") == "en-US"


async def test_a_language_is_remembered_over_a_restart(database: Database) -> None:
    await Readers(Locales(database)).hear(ANN, "zh-CN")
    later = Readers(Locales(database))
    assert await later.of(ANN) == PersonLocale(heard="zh-CN")
    assert await later.language(ANN, locale=None) == "zh-CN"


@pytest.mark.parametrize("kind", [*BUTTONS, HelpMenu])
def test_every_component_answers_whoever_presses_it_in_their_language(kind: type) -> None:
    assert issubclass(kind, SpeaksToPresser)


def test_every_view_and_form_of_ours_does_too() -> None:
    ours = [
        kind
        for parent in (discord.ui.View, discord.ui.Modal)
        for kind in parent.__subclasses__()
        if kind.__module__.startswith("bot.chat")
    ]
    assert len(ours) >= 3
    assert [kind for kind in ours if not issubclass(kind, SpeaksToPresser)] == []


async def test_a_chinese_reader_is_told_in_chinese_also_in_what_comes_later(
    tmp_path: Path,
) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with (
        an_idle_app(tmp_path, worker) as app,
        app.on_discord() as client,
        world(client) as here,
    ):
        here.ann.reads("zh-CN")
        asked = await here.ann.command("imagine", prompt="a red flower")
        assert (await app.studio.readers.of(here.ann.id)).heard == "zh-CN"
        assert asked.response
        await here.ann.press(asked.response, "✋")
        await here.ann.sees(CANCELLED)
        await here.ann.command("settings", language="en-US")
        await here.ann.sees("What you draw with here")
        assert await app.studio.readers.language(here.ann.id, locale="zh-CN") == "en-US"
        assert not here.faults
        assert await app.studio.readers.of(UserId(here.ben.id)) == PersonLocale()
