"""`import`: what a file of any program says of its picture, for people and for programs.

Nothing is drawn.  Results are on standard output; the exit status is 2 where nothing is read.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from rich.markup import escape

from bot.cli.console import DONE, read_file
from bot.cli.models import catalog_of
from bot.cli.terminal import output
from bot.pages.imported_page import imported_page
from bot.settings import Settings
from bot.studio.importing import Brought, brought, where_to_get
from bot.studio.importing import read_file as read_texts
from bot.studio.model_sources import places
from generation.interchange.imported import NotRead
from generation.recipe import dump
from generation.sources.places import Places
from storage import private

NOTHING_READ = 2


def import_(settings: Settings, asked: argparse.Namespace) -> int:
    """Print what the file says.  Raises NotRead; as JSON, its reason is a value, too."""
    try:
        imported = read_texts(read_file(asked.file))
    except NotRead as error:
        if not asked.json:
            raise
        why: dict[str, Any] = {
            "program": None,
            "draft": None,
            "lost": [],
            "files": [],
            "why": str(error),
        }
        print(json.dumps(why, ensure_ascii=False, indent=2))
        return NOTHING_READ
    private.make_folder(settings.data)
    found = brought(imported, catalog_of(settings), settings.default_model)
    if asked.json:
        print(json.dumps(_told(found, places(settings)), ensure_ascii=False, indent=2))
        return DONE
    for line in imported_page(found, places(settings)).splitlines():
        output().print(escape(_plain(line)))
    return DONE


def _plain(line: str) -> str:
    """A line of a message as a terminal shows it."""
    for mark in ("-# ", "**", "\\"):
        line = line.replace(mark, "")
    return line.replace("`/models add what: ", "`python start.py models add ")


def _told(found: Brought, places: Places) -> dict[str, Any]:
    """All of it, as values."""
    imported = found.imported
    return {
        "program": imported.program,
        "task": imported.task,
        "seed": imported.seed,
        "draft": asdict(imported.draft),
        "lost": [asdict(loss) for loss in imported.lost],
        "files": [
            {
                **asdict(file.wanted),
                "here": file.entry.name if file.entry is not None else None,
                "same": file.entry is not None and not file.other,
                "part": file.part,
                "get": asdict(where_to_get(file, places)),
            }
            for file in found.files
        ],
        "instead": found.instead.name if found.instead is not None else None,
        "recipe": json.loads(dump(imported.recipe)) if imported.recipe is not None else None,
    }
