"""A picture described in a terminal: what it shows, as three prompts.

    describe flower.png           what the captioner sees, and the prompts made of it
    describe 12 --json            the same of a picture by its number, for programs

Invariant: nothing is drawn.  Returns the exit status: 0 also where it cannot be told.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from bot.app import App, open_app
from bot.cli.console import DONE, read_file
from bot.cli.direct import ConsoleAudience, console
from bot.cli.terminal import output
from bot.settings import Settings
from bot.studio.describing import Description
from generation.fleet.worker import Worker
from storage.ids import number_in
from storage.pictures import PictureId


async def describe(
    settings: Settings, asked: argparse.Namespace, workers: Sequence[Worker] | None = None
) -> int:
    """Say what a file, or the picture of that number, shows."""
    async with (
        open_app(settings, workers) as app,
        app.at_work(ConsoleAudience(app.studio)),
    ):
        found = await _described(app, asked)
    if asked.json:
        print(json.dumps(_fields(found), ensure_ascii=False))
        return DONE
    output().print(escape(_sentence(found)))
    for number, words in enumerate(found.proposed.words if found.proposed else (), 1):
        output().print(f"[bold]{number}.[/] {escape(words.prompt)}")
    return DONE


async def _described(app: App, asked: argparse.Namespace) -> Description:
    path, describing = Path(asked.picture), app.studio.descriptions
    number = number_in(asked.picture.removeprefix("#"))
    if number is not None and not await asyncio.to_thread(path.exists):
        return await describing.of_ours(console(), PictureId(number), asked.model)
    data = await asyncio.to_thread(read_file, path)
    return await describing.of_sent(console(), data, asked.model)


def _fields(found: Description) -> dict[str, object]:
    return {
        "captioner": found.captioner.name,
        "words": found.said.words,
        "sure": round(found.said.sure, 3),
        "known": found.known.described if found.known is not None else None,
        "prompts": [words.prompt for words in found.proposed.words] if found.proposed else [],
    }


def _sentence(found: Description) -> str:
    if found.said.words:
        return f"{found.captioner.title}: {found.said.words} ({found.said.sure:.0%} sure)"
    known = " What it was drawn by is known, though." if found.known is not None else ""
    return f"{found.captioner.title}: I cannot tell what this shows.{known}"
