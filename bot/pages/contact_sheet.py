"""A contact sheet: pictures in rows and columns with what tells them apart, as one picture.

    columns   titles above the first row
    rows      each with a title of its own, a band across the sheet
    a tile    a picture with its number, or a sentence why there is none

The sheet is looked at on phones: a column is as wide as the sheet allows, letters are a fortieth of
the sheet's width, and what is long is wrapped.  Pure, but for the files it is given, all of them
our own.  Invariant: a tile's number is the picture's place in the message, which replies go by.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from bot.pages.fairness_plot import CARD, INK
from bot.pages.lettering import Font, fitted, font
from generation.media import photos
from generation.media.table import still_of

WIDTH, GAP = 1600, 12  # pixels of the sheet, and between two tiles
WIDEST = 640  # pixels of a tile
LETTER = 40  # a fortieth of the sheet's width
LINES, WHY_LINES = 3, 6  # of a title, and of what stands in place of a picture
EMPTY, BAND = "#1e1f22", "#383a40"
TALLEST, FLATTEST = 1.6, 0.5  # a tile's height by its width
QUALITIES = (92, 80, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One place of the sheet."""

    picture: Image.Image | None = None
    number: int | None = None  # its place in the message
    title: str = ""  # above it
    why: str = ""  # in place of a picture


@dataclass(frozen=True, slots=True, kw_only=True)
class TileRow:
    """A row of the sheet."""

    tiles: tuple[Tile, ...]
    title: str = ""


def thumbnail(file: bytes) -> Image.Image:
    """A picture of ours, as large as a tile can be.  Raises BadPicture."""
    picture = photos.as_rgb(photos.upright(still_of(file)))
    picture.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    return picture


def contact_sheet(rows: Sequence[TileRow], columns: Sequence[str] = ()) -> Image.Image:
    """The sheet."""
    across = max(len(row.tiles) for row in rows)
    side = min(WIDEST, (WIDTH - GAP) // across - GAP)
    # With few columns the sheet is narrower, and so are its letters.
    width = across * (side + GAP) + GAP
    form = _Form(side=side, width=width, height=_height(rows, side), letters=_letters(width))
    parts = [part for part in _parts(rows, columns, form) if part is not None]
    sheet = Image.new("RGB", (width, sum(part.height for part in parts) + GAP), CARD)
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    return sheet


def encoded(sheet: Image.Image, limit_bytes: int) -> tuple[str, bytes]:
    """The sheet as a file within the limit: its suffix and its bytes."""
    while True:
        for quality in QUALITIES:
            out = io.BytesIO()
            sheet.save(out, "WEBP", quality=quality)
            if out.tell() <= limit_bytes or sheet.width < 2 * GAP:
                return ".webp", out.getvalue()
        sheet = sheet.resize((max(1, sheet.width // 2), max(1, sheet.height // 2)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """What all parts of a sheet have in common."""

    side: int  # a tile's width
    width: int
    height: int  # a tile's
    letters: Font


def _letters(width: int) -> Font:
    return font(max(22, round(LETTER * width / WIDTH)))


def _height(rows: Sequence[TileRow], side: int) -> int:
    shown = [tile.picture for row in rows for tile in row.tiles if tile.picture is not None]
    ratio = max((picture.height / picture.width for picture in shown), default=1.0)
    return round(side * min(max(ratio, FLATTEST), TALLEST))


def _parts(
    rows: Sequence[TileRow], columns: Sequence[str], form: _Form
) -> Iterator[Image.Image | None]:
    yield _titles(columns, form)
    for row in rows:
        yield _band(row.title, form)
        yield _titles([tile.title for tile in row.tiles], form)
        yield _tiles(row, form)


def _titles(titles: Sequence[str], form: _Form) -> Image.Image | None:
    """A line of titles, each above its column; None where there is none."""
    wrapped = [fitted(title, form.letters, form.side, LINES) for title in titles]
    if not any(wrapped):
        return None
    line = _line(form.letters)
    strip = Image.new("RGB", (form.width, max(map(len, wrapped)) * line + GAP), CARD)
    pen = ImageDraw.Draw(strip)
    for column, rows in enumerate(wrapped):
        middle = GAP + column * (form.side + GAP) + form.side / 2
        top = strip.height - len(rows) * line  # a short title stands near its picture
        for nth, text in enumerate(rows):
            left = middle - form.letters.getlength(text) / 2
            pen.text((left, top + nth * line), text, fill=INK, font=form.letters)
    return strip


def _band(title: str, form: _Form) -> Image.Image | None:
    """A row's title across the sheet; None where it has none."""
    rows = fitted(title, form.letters, form.width - 4 * GAP, LINES)
    if not rows:
        return None
    line = _line(form.letters)
    strip = Image.new("RGB", (form.width, len(rows) * line + 3 * GAP), CARD)
    pen = ImageDraw.Draw(strip)
    pen.rectangle((GAP, GAP, form.width - GAP - 1, strip.height - 1), fill=BAND)
    for nth, text in enumerate(rows):
        pen.text((2 * GAP, 1.5 * GAP + nth * line), text, fill=INK, font=form.letters)
    return strip


def _tiles(row: TileRow, form: _Form) -> Image.Image:
    strip = Image.new("RGB", (form.width, form.height + GAP), CARD)
    for column, tile in enumerate(row.tiles):
        left = GAP + column * (form.side + GAP)
        strip.paste(_tile(tile, form), (left, GAP))
    return strip


def _tile(tile: Tile, form: _Form) -> Image.Image:
    """A picture in the middle of its place, whole; else why there is none."""
    place = Image.new("RGB", (form.side, form.height), EMPTY)
    pen, line = ImageDraw.Draw(place), _line(form.letters)
    if tile.picture is None:
        rows = fitted(tile.why, form.letters, form.side - 2 * GAP, WHY_LINES)
        top = (form.height - len(rows) * line) / 2
        for nth, text in enumerate(rows):
            left = (form.side - form.letters.getlength(text)) / 2
            pen.text((left, top + nth * line), text, fill=INK, font=form.letters)
        return place
    scale = min(form.side / tile.picture.width, form.height / tile.picture.height)
    size = [max(1, round(length * scale)) for length in tile.picture.size]
    shown = tile.picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    place.paste(shown, ((form.side - shown.width) // 2, (form.height - shown.height) // 2))
    if tile.number is not None:
        label = str(tile.number)
        wide = form.letters.getlength(label) + 2 * GAP
        pen.rectangle((0, 0, wide, line + GAP // 2), fill=CARD)
        pen.text((GAP, 0), label, fill=INK, font=form.letters)
    return place


def _line(letters: Font) -> int:
    """How high a line of text is."""
    ascent, descent = letters.getmetrics()
    return ascent + descent
