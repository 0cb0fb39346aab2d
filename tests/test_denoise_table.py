"""The denoise of each kind of change is the one that the document measured."""

from __future__ import annotations

from pathlib import Path

from bot.studio.redrawing import REDRAWN
from prompting.changing.intents import Aspect

DOCUMENT = Path(__file__).parents[1] / "docs" / "changing.md"
ENOUGH = 90  # percent, 18 of 20


def rows() -> dict[str, list[str]]:
    """The cells of the table in the document, by the kinds of change."""
    lines = [x for x in DOCUMENT.read_text("utf-8").splitlines() if x.startswith("| change |")]
    (head,) = lines
    text = DOCUMENT.read_text("utf-8").split(head, 1)[1].split("\n\n", 1)[0]
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines()]
    levels = [cell.strip() for cell in head.strip("| ").split("|")][1:-1]
    assert levels == ["0.5", "0.6", "0.7", "0.8", "0.9"]
    return {kind: row for names, *row in cells[2:] for kind in names.split(", ")}


def test_what_is_used_is_the_least_that_was_enough() -> None:
    for kind, (*measured, used) in rows().items():
        shares = [tuple(map(int, cell.strip("*").split("/"))) for cell in measured]
        enough = [min(pair) >= ENOUGH for pair in shares]
        assert float(used) == (5 + enough.index(True)) / 10, kind
        assert REDRAWN[Aspect(kind)] == float(used), kind


def test_every_measured_kind_is_there() -> None:
    assert {"light", "weather", "colour", "object", "background", "style"} == set(rows())
