"""The contact sheet of a comparison over one or two options.

    two options    columns and rows, with titles
    one            as many columns as a phone shows, each picture with its value above it

Pure.  Invariant: a picture's number on the sheet is its place in the message; a place without one
says why.
"""

from __future__ import annotations

from PIL import Image

from bot.dispatch.audience import Outcome
from bot.languages.speaking import mark, tr
from bot.pages.apologies import apology_for_reason
from bot.pages.contact_sheet import Tile, TileRow, contact_sheet, encoded, thumbnail
from bot.pages.sheet_page import lettered
from generation.errors import BadPicture
from storage.sheets import Sheet, SheetCell
from storage.tickets import State

CANCELLED = mark("Cancelled.")
GONE = mark("Its file is gone.")
WITHHELD = mark("Its owner alone sees it.")


def sheet_file(outcome: Outcome, sheet: Sheet, limit_bytes: int) -> tuple[str, bytes]:
    """The sheet of a finished comparison as a file within the limit: its name and its bytes."""
    suffix, data = encoded(sheet_image(outcome, sheet), limit_bytes)
    return f"comparison-{outcome.request.id}{suffix}", data


def sheet_image(outcome: Outcome, sheet: Sheet) -> Image.Image:
    """The contact sheet, its letters in the reader's language."""
    across = lettered(sheet.across)
    tiles = [_tile(cell, outcome) for cell in sheet.cells]
    if sheet.down is None:
        titled = [
            Tile(picture=tile.picture, number=tile.number, why=tile.why, title=title)
            for tile, title in zip(tiles, across, strict=True)
        ]
        wide = _columns(len(titled))
        rows = [tuple(titled[at : at + wide]) for at in range(0, len(titled), wide)]
        return contact_sheet([TileRow(tiles=row) for row in rows])
    wide = len(across)
    return contact_sheet(
        [
            TileRow(tiles=tuple(tiles[nth * wide : (nth + 1) * wide]), title=title)
            for nth, title in enumerate(lettered(sheet.down))
        ],
        across,
    )


def _columns(count: int) -> int:
    """How many pictures of one axis stand in a row."""
    return next((wide for most, wide in ((3, count), (4, 2), (9, 3), (16, 4)) if count <= most), 5)


def _tile(cell: SheetCell, outcome: Outcome) -> Tile:
    if cell.recipe is None:
        return Tile(why=cell.why or "")
    ticket = outcome.tickets[cell.recipe]
    for place, picture in enumerate(outcome.pictures):
        if picture.id == ticket.picture:
            try:
                return Tile(picture=thumbnail(outcome.files[place]), number=place + 1)
            except BadPicture:
                break
    if ticket.picture in outcome.withheld:
        return Tile(why=tr(WITHHELD))
    match ticket.state:
        case State.CANCELLED:
            return Tile(why=tr(CANCELLED))
        case State.FAILED | State.QUARANTINED:
            return Tile(why=apology_for_reason(ticket.reason))
    return Tile(why=tr(GONE))
