"""Colours as people tell them apart: CIE L*a*b* under D65, and delta E (CIE76).

Invariant: a pixel is 0 away from itself, and as far from another as that is from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

Numbers = np.ndarray[Any, np.dtype[np.float64]]


def apart(before: Image.Image, after: Image.Image) -> Numbers:
    """Delta E of each pixel; the pictures are equally large."""
    found: Numbers = np.linalg.norm(_lab(before) - _lab(after), axis=-1)
    return found


def _lab(picture: Image.Image) -> Numbers:
    """CIE L*a*b* under D65, from sRGB (IEC 61966-2-1)."""
    said = np.asarray(picture.convert("RGB"), dtype=np.float64) / 255.0
    light = np.where(said <= 0.04045, said / 12.92, ((said + 0.055) / 1.055) ** 2.4)
    xyz = light @ np.array(
        [[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]]
    )
    part = xyz / np.array([0.95047, 1.0, 1.08883])
    root = np.where(part > (6 / 29) ** 3, np.cbrt(part), part / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
