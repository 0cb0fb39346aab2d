"""Control pictures made of ordinary ones: what a ControlNet is shown of a photo.

    preprocessed(picture, "canny")     RGB picture of the same size

Invariant: the same pixels give the same control picture; Pillow, numpy and scipy alone, no device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageFilter, ImageOps
from scipy import ndimage

from generation.errors import NoSuchName
from generation.media.edges import canny

SHARE = 1 / 64  # of the shorter side: how far a blur reaches (a Gaussian's deviation)
SHRUNK = 4  # times, for the tile
# Winnemoeller et al., "XDoG", 2012: two Gaussians, and how much darker a line is than around it.
FINE, COARSE = 0.5, 5.0
DARKER = 16.0

# What needs a network that measures depth, finds limbs or draws, which is not read here.
BY_NETWORKS = ("depth", "pose", "lineart", "normal", "segmentation", "softedge")


def _edges(picture: Image.Image) -> Image.Image:
    return canny(picture)


def _blurred(picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(max(1.0, min(picture.size) * SHARE)))


def _inverted(picture: Image.Image) -> Image.Image:
    """Dark lines on white paper, as ControlNets for drawings want to see them: white on black."""
    return ImageOps.invert(picture.convert("L"))


def _tile(picture: Image.Image) -> Image.Image:
    """What is left of it without its details."""
    small = picture.resize(
        (max(1, picture.width // SHRUNK), max(1, picture.height // SHRUNK)), Image.Resampling.BOX
    )
    return small.resize(picture.size, Image.Resampling.BICUBIC)


def _scribble(picture: Image.Image) -> Image.Image:
    """White strokes on black where it is darker than around."""
    grey = np.asarray(picture.convert("L"), dtype=np.float64)
    fine = ndimage.gaussian_filter(grey, FINE, mode="nearest")
    coarse = ndimage.gaussian_filter(grey, COARSE, mode="nearest")
    return Image.fromarray(np.where(coarse - fine > DARKER, np.uint8(255), np.uint8(0)))


def _grey(picture: Image.Image) -> Image.Image:
    return picture.convert("L")


PREPROCESSORS: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "canny": _edges,
    "scribble": _scribble,
    "invert": _inverted,
    "blur": _blurred,
    "tile": _tile,
    "gray": _grey,
}


def preprocessed(picture: Image.Image, how: str | None) -> Image.Image:
    """The control picture, RGB; None: it is one already.  Raises NoSuchName."""
    picture = picture.convert("RGB")
    if how is None:
        return picture
    if how not in PREPROCESSORS:
        raise NoSuchName("preprocessor", how, tuple(PREPROCESSORS))
    return PREPROCESSORS[how](picture).convert("RGB")
