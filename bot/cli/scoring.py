"""A picture scored in a terminal: how well each of some words says what it shows.

    score flower.png "a red flower" "a blue house"     the words that fit best come first
    score 12 "a red flower" --json                     the same of a picture by its number

Invariant: nothing is drawn, and nothing is stored.  Returns the exit status.
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
from bot.studio.scoring import TextScores
from generation.fleet.worker import Worker
from storage.ids import number_in
from storage.pictures import PictureId


async def score(
    settings: Settings, asked: argparse.Namespace, workers: Sequence[Worker] | None = None
) -> int:
    """Say how well words fit a file, or the picture of that number."""
    async with (
        open_app(settings, workers) as app,
        app.at_work(ConsoleAudience(app.studio)),
    ):
        found = await _scored(app, asked)
    best_first = sorted(found.of, key=lambda each: -each[1])
    if asked.json:
        scores = [{"words": words, "score": round(value, 4)} for words, value in found.of]
        told = {"scorer": found.scorer.name, "best": best_first[0][0], "scores": scores}
        print(json.dumps(told, ensure_ascii=False))
        return DONE
    for words, value in best_first:
        output().print(f"[bold]{value:.3f}[/]  {escape(words)}")
    output().print(f"by {escape(found.scorer.title)}", style="dim")
    return DONE


async def _scored(app: App, asked: argparse.Namespace) -> TextScores:
    path, scores = Path(asked.picture), app.studio.scores
    number = number_in(asked.picture.removeprefix("#"))
    if number is not None and not await asyncio.to_thread(path.exists):
        return await scores.of_ours(console(), PictureId(number), asked.words)
    return await scores.of_sent(console(), await asyncio.to_thread(read_file, path), asked.words)
