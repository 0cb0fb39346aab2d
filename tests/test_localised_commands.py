"""What Discord shows of our commands in Chinese: all of it, by its rules, as sentences say it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.languages.catalogues import ENGLISH, languages, read
from bot.languages.review import COMMAND
from bot.languages.speaking import NAME
from tests.given.apps import an_idle_app
from tests.given.discord_world import world
from tests.given.fakes import FakeWorker

CHINESE = "zh-CN"
LONGEST = 100  # letters of a description, and of a choice's name

# Discord's rule for names, without the scripts that nobody here writes.
RULE = re.compile(r"[-_'\w]{1,32}")

# What follows a command's name: a subcommand, and an option that a value is given to.
PATH = re.compile(r"(?<![\w/.<:])/[^\W\d]\w*((?: \w+(?=[ :`]|$))+)")


def _parts(commands: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for command in commands:
        yield command
        yield from _parts(command.get("options") or [])
        yield from command.get("choices") or []


def _unlike(parts: list[dict[str, Any]]) -> bool:
    """Whether no two of them have the same name in Chinese."""
    names = [
        (one["type"], (one.get("name_localizations") or {}).get(CHINESE, one["name"]))
        for one in parts
    ]
    return len(set(names)) == len(names)


@pytest.mark.usefixtures("contract")
async def test_every_command_is_registered_with_its_chinese(tmp_path: Path) -> None:
    async with (
        an_idle_app(tmp_path, FakeWorker()) as app,
        app.on_discord() as client,
        world(client) as here,
    ):
        registered = [body for path, body in here.requests("PUT", "/commands")]
    commands: Any = registered[0]
    assert len(commands) > 20
    english = []
    for part in _parts(commands):
        described = part.get("description_localizations") or {}
        if part.get("description") and CHINESE not in described:
            english.append(part["description"])
        assert all(1 <= len(text) <= LONGEST for text in described.values())
        assert _unlike(part.get("options") or [])
        for name in (part.get("name_localizations") or {}).values():
            is_choice = "value" in part
            is_menu = part.get("type") in (2, 3) and "description" not in part
            assert is_choice or is_menu or (RULE.fullmatch(name) and name == name.lower())
        if "value" in part and re.search("[a-z]{4}", part["name"]) and part["name"] != "English":
            assert CHINESE in (part.get("name_localizations") or {}), part["name"]
    assert english == []
    assert _unlike(commands)


@pytest.mark.parametrize("language", [one for one in languages() if one != ENGLISH])
def test_sentences_call_commands_as_discord_shows_them(language: str) -> None:
    catalog = read(language)
    names = {m.id: m.string for m in catalog if m.context == NAME}
    for message in catalog:
        said = message.string if isinstance(message.string, str) else " ".join(message.string or ())
        for name in COMMAND.findall(said):
            known = name in names.values() or (name.isascii() and name not in names)
            assert known, f"/{name} in {said!r}"


@pytest.mark.parametrize("language", [one for one in languages() if one != ENGLISH])
def test_sentences_call_subcommands_and_options_as_discord_shows_them(language: str) -> None:
    catalog = read(language)
    names = {m.id: m.string for m in catalog if m.context == NAME}
    for message in catalog:
        said = message.string if isinstance(message.string, str) else " ".join(message.string or ())
        for called in PATH.findall(said):
            unsaid = [w for w in re.findall(r"[a-z_]+", called) if names.get(w, w) != w]
            assert not unsaid, f"{unsaid} in {said!r}"
