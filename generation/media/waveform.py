"""The waveform of a sound as a picture: what galleries, previews and messages show of it.

Each column is as high as the loudest of its samples, and brighter as far as its level goes; two
channels lie one under the other.  The invariant: the same samples give the same picture, and no
letter is in it.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 1200, 300  # pixels
GAP, MARGIN = 2, 12
GROUND, LINE, PEAK, BODY = "#1e1f22", "#383a40", "#5865f2", "#949cf7"
COLUMN = 4  # pixels, with the gap beside it


def waveform(
    samples: npt.NDArray[np.float32], width: int = WIDTH, height: int = HEIGHT
) -> Image.Image:
    """Samples (channels, frames) in -1 to 1 as a picture."""
    picture = Image.new("RGB", (width, height), GROUND)
    pen = ImageDraw.Draw(picture)
    shown = samples[:2]
    each = (height - 2 * MARGIN) // max(1, len(shown))
    for nth, channel in enumerate(shown):
        middle = MARGIN + nth * each + each // 2
        pen.line((MARGIN, middle, width - MARGIN - 1, middle), fill=LINE)
        _drawn(pen, channel, (MARGIN, width - MARGIN), middle, each // 2 - GAP)
    return picture


def _drawn(
    pen: ImageDraw.ImageDraw,
    channel: npt.NDArray[np.float32],
    sides: tuple[int, int],
    middle: int,
    most: int,
) -> None:
    columns = (sides[1] - sides[0]) // COLUMN
    edges = np.linspace(0, len(channel), columns + 1).astype(np.int64)
    for nth, (first, last) in enumerate(pairwise(edges)):
        part = channel[first:last]
        if not len(part):
            continue
        left = sides[0] + nth * COLUMN
        right = left + COLUMN - GAP - 1
        peak = min(most, round(float(np.abs(part).max()) * most))
        body = min(peak, round(float(np.sqrt(np.mean(part.astype(np.float64) ** 2))) * most))
        pen.rectangle((left, middle - peak, right, middle + peak), fill=PEAK)
        if body:
            pen.rectangle((left, middle - body, right, middle + body), fill=BODY)
