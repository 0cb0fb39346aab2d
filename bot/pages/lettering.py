"""Letters in pictures that we draw ourselves: Latin, Greek, Cyrillic, Japanese and Chinese.

The font is a part of Noto Sans SC (`bot/pages/fonts/OFL.txt`): what GB 2312 and Big5 hold, so that
a sheet reads the same on every machine.  The invariant: no letter is drawn as an empty box; what
the font lacks is left out, and `drawable` tells whether nothing would be.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageFont

from bot.pages.quoting import plain

FONT = Path(__file__).parent / "fonts" / "NotoSansSC-Regular-subset.otf"
LONGEST = 1000  # characters of a text that are looked at

Font = ImageFont.FreeTypeFont


@lru_cache(maxsize=16)
def font(size: int) -> Font:
    """The letters at that height in pixels."""
    return ImageFont.truetype(FONT, size)


def drawable(text: str) -> bool:
    """Whether every letter of the text can be drawn."""
    return all(char in _letters() for char in plain(text, LONGEST))


def fitted(text: str, font: Font, width: float, lines: int) -> tuple[str, ...]:
    """The text in at most so many lines of that width; what does not fit ends in an ellipsis."""
    rows = [""]
    for part in _parts("".join(c for c in plain(text, LONGEST) if c in _letters()), font, width):
        if rows[-1] and font.getlength((rows[-1] + part).rstrip()) > width:
            rows.append("")
        rows[-1] += part
    if len(rows) > lines:
        rows[lines - 1 :] = [_cut("".join(rows[lines - 1 :]), font, width)]
    return tuple(row.strip() for row in rows if row.strip())


@cache
def _letters() -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    return frozenset(map(chr, FT2Font(FONT).get_charmap()))


def _parts(text: str, font: Font, width: float) -> Iterator[str]:
    """What a line may end behind: a word with its blank, and each letter of scripts without any.

    A name that is wider than a line is cut where it has to be.
    """
    part = ""
    for char in text:
        if part and font.getlength(part + char) > width:
            yield part
            part = ""
        part += char
        if char == " " or ord(char) >= 0x2E80:
            yield part
            part = ""
    if part:
        yield part


def _cut(text: str, font: Font, width: float) -> str:
    """As much of the text as fits with an ellipsis."""
    while text and font.getlength(f"{text.rstrip()}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"
