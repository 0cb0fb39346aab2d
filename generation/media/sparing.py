"""An edited picture in which what hardly changed is the old picture again, bit for bit.

Networks give back no pixel quite as they took it: shades drift where nothing was asked for.  So
where the colours differ little the old pixels are taken, where they differ clearly the drawn ones,
and in between the drawn ones come in softly, inwards.  No mask is asked for.

Invariant: outside of where it clearly differs the result is the old picture, bit for bit.  Where
nearly all of it differs, or nothing does, there is no outside, and it stays as it was drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.media.colour import apart
from generation.recipe import Sparing

Where = NDArray[np.bool_]

DIGITS = 3  # of a difference that is compared: the last bits are another processor's


def spared(before: Image.Image, seen: Image.Image, drawn: Image.Image, how: Sparing) -> Image.Image:
    """What was drawn, where it clearly differs from what was `seen`; the rest is `before`.

    All three are equally large.  What was seen is the old picture without what is lost on the way
    to the size that is drawn, which is no change.
    """
    area = changed_area(seen, drawn, how)
    if not area.any() or area.mean() > how.most:
        return drawn
    from scipy.ndimage import distance_transform_edt

    inside: NDArray[Any] = distance_transform_edt(area)
    share = np.clip(inside / (how.soft + 1.0), 0.0, 1.0)[:, :, None]
    old, new = np.asarray(before), np.asarray(drawn)
    mixed = old + share * (new.astype(np.float64) - old)
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def changed_area(before: Image.Image, drawn: Image.Image, how: Sparing) -> Where:
    """Where the two clearly differ: no specks, no pinholes."""
    from scipy.ndimage import gaussian_filter  # half a second to load

    near = gaussian_filter(apart(before, drawn), how.soft, mode="nearest")
    area: Where = np.round(near, DIGITS) > how.within
    least = (2.0 * how.soft + 1.0) ** 2
    return ~_without_specks(~_without_specks(area, least), least)


def _without_specks(area: Where, least: float) -> Where:
    """The parts of it that have so many pixels."""
    from scipy.ndimage import label

    parts, count = label(area)
    large = np.bincount(parts.ravel(), minlength=count + 1) >= least
    large[0] = False
    return np.asarray(large[parts])
