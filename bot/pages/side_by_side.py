"""Pictures side by side: what differs in their recipes and in their pixels, in words and shown.

Pure.  Invariant: what is said of a picture is said beside the first of them, so that two lines can
be read against each other.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from bot.languages.amounts import number
from bot.languages.speaking import tr
from bot.pages.contact_sheet import Tile, TileRow, contact_sheet, thumbnail
from bot.pages.differences import change_of
from bot.pages.lineage_page import named
from bot.pages.replies import MAX_CONTENT, whole
from bot.studio.comparing import ComparedPicture
from generation.media.pixel_difference import PixelDifference
from generation.recipe import needed

ACROSS = 3  # pictures of a row


def side_by_side_page(compared: Sequence[ComparedPicture]) -> str:
    """A line for the first picture, and two for each other one."""
    first, *others = compared
    room = MAX_CONTENT // len(compared) - 140  # characters for what a recipe has otherwise
    lines = [tr("**{first}**, and beside it:", first=named(first.picture))]
    for other in others:
        recipe = change_of(first.picture.recipe, other.picture.recipe)
        recipe = recipe if len(recipe) <= room else f"{recipe[: room - 1]}…"
        lines += [f"**{named(other.picture)}** · {recipe}", f"-# {_pixels(first, other)}"]
    return whole("\n".join(lines))


def side_by_side_sheet(compared: Sequence[ComparedPicture]) -> Image.Image:
    """The pictures, then what differs between each and the first.  Raises BadPicture."""
    first, *others = compared
    shown = [Tile(picture=thumbnail(one.file), title=f"#{one.picture.id}") for one in compared]
    apart = [_apart(first, other) for other in others]
    if len(others) == 1:
        return contact_sheet([TileRow(tiles=(*shown, *apart))])
    band = tr("What differs from #{number}", number=first.picture.id)
    return contact_sheet([*_rows(shown, ""), *_rows(apart, band)])


def _rows(tiles: Sequence[Tile], title: str) -> list[TileRow]:
    return [
        TileRow(tiles=tuple(tiles[at : at + ACROSS]), title="" if at else title)
        for at in range(0, len(tiles), ACROSS)
    ]


def _apart(first: ComparedPicture, other: ComparedPicture) -> Tile:
    number = f"#{other.picture.id}"
    if other.same:
        return Tile(title=number, why=tr("The same picture, every pixel."))
    if (found := other.difference) is None:
        return Tile(title=number, why=tr("Another size than #{number}.", number=first.picture.id))
    many = f" ×{found.gain}" if found.gain > 1 else ""
    return Tile(picture=found.picture, title=f"{number} − #{first.picture.id}{many}")


def _pixels(first: ComparedPicture, other: ComparedPicture) -> str:
    if other.same:
        return tr("The same picture, every pixel.")
    if (found := other.difference) is None:
        return tr(
            "{theirs} instead of {ours}: of two sizes, so no pixel has its like.",
            theirs=_size(other),
            ours=_size(first),
        )
    if not found.differing:
        return tr("The same picture, every pixel.")
    return tr(
        "{count} of {all} pixels differ ({share} %), by at most {largest} of 255 levels.",
        count=number(found.differing),
        all=number(found.pixels),
        share=_share(found),
        largest=found.largest,
    )


def _share(found: PixelDifference) -> str:
    percent = 100 * found.share
    return f"{percent:.1f}" if percent >= 0.1 else "< 0.1"


def _size(one: ComparedPicture) -> str:
    canvas = needed(one.picture.recipe.canvas)
    return f"{canvas.width}×{canvas.height}"
