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
from torch import Tensor
from torch.nn.functional import conv2d, pad

Pixels = NDArray[np.uint8]  # (height, width, 3)
Area = NDArray[np.bool_]  # (height, width): what is drawn anew


def joined(kept: Pixels, drawn: Pixels, area: Area, blur: float) -> Pixels:
    """The picture `kept` with `area` of `drawn`, which meets it within about 2 `blur` pixels."""
    out = drawn
    if blur > 0.0:
        outside = torch.from_numpy(~area).double()[None]
        missed = torch.from_numpy(kept.astype(np.float64) - drawn).permute(2, 0, 1)
        near = softened(torch.cat([missed * outside, outside]), blur)
        # At a straight edge half of what is near lies outside.
        moved = near[:3] / near[3:].clamp(min=0.5)
        exact = torch.from_numpy(drawn.astype(np.float64)) + moved.permute(1, 2, 0)
        out = exact.round().clamp(0, 255).to(torch.uint8).numpy()
    return np.where(area[:, :, None], out, kept)


def softened(planes: Tensor, blur: float) -> Tensor:
    """Planes (C, height, width) under a Gaussian of that deviation, cut off at three of them.

    Beyond the borders lies what is on them.
    """
    reach = max(1, round(3 * blur))
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
