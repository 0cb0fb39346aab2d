"""A picture changed in a terminal as a reply to it would change it.

    change flower.png "make it night"            what would change, and what stays
    change flower.png "make it night" --draw     the new picture, beside the file

Invariant: without --draw nothing is drawn and no model is opened.  Returns the exit status.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.markup import escape

from bot.app import App, open_app
from bot.cli.change import answer_of
from bot.cli.console import (
    DONE,
    FAILED,
    Mistaken,
    free_path,
    read_file,
    status_of,
    tell_picture,
    write_picture,
)
from bot.cli.direct import ConsoleAudience, console
from bot.cli.terminal import Bar, aside, output
from bot.dispatch.audience import Outcome
from bot.settings import Settings
from bot.studio.changing import Answer, Remarked, ShownAgain, Underway
from bot.studio.revisor import Reply
from bot.studio.rights import Asker
from bot.studio.wishes import Wish
from generation.draft import Draft, DraftWords
from generation.fleet.worker import Worker
from generation.media.table import medium_of
from storage.ids import number_in
from storage.pictures import PictureId, StoredPicture


async def change(
    settings: Settings, asked: argparse.Namespace, workers: Sequence[Worker] | None = None
) -> int:
    """Say what a reply would change, or draw it."""
    if not asked.picture or not asked.words:
        raise Mistaken('What is to change? For example: change flower.png "make it night" --draw')
    async with open_app(settings, workers) as app:
        if not asked.draw:
            return await _say(app, asked)
        waiting = ConsoleAudience(app.studio)
        async with app.at_work(waiting):
            return await _draw(app, asked, waiting)


async def _say(app: App, asked: argparse.Namespace) -> int:
    """What would be done, in a line, or as JSON."""
    subject = await _subject(app, asked)
    for pick, plan, recalled, language in await app.studio.changes.foreseen(subject):
        found = answer_of(replace(plan, pick=pick), recalled.answered, language=language)
        if asked.json:
            print(json.dumps(found, ensure_ascii=False))
            continue
        output().print(escape(found["said"] or "Nothing would be drawn."))
        if found["prompt"] != recalled.answered.prompt:
            output().print(f"  {escape(found['prompt'])}", style="dim")
    return DONE


async def _subject(app: App, asked: argparse.Namespace) -> Wish | tuple[Reply, StoredPicture]:
    """The file as a wish's start, or the picture of that number with the reply to it."""
    path = Path(asked.picture)
    number = number_in(asked.picture.removeprefix("#"))
    if number is not None and not await asyncio.to_thread(path.exists):
        picture = await app.studio.gallery.picture(Asker.of(console()), PictureId(number))
        return Reply(origin=console(), words=asked.words), picture
    data = await asyncio.to_thread(read_file, path)
    wish = Wish(origin=console(), draft=Draft(words=DraftWords(prompt=asked.words)))
    return await app.studio.requests.started_from(data, wish)


async def _draw(app: App, asked: argparse.Namespace, waiting: ConsoleAudience) -> int:
    """Carry the reply out, and write what is drawn beside the file."""
    subject = await _subject(app, asked)
    changes, requests = app.studio.changes, app.studio.requests
    answers: tuple[Answer, ...] | None
    if isinstance(subject, Wish):
        answers = await changes.of_upload(subject)
        if answers is None:
            answers = (Underway(request=await requests.submit(subject)),)
    else:
        reply, picture = subject
        answers = await changes.reply(reply, (picture,))
    status = DONE
    for answer in answers:
        match answer:
            case Underway():
                with Bar(aside()) as bar:
                    outcome = await waiting.awaited(answer.request.id, bar.show)
                status = max(status, _written(Path(asked.picture), outcome))
            case Remarked():
                output().print(escape(answer.text or "Nothing was drawn."))
            case ShownAgain():
                output().print(f"#{answer.picture.id} is what was before.")
            case _:
                output().print("Nothing is deleted from a terminal by words.")
                status = FAILED
    return status


def _written(beside: Path, outcome: Outcome) -> int:
    folder = beside.parent if beside.exists() else Path()
    for picture, file in zip(outcome.pictures, outcome.files, strict=True):
        suffix = medium_of(picture.recipe).suffix_for(file)
        path = free_path(folder, f"{beside.stem.lstrip('#')}-changed", suffix)
        write_picture(path, picture, file)
        tell_picture(output(), path, picture)
    for note in outcome.request.notes:
        aside().print(f"[yellow]note[/] {escape(note)}")
    return status_of(outcome)
