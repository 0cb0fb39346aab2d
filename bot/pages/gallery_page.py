"""A page of a gallery: its pictures as one, and what is said of each of them.

Pure, but for the small pictures it is given.  Invariant: the number in the picture, in the text and
in the list to choose from is the same.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime

from PIL import Image, ImageOps

from bot.languages.speaking import mark, tr, trn
from bot.pages.contact_sheet import EMPTY, FLATTEST, TALLEST, Tile, TileRow, contact_sheet
from bot.pages.quoting import code, plain, quoted
from bot.pages.replies import MAX_CONTENT
from bot.studio.gallery_pages import GalleryAsked, GalleryPage, Shelf
from storage.pictures import StoredPicture

ACROSS = 4  # pictures of a row
SIDE = 385  # pixels that a picture of such a row is wide
WORDS, OPTION = 48, 100  # letters of what a picture shows: in a line, in the list
QUALITY = 88

TITLES = {
    Shelf.OWN: mark("Pictures of one person"),
    Shelf.FAVOURITES: mark("Favourites"),
    Shelf.CHANNEL: mark("Pictures of this channel"),
    Shelf.SERVER: mark("Pictures of this server"),
}
MINE = {
    Shelf.OWN: mark("Your pictures"),
    Shelf.FAVOURITES: mark("Your favourites"),
}
CHOOSE = mark("Open one of them")
STILL_READING = mark(
    "Pictures from before an update are still being read; more will be found soon."
)
NOTHING = {
    Shelf.OWN: mark("Nothing was found. `/imagine` draws your first, or leave out a filter."),
    Shelf.FAVOURITES: mark(
        "Nothing was found. ⭐ under a picture puts it here, or leave out a filter."
    ),
    Shelf.CHANNEL: mark(
        "Nothing was found that you may see here. `/gallery where: server` looks everywhere, or "
        "leave out a filter."
    ),
    Shelf.SERVER: mark("Nothing was found that you may see here. Leave out a filter."),
}


def gallery_text(page: GalleryPage, reader: int | None) -> str:
    """What stands above the pictures; `reader`: who alone reads it, None: everybody there."""
    asked = page.asked
    lines = [f"### {_title(asked, reader)}", *_filters(asked, reader)]
    lines += [
        _line(number, picture, stars, named=asked.person is None)
        for number, (picture, stars) in enumerate(zip(page.pictures, page.stars, strict=True), 1)
    ]
    if not page.pictures:
        lines.append(tr(NOTHING[asked.shelf]))
    if not page.complete:
        lines.append(f"-# {tr(STILL_READING)}")
    return "\n".join(lines)[:MAX_CONTENT]


def tiles(small: Sequence[bytes | None]) -> tuple[Tile, ...]:
    """A place of the sheet for each picture, in the reader's language; None: its file is gone.

    All have the shape of the one in the middle, so that one tall picture makes no tall rows.
    """
    opened = [Image.open(io.BytesIO(one)).convert("RGB") if one else None for one in small]
    shapes = sorted(picture.height / picture.width for picture in opened if picture is not None)
    shape = shapes[len(shapes) // 2] if shapes else 1.0
    height = round(SIDE * min(max(shape, FLATTEST), TALLEST))
    return tuple(_tile(number, picture, height) for number, picture in enumerate(opened, 1))


def gallery_sheet(shown: Sequence[Tile]) -> bytes:
    """The page's pictures as one JPEG; a second's part of work, for a thread."""
    rows = [TileRow(tiles=tuple(shown[at : at + ACROSS])) for at in range(0, len(shown), ACROSS)]
    out = io.BytesIO()
    contact_sheet(rows).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def options(pictures: Sequence[StoredPicture]) -> list[tuple[str, str, str]]:
    """(value, label, description) of each, for the list to choose from."""
    return [
        (
            str(picture.id),
            plain(f"{number} · {picture.recipe.described or picture.words}", OPTION),
            plain(f"#{picture.id} · {picture.recipe.checkpoint.name}", OPTION),
        )
        for number, picture in enumerate(pictures, 1)
    ]


def weekly_text(pictures: Sequence[StoredPicture], stars: Sequence[int]) -> str:
    """What stands above the best of a week."""
    lines = [f"### 🏆 {tr('The best of the week')}"]
    lines += [
        _line(number, picture, count, named=True)
        for number, (picture, count) in enumerate(zip(pictures, stars, strict=True), 1)
    ]
    lines.append(f"-# {tr('⭐ under a picture counts for the next one.')}")
    return "\n".join(lines)[:MAX_CONTENT]


def _title(asked: GalleryAsked, reader: int | None) -> str:
    whose = asked.person if asked.shelf is Shelf.OWN else asked.starred_by
    if asked.shelf in MINE and whose == reader:
        return tr(MINE[asked.shelf])
    return f"{tr(TITLES[asked.shelf])} · <@{whose}>" if whose else tr(TITLES[asked.shelf])


def _filters(asked: GalleryAsked, reader: int | None) -> list[str]:
    """A line that says what is left out, where anything is."""
    said = []
    if asked.words:
        said.append(tr("with {words}", words=code(asked.words)))
    if asked.person is not None and asked.shelf is not Shelf.OWN:
        said.append(tr("by {person}", person=f"<@{asked.person}>"))
    if asked.starred_by is not None and asked.shelf is not Shelf.FAVOURITES:
        mine = asked.starred_by == reader
        whose = tr("your favourites") if mine else tr("favourites")
        said.append(whose)
    if asked.model:
        said.append(tr("drawn by {model}", model=code(asked.model)))
    if asked.style:
        said.append(tr("in the style {style}", style=code(asked.style)))
    if asked.since is not None:
        said.append(tr("from {day} on", day=_day(asked.since)))
    if asked.until is not None:
        said.append(tr("until {day}", day=_day(asked.until - 1)))
    return [" · ".join(said)] if said else []


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()


def _line(number: int, picture: StoredPicture, stars: int, *, named: bool) -> str:
    words = quoted(picture.recipe.described or picture.words, WORDS)
    parts = [f"**{number}** #{picture.id} {words}".rstrip()]
    if named:
        parts.append(f"<@{picture.owner}>")
    if stars:
        parts.append(trn("⭐ {n}", "⭐ {n}", stars))
    parts.append(f"<t:{int(picture.drawn_at)}:R>")
    return " · ".join(parts)


def _tile(number: int, picture: Image.Image | None, height: int) -> Tile:
    if picture is None:
        return Tile(why=tr("{number}: the file is gone", number=number))
    whole = ImageOps.pad(picture, (SIDE, height), Image.Resampling.BILINEAR, color=EMPTY)
    return Tile(picture=whole, number=number)
