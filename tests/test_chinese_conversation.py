"""A conversation in Chinese, in which no English sentence is read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.app import BUILT_IN
from bot.pages.help_pages import Topic
from tests.given.apps import Studio, a_studio
from tests.given.builders import a_blue_png
from tests.given.discord_world import SimulatedPerson
from tests.given.latin import english_in, texts_of, texts_of_form
from tests.given.other_media import Doodler
from tests.given.waiting import eventually

# Names: of programs, of models and what they are made for, and what a person typed or is to type.
NAMES = (
    *("Stable Diffusion 1", "Stable Diffusion", "karras", "euler", "uni_pc", "A tiny model"),
    # What comes along, by its card.
    *(tomllib.loads(card.read_text("utf-8"))["title"] for card in BUILT_IN.rglob("*atelier.toml")),
)


_FOUND = re.compile(r"^\*\*\d\.\*\* .*$|(?<=看到：).*$", re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class Reader:
    """A person who reads Chinese, and every text that came before their eyes."""

    studio: Studio
    read: list[str] = field(default_factory=list)
    _seen: set[tuple[int, str]] = field(default_factory=set)

    @property
    def person(self) -> SimulatedPerson:
        return self.studio.world.ann

    def look(self) -> None:
        """Read what is there and was not before."""
        me = self.studio.client.user
        for message in self.person.messages():
            if message.author == me and (message.id, message.content) not in self._seen:
                self._seen.add((message.id, message.content))
                self.read += texts_of(message)

    async def answered(self, result: Any) -> None:
        """Read the answer of a command or a button, a form too."""
        before = len(self.read)
        shown: set[int] = set()

        def look() -> bool:
            if result.modal:
                self.read += texts_of_form(result.modal)
                return True
            for message in (result.response, *result.followups):
                if message is not None and message.content and message.id not in shown:
                    shown.add(message.id)
                    self.read += texts_of(message)
            self.look()
            return len(self.read) > before

        await eventually(look)

    async def result(self, after: discord.Message | None = None) -> discord.Message:
        """The next picture, with all that was told meanwhile."""

        def seen(message: discord.Message) -> bool:
            self.look()
            return bool(message.attachments) and bool(message.components)

        return await self.person.sees(seen, after=after)

    def english(self) -> list[str]:
        """What is English of it, but the prompts that were found: they are for a model."""
        told = [_FOUND.sub("", text) for text in self.read]
        return [f"{run!r} in {text!r}" for text in told for run in english_in(text, NAMES)]


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    async with a_studio(tmp_path, Doodler()) as studio:
        studio.world.ann.reads("zh-CN")
        studio.world.ben.reads("zh-CN")
        yield Reader(studio=studio)


async def test_no_english_sentence_is_read_in_a_conversation_of_many_turns(reader: Reader) -> None:
    ann = reader.person
    await reader.answered(await ann.command("imagine", prompt="一朵红花", count=2))
    first = await reader.result()
    await ann.say("1: 改成夜晚", reply_to=first)
    second = await reader.result(first)
    await ann.press(second, "🎲")
    third = await reader.result(second)
    for button in ("📄", "✏️", "⭐", "🎨"):
        await reader.answered(await ann.press(third, button))
    for command in ("help", "queue", "settings", "status", "history", "styles", "loras"):
        await reader.answered(await ann.command(command))
    await reader.answered(await ann.command("models list"))
    await reader.answered(await ann.command("stats today"))
    await reader.answered(await ann.command("imagine", prompt="猫", size="什么"))  # an error
    await reader.answered(await ann.command("reproduce", picture="99999"))  # a refusal
    await ann.say("这是什么模型？", reply_to=third)
    await ann.say("撤销", reply_to=third)
    await reader.answered(await ann.command("vary", picture="1"))
    await reader.answered(await ann.command("show", picture="1"))
    await reader.answered(await ann.command("cancel"))
    await reader.answered(await ann.press(third, "🗑️"))
    reader.look()
    assert len(reader.read) > 60
    assert not reader.english(), "\n".join(reader.english())


@pytest.mark.parametrize("topic", list(Topic))
async def test_every_page_of_help_is_chinese(reader: Reader, topic: Topic) -> None:
    await reader.answered(await reader.person.command("help", topic=topic.value))
    assert not reader.english(), "\n".join(reader.english())


def test_a_sentence_in_english_is_noticed() -> None:
    assert english_in("种子 `7` 一朵红花 euler normal 20 步") == ["euler normal"]
    assert english_in("用 `/imagine a red flower` 画 LoRA", ()) == []
    assert english_in("Nothing was queued.") == ["Nothing was queued"]


# What is given to options without which a command does nothing, by their names.
GIVEN: dict[str, object] = {
    "prompt": "一只猫",
    "wish": "一只猫",
    "change": "改成夜晚",
    "picture": "1",
    "name": "夜",
    "what": "没有这个",
    "scope": "channel",
    "file": ("图.png", a_blue_png()),
    "image": ("图.png", a_blue_png()),
}


async def test_every_command_answers_in_chinese(reader: Reader) -> None:
    ann = reader.person
    await reader.answered(await ann.command("imagine", prompt="一朵红花"))
    await reader.result()
    asked = 0
    for command in reader.studio.client.tree.walk_commands():
        if isinstance(command, app_commands.Group) or command.default_permissions is not None:
            continue
        if command.root_parent is not None and command.root_parent.default_permissions is not None:
            continue
        given = {
            p.name: GIVEN[p.name] for p in command.parameters if p.required or p.name == "picture"
        }
        await reader.answered(await ann.command(command.qualified_name, **given))
        asked += 1
    reader.look()
    assert asked > 25
    assert not reader.english(), "\n".join(reader.english())
