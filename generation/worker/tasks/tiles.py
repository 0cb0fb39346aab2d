"""A picture in overlapping tiles, and made whole again without a border that shows.

The invariant: where one tile alone has a say its numbers stay what they are, and the same tiles
give the same picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generation.enlarging import Size

Samples = NDArray[np.float32]  # (height, width, 3)


class Joining:
    """Tiles of equal size become a picture of `size`; `overlap` pixels of each side fade."""

    def __init__(self, size: Size, tile: Size, overlap: int) -> None:
        width, height = size
        self._sum = np.zeros((height, width, 3), np.float32)
        self._weight = np.zeros((height, width, 1), np.float32)
        self._size, self._tile, self._overlap = size, tile, overlap

    def add(self, samples: Samples, left: int, top: int) -> None:
        """Lay a tile where it belongs."""
        across = _fade(self._tile[0], left, self._size[0], self._overlap)
        down = _fade(self._tile[1], top, self._size[1], self._overlap)
        weight = (down[:, None] * across[None, :])[..., None]
        part = np.s_[top : top + self._tile[1], left : left + self._tile[0]]
        self._sum[part] += samples * weight
        self._weight[part] += weight

    def whole(self) -> Samples:
        """The picture, once every tile was added."""
        joined: Samples = self._sum / self._weight
        return joined


def cut(samples: Samples, left: int, top: int, tile: Size) -> Samples:
    """A tile of a picture."""
    return samples[top : top + tile[1], left : left + tile[0]]


def tile_of(size: Size, tile: int | None) -> Size:
    """How large each tile of a picture is."""
    if tile is None:
        return size
    return min(tile, size[0]), min(tile, size[1])


def _fade(length: int, start: int, side: int, overlap: int) -> NDArray[np.float32]:
    """How much a tile counts along one side: nothing near a border that another one covers."""
    counts = np.ones(length, np.float32)
    edge = min(overlap, length // 2)
    # A quarter of what is shared is left out, half of it fades.
    ramp = np.clip((np.arange(edge, dtype=np.float32) + 0.5 - edge / 4) / max(edge / 2, 1), 0, 1)
    if start > 0:
        counts[:edge] *= ramp
    if start + length < side:
        counts[length - edge :] *= ramp[::-1]
    return counts
