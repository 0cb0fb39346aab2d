"""The commands `backup` and `restore`: what people made, copied while the bot works, and back.

Each prints what it found on standard output and returns the exit status.  What a backup is stands
in `storage.backup`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from bot.cli.terminal import apologise, aside, output
from bot.settings import Settings
from storage import backup as storing
from storage.backup import ExaminedBackup
from storage.errors import Missing
from storage.snapshot import Holdings

DONE, FAILED, MISTAKEN = 0, 1, 2
FOLDER = "backups"  # in the data folder, for those who name none
SHOWN = 5


def backup(settings: Settings, asked: argparse.Namespace) -> int:
    """Copy the data folder; whatever is there already is not copied again."""
    out = output()
    folder = asked.folder or settings.data / FOLDER
    try:
        made = storing.back_up(settings.data, folder, stamp=_stamp(), keep=asked.keep)
    except Missing:
        apologise(aside(), f"There is nothing to back up in {settings.data} yet.")
        return MISTAKEN
    out.print(f"{escape(str(made.copy))}: {_told(made.contents)}")
    dropped = f", {made.dropped} older copies dropped" if made.dropped else ""
    out.print(f"{_count(made.brought, 'new file')} copied{dropped}. It is whole.")
    if asked.folder is None:
        out.print("It lies on the disk of the original: name a folder on another one.", style="dim")
    if made.absent:
        _list(aside(), "missing or damaged here, so not in the copy", made.absent)
        apologise(aside(), "Their recipes are kept: each can be drawn again.")
    return DONE


def restore(settings: Settings, asked: argparse.Namespace) -> int:
    """Look through a backup, and put it in the place of what is in the data folder."""
    out = output()
    out.print("Looking through every page and every file ...", style="dim")
    try:
        found = storing.look_through(asked.folder)
    except Missing:
        apologise(aside(), f"There is no backup in {asked.folder}.")
        return MISTAKEN
    out.print(f"{escape(str(found.copy))}: {_told(found.contents)}")
    _say_damage(found)
    if not found.whole and not asked.even_damaged:
        apologise(
            aside(),
            "Nothing was changed. With --even-damaged, what is whole is restored; "
            "pictures without a file can be drawn again from their recipes.",
        )
        return FAILED
    if asked.check:
        out.print("Nothing was changed.")
        return DONE
    before = storing.restore(found, settings.data, stamp=_stamp())
    out.print(f"Restored to {escape(str(settings.data))}.")
    if before is not None:
        out.print(
            f"The database that was there is now in {escape(str(before))}; "
            "remove it when you no longer want it."
        )
    return DONE


def _say_damage(found: ExaminedBackup) -> None:
    if found.absent:
        _list(output(), "missing already when it was made", found.absent)
    if found.missing:
        _list(aside(), "missing in the backup", found.missing)
    if found.foreign:
        more = f" and {len(found.foreign) - SHOWN} more" if len(found.foreign) > SHOWN else ""
        names = ", ".join(found.foreign[:SHOWN])
        aside().print(f"Not taken, as no text files of its own: {escape(names)}{more}")
    if found.damaged:
        _list(aside(), "damaged in the backup", found.damaged)


def _told(contents: Holdings) -> str:
    return (
        f"{_count(contents.requests, 'request')}, {_count(contents.pictures, 'picture')}, "
        f"{_count(len(contents.files), 'file')}; "
        f"{_count(contents.waiting, 'picture')} to be drawn, "
        f"{_count(contents.unsent, 'result')} to be posted"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _list(console: Console, what: str, digests: Sequence[str]) -> None:
    more = f" and {len(digests) - SHOWN} more" if len(digests) > SHOWN else ""
    shown = ", ".join(digest[:16] for digest in digests[:SHOWN])
    console.print(f"{_count(len(digests), 'file')} {what}: {shown}{more}")


def _stamp() -> str:
    return time.strftime("%Y%m%d-%H%M%S")
