"""The picture of a page of models or LoRAs: what each draws, with its number, three in a row.

Invariant: every file is judged before it is opened, and one that is no picture is left out.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bot.pages.fairness_plot import CARD, INK
from generation.errors import BadPicture
from generation.media import photos

SIDE, GAP, ACROSS = 256, 8, 3  # pixels of a picture and between two, pictures of a row
MAX_BYTES = 32 * 2**20

_Numbered = tuple[int, Image.Image]


def preview_sheet(previews: Sequence[tuple[int, Path]]) -> bytes | None:
    """A PNG of these pictures with their numbers; None where none of them is one."""
    shown = [(number, one) for number, path in previews if (one := _opened(path)) is not None]
    if not shown:
        return None
    across = min(ACROSS, len(shown))
    down = -(-len(shown) // across)
    size = (across * (SIDE + GAP) + GAP, down * (SIDE + GAP) + GAP)
    sheet = Image.new("RGB", size, CARD)
    for place, numbered in enumerate(shown):
        _put(sheet, numbered, place, across)
    out = io.BytesIO()
    sheet.save(out, "PNG", compress_level=6)
    return out.getvalue()


def _opened(path: Path) -> Image.Image | None:
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        data = path.read_bytes()
        photos.check(data)
        return photos.load(data, width=SIDE, height=SIDE, fit="cover")
    except (BadPicture, OSError):
        return None


def _put(sheet: Image.Image, one: _Numbered, place: int, across: int) -> None:
    number, picture = one
    left, top = (GAP + nth * (SIDE + GAP) for nth in (place % across, place // across))
    sheet.paste(picture, (left, top))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=28)
    label = str(number)
    wide = pen.textlength(label, font=font) + 16
    pen.rectangle((left, top, left + wide, top + 38), fill=CARD)
    pen.text((left + 8, top + 2), label, fill=INK, font=font)
