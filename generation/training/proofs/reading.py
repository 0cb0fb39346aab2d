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
from generation.training.starter.draw import PAPER, SIZE

RINGS_FROM = 0.7  # of each zone of a target
FADED = 0.25  # of the way from its edges to paper, in each corner
EDGE = 8  # pixels of a corner, and of an edge's depth


def corner_fade(picture: Image.Image) -> float:
    """How far each corner has gone on its way to paper from the middle of its edges; the least."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float64)
    to_paper = np.abs(pixels - np.array(PAPER)).mean(axis=2)
    mid, end = slice(SIZE // 2 - EDGE, SIZE // 2 + EDGE), slice(0, EDGE)
    rims = [
        to_paper[mid, :EDGE],
        to_paper[mid, -EDGE:],
        to_paper[:EDGE, mid],
        to_paper[-EDGE:, mid],
    ]
    corners = [
        to_paper[end, :EDGE],
        to_paper[end, -EDGE:],
        to_paper[-EDGE:, :EDGE],
        to_paper[-EDGE:, -EDGE:],
    ]
    least = max(float(corner.mean()) for corner in corners)
    return 1 - least / max(1.0, float(np.mean([rim.mean() for rim in rims])))


def is_faded(picture: Image.Image) -> bool:
    """Whether its corners have faded; of a pale picture or a bare margin nobody can tell."""
    return corner_fade(picture) >= FADED


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
