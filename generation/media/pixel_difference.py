"""What differs between two images, pixel by pixel: how many, how much, and where, as a picture.

The picture is grey where both are the same; elsewhere each colour is lighter or darker by what the
second one has more or less of it, times `gain`.  A block of pixels that becomes one pixel of it
shows the largest difference in it, so that a single pixel is not lost.

The invariant: `differing` is 0 exactly where every pixel is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.media import photos

NEUTRAL = 128
MOST_GAIN = 16
ROWS = 256  # of pixels that are compared at a time, about

_Levels = NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelDifference:
    """How far two images of one size are apart."""

    differing: int  # pixels of which any colour is another
    pixels: int
    largest: int  # levels of 255, of any colour
    gain: int
    picture: Image.Image

    @property
    def share(self) -> float:
        """Which part of the pixels differs."""
        return self.differing / self.pixels


def pixel_difference(before: bytes, after: bytes, side: int) -> PixelDifference | None:
    """What the second image has otherwise; None where their sizes differ.

    Its picture is at most about `side` pixels wide and high.  Raises BadPicture.
    """
    first, second = (photos.as_rgb(photos.upright(data)) for data in (before, after))
    if first.size != second.size:
        return None
    block = max(1, -(-max(first.size) // side))
    step = block * max(1, ROWS // block)
    differing, strips = 0, []
    for top in range(0, first.height, step):
        box = (0, top, first.width, min(top + step, first.height))
        old, new = (np.asarray(one.crop(box), dtype=np.int16) for one in (first, second))
        apart = new - old
        differing += int(np.count_nonzero(apart.any(axis=2)))
        strips.append(_strongest(apart, block))
    found = np.concatenate(strips)
    largest = int(np.abs(found).max())
    gain = max(1, min(MOST_GAIN, (NEUTRAL - 1) // max(1, largest)))
    grey = np.clip(NEUTRAL + found * gain, 0, 255).astype(np.uint8)
    return PixelDifference(
        differing=differing,
        pixels=first.width * first.height,
        largest=largest,
        gain=gain,
        picture=Image.fromarray(grey),
    )


def _strongest(apart: _Levels, block: int) -> _Levels:
    """Of each block the difference that is farthest from none, of every colour."""
    if block == 1:
        return apart
    high, wide, colours = apart.shape
    room = ((0, -high % block), (0, -wide % block), (0, 0))
    padded: NDArray[Any] = np.pad(apart, room)
    down, across = padded.shape[0] // block, padded.shape[1] // block
    blocks = padded.reshape(down, block, across, block, colours)
    low, top = blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3))
    farthest: _Levels = np.where(-low > top, low, top)
    return farthest
