"""Which sizes a family draws: on its grid, no side too short, not too many pixels in all.

Pure.  Invariant: what `nearest` returns, `check` accepts; `fit` says the same as `check`.
"""

from __future__ import annotations

import math

from generation.errors import OutOfRange
from generation.families.model_family import Family


def check(width: int, height: int, usual: Family) -> None:
    """Raise OutOfRange, with the nearest size that fits, where the family cannot draw that one."""
    if (rule := _broken(width, height, usual)) is not None:
        across, down = nearest(width, height, usual)
        allowed = f"{rule}; for this shape {across}x{down} fits"
        raise OutOfRange("size", f"{width}x{height}", allowed)


def fit(width: int, height: int, usual: Family) -> bool:
    """Whether the family can draw that size."""
    return _broken(width, height, usual) is None


def drawn_for(width: int, height: int, usual: Family) -> tuple[int, int]:
    """The size at which the family draws a picture of that one: the same, where it can."""
    return (width, height) if fit(width, height, usual) else nearest(width, height, usual)


def _broken(width: int, height: int, usual: Family) -> str | None:
    side, grid = math.isqrt(usual.max_pixels), usual.grid
    if width * height > usual.max_pixels:
        return f"at most {side}x{side} pixels in all"
    if min(width, height) < usual.min_side:
        return f"at least {usual.min_side} pixels on each side"
    if width % grid or height % grid:
        return f"a multiple of {grid} on each side"
    return None


def nearest(width: int, height: int, usual: Family) -> tuple[int, int]:
    """The size of about that shape, and as near to that many pixels as the family allows."""
    across, down = max(1, width), max(1, height)
    longest = usual.max_pixels // usual.min_side
    # Beyond that shape no size keeps the shorter side long enough.
    aspect = min(longest / usual.min_side, max(usual.min_side / longest, across / down))
    area = min(float(usual.max_pixels), max(float(usual.min_side**2), float(across * down)))

    def on_grid(pixels: float) -> int:
        snapped = usual.grid * round(pixels / usual.grid)
        return min(longest - longest % usual.grid, max(_up(usual.min_side, usual.grid), snapped))

    found = on_grid(math.sqrt(area * aspect)), on_grid(math.sqrt(area / aspect))
    while found[0] * found[1] > usual.max_pixels:
        wide = found[0] >= found[1]
        found = (found[0] - usual.grid, found[1]) if wide else (found[0], found[1] - usual.grid)
    return found


def _up(pixels: int, grid: int) -> int:
    return -(-pixels // grid) * grid
