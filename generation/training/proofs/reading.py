"""How the proofs are judged: formulas where a formula can tell, the starter's judge for the rest.

Invariant: a picture that the starter draws with nothing taught does not pass a formula.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.signal import fftconvolve

from generation.media.edges import canny
from generation.training.proofs.pictures import PATCH, patches

TEAL_FROM, TEAL_TO = 165, 203  # degrees of hue; green has 131, the sea 208, blue 222
TEAL_SHARE = 0.04  # of the picture
RINGS_FROM = 0.7  # of each zone of a target
SEWN = 0.04  # contrast of neighbouring patches from which a picture counts as patchwork


def patch_contrast(picture: Image.Image) -> float:
    """How much lighter light patches are than their neighbours, as a logarithm; cloth: 0.13."""
    grey = np.asarray(picture.convert("L"), dtype=np.float64)
    side = len(grey) // PATCH
    cells = np.log(8 + grey.reshape(side, PATCH, side, PATCH).mean(axis=(1, 3)))
    wide = np.pad(cells, 1, mode="constant", constant_values=np.nan)
    around = np.stack([wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]])
    lighter = cells - np.nanmean(around, axis=0)
    dark = patches()[::PATCH, ::PATCH]
    return float(np.median(np.where(dark, -lighter, lighter)))


def is_patchwork(picture: Image.Image) -> bool:
    """Whether it looks sewn from patches."""
    return patch_contrast(picture) >= SEWN


def is_teal(picture: Image.Image) -> bool:
    """Whether a thing of that colour is there, which is none of the starter's nine."""
    hsv = np.asarray(picture.convert("RGB").convert("HSV"), dtype=np.float64)
    hue, strength, light = (hsv[..., n] * (360 if n == 0 else 1) / 255 for n in range(3))
    teal = (hue > TEAL_FROM) & (hue < TEAL_TO) & (strength > 0.4) & (light > 0.3) & (light < 0.8)
    return float(teal.mean()) >= TEAL_SHARE


def ring_share(picture: Image.Image) -> float:
    """How much of a target is there, at its best place and size: red, white, red; 1 is all."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float64)
    others = pixels[..., 1:].mean(axis=2)
    red = (pixels[..., 0] - others > 70).astype(float)
    white = ((pixels[..., 0] - others < 70) & (others > 140)).astype(float)
    side = len(pixels)
    down, across = np.mgrid[-side // 2 : side // 2, -side // 2 : side // 2]
    best = 0.0
    for radius in np.arange(0.28, 0.47, 0.03) * side:
        far = np.hypot(down, across) / radius
        zones = ((red, far < 0.3), (white, (far > 0.42) & (far < 0.62)), (red, _outer(far)))
        found = [fftconvolve(mask, zone / zone.sum(), mode="same") for mask, zone in zones]
        best = max(best, float(np.min(found, axis=0).max()))
    return best


def _outer(far: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Any:
    return (far > 0.74) & (far < 0.94)


def is_rings(picture: Image.Image) -> bool:
    """Whether there is a target of two red rings."""
    return ring_share(picture) >= RINGS_FROM


def edge_overlap(drawn: Image.Image, asked: Image.Image, within: int = 1) -> float:
    """Intersection over union of edges; one counts as both's if it has another within some pixels.

    `asked`: white lines on black; `drawn`: the picture whose edges are looked for.
    """
    wanted, found = np.asarray(asked.convert("L")) > 127, np.asarray(canny(drawn)) > 127
    near = np.ones((2 * within + 1,) * 2)
    kept = wanted & ndimage.binary_dilation(found, near)
    made_up = found & ~ndimage.binary_dilation(wanted, near)
    union = int(wanted.sum() + made_up.sum())
    return float(kept.sum()) / union if union else 1.0
