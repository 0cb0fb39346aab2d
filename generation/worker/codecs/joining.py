"""A picture of which a part was drawn anew: what stays is copied, bit for bit.

Networks give back no pixel quite as they took it.  So the drawn part is moved in colour to meet
what stays: by what the networks made of the pixels just outside, smoothed, and fading with the
distance.  The invariant: outside the area nothing differs from the picture, however soft the edge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import conv2d, pad

Pixels = NDArray[np.uint8]  # (height, width, 3)
Area = NDArray[np.bool_]  # (height, width): what is drawn anew


def joined(kept: Pixels, drawn: Pixels, area: Area, blur: float) -> Pixels:
    """The picture `kept` with `area` of `drawn`, which meets it within about 3 `blur` pixels.

    At the border a pixel is moved by what its neighbour outside was missed by, and the further
    inside the more by the mean of many: one neighbour's alone would be drawn out to streaks.
    """
    if not blur:
        return np.where(area[:, :, None], drawn, kept)
    from scipy.ndimage import distance_transform_edt

    out, box = kept.copy(), _around(area, 2 * _reach(blur))
    old, new, its = kept[box], drawn[box].astype(np.float32), area[box]
    away, (row, column) = distance_transform_edt(its, return_indices=True)
    missed = old - new
    outside = torch.from_numpy(~its).float()[None]
    near = softened(torch.cat([torch.from_numpy(missed).permute(2, 0, 1) * outside, outside]), blur)
    mean = (near[:3] / near[3:].clamp(min=1e-4)).permute(1, 2, 0).numpy()
    at_it = np.exp(-0.5 * (2 * (away - 1) / blur) ** 2)[:, :, None]
    fading = np.exp(-0.5 * ((away - 1) / blur) ** 2)[:, :, None]
    moved = fading * (mean + at_it * (missed[row, column] - mean))
    out[box][its] = (new + moved).round().clip(0, 255).astype(np.uint8)[its]
    return out


def _around(area: Area, reach: int) -> tuple[slice, slice]:
    """The rows and columns that have some of it, and so many around them."""
    spans = []
    for axis in (1, 0):
        found = np.flatnonzero(area.any(axis=axis))
        spans.append(slice(max(0, int(found[0]) - reach), int(found[-1]) + 1 + reach))
    return spans[0], spans[1]


def _reach(blur: float) -> int:
    return max(1, round(3 * blur))


def resized(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """The picture stretched to that height and width."""
    height, width = size
    whole = Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(whole)


def touched(area: Area, size: tuple[int, int]) -> Area:
    """The pixels of a picture of that height and width that have any of the area."""
    height, width = size
    grey = Image.fromarray(area.astype(np.uint8) * 255)
    return np.asarray(np.asarray(grey.resize((width, height), Image.Resampling.BOX)) > 0)


def softened(planes: Tensor, blur: float) -> Tensor:
    """Planes (C, height, width) under a Gaussian of that deviation, cut off at three of them.

    Beyond the borders lies what is on them.
    """
    reach = _reach(blur)
    across = torch.arange(-reach, reach + 1, dtype=planes.dtype)
    weights = torch.exp(-0.5 * (across / blur) ** 2)
    weights = (weights / weights.sum())[None, None, None, :]
    for _ in range(2):
        row = conv2d(pad(planes[:, None], (reach, reach, 0, 0), mode="replicate"), weights)[:, 0]
        planes = row.transpose(1, 2)
    return planes


def grown(area: Area, pixels: int) -> Area:
    """The area with all that is at most so many pixels away from it."""
    if not pixels or not area.any():
        return area
    from scipy.ndimage import distance_transform_edt

    away: NDArray[Any] = distance_transform_edt(~area)
    return np.asarray(away <= pixels)
