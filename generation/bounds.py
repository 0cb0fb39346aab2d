"""What numbers, digests and names of noise in a recipe may be.

Each raises OutOfRange with the field, what was found and what is allowed.  The invariant: a value
that passes has one spelling in JSON.
"""

from __future__ import annotations

import math
import re

from generation.errors import NoSuchName, OutOfRange
from generation.parameters import WIDTH
from generation.sigmas import ZERO_SNR, levels
from generation.spelling import MAX_KEY

MIN_TILE = 16  # pixels of a side
NOISES_OF_CARDS = ("scaled-linear", "scaled-linear-zsnr")

_HEX = re.compile(r"[0-9a-f]{64}")


def check_digest(value: object) -> None:
    """A sha256."""
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise OutOfRange("sha256", value, "64 lower-case hex digits")


def check_tiles(what: str, tile: int | None, overlap: int | None) -> None:
    """Tiles that share more than half of them are more than anybody needs."""
    if (tile is None) != (overlap is None):
        raise OutOfRange(what, tile, "a tile together with its overlap")
    if tile is not None:
        check_integer(what, tile, MIN_TILE, WIDTH.high)
        check_integer("overlap", overlap, 0, tile // 2)


def check_noise(noise: object) -> None:
    """A name of levels that only a card or a file says."""
    if noise in NOISES_OF_CARDS:
        return
    if not isinstance(noise, str) or len(noise) > MAX_KEY or not noise.endswith(ZERO_SNR):
        raise OutOfRange("noise", noise, " or ".join(NOISES_OF_CARDS))
    try:
        levels(noise)
    except NoSuchName as error:
        raise OutOfRange("noise", noise, " or ".join(NOISES_OF_CARDS)) from error


def check_number(what: str, value: object, low: float, high: float) -> None:
    """A float between bounds."""
    # 7 and 7.0 draw the same picture but hash apart, so only floats are let in.
    if not isinstance(value, float) or not math.isfinite(value) or not low <= value <= high:
        raise OutOfRange(what, value, f"{low:g} to {high:g}")


def check_integer(what: str, value: object, low: int, high: int) -> None:
    """A whole number between bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise OutOfRange(what, value, f"{low} to {high}")


def check_span(start: float | None, end: float | None) -> None:
    """Shares of a way, one before the other; None: from its beginning, or to its end."""
    first, last = start or 0.0, 1.0 if end is None else end
    check_number("start", first, 0.0, 1.0)
    check_number("end", last, 0.0, 1.0)
    if first >= last:
        raise OutOfRange("end", last, f"more than its start, {first:g}")
