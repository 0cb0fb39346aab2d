"""Canny's edges of a picture, as ControlNets are shown them: white lines one pixel wide on black.

    canny(picture)            "L" picture of the same size, 0 or 255

Invariant: the same pixels give the same lines; numpy and scipy alone, no device.
Source: J. Canny, "A Computational Approach to Edge Detection", 1986; thresholds as in OpenCV, on
the sum of Sobel's two differences.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

LOW, HIGH = 100.0, 200.0  # OpenCV's usual ones, and those of the community's canny ControlNets
SLANT = np.tan(np.pi / 8)


def canny(picture: Image.Image, low: float = LOW, high: float = HIGH) -> Image.Image:
    """The edges; those fainter than `low` are none, those above `high` always, others if joined."""
    grey = np.asarray(picture.convert("L"), dtype=np.float32)
    lines = _joined(_thinned(grey), low, high)
    return Image.fromarray(np.where(lines, np.uint8(255), np.uint8(0)))


def _thinned(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """How strong the edge is where it is strongest across its direction, elsewhere 0."""
    across = ndimage.sobel(grey, axis=1, mode="nearest")
    down = ndimage.sobel(grey, axis=0, mode="nearest")
    strength = np.abs(across) + np.abs(down)
    around = np.pad(strength, 1)
    height, width = strength.shape

    def moved(y: int, x: int) -> NDArray[np.float32]:
        return around[1 + y : 1 + y + height, 1 + x : 1 + x + width]

    level = np.abs(down) <= SLANT * np.abs(across)
    upright = np.abs(across) < SLANT * np.abs(down)
    falling = across * down > 0
    before = np.select(
        [level, upright, falling], [moved(0, -1), moved(-1, 0), moved(-1, -1)], moved(-1, 1)
    )
    after = np.select(
        [level, upright, falling], [moved(0, 1), moved(1, 0), moved(1, 1)], moved(1, -1)
    )
    # One of two equal neighbours remains.
    kept = (strength > before) & (strength >= after)
    return np.where(kept, strength, np.float32(0))


def _joined(strength: NDArray[np.float32], low: float, high: float) -> NDArray[np.bool_]:
    """Lines that are strong somewhere."""
    labels, count = ndimage.label(strength > low, structure=np.ones((3, 3)))
    strong = np.zeros(count + 1, dtype=np.bool_)
    strong[np.unique(labels[strength > high])] = True
    strong[0] = False
    joined: NDArray[np.bool_] = strong[labels]
    return joined
