"""A picture that is drawn further: it lies somewhere on the canvas, the rest is drawn around it.

Zooming out is the same with the picture made smaller, panning with a part of it outside.  What of
it lies on the canvas is copied bit for bit (as it is where it keeps its size), but for the edge
that a mask's `grow` gives away.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from generation.recipe import Canvas, Placement, needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.joining import Area, Pixels, grown, softened
from generation.worker.tasks.partly import begun
from generation.worker.tasks.task import Begun, Bench

SMEARED = 1 / 16  # of the canvas's shorter side: how soft the ground is that is drawn over


class Outpaint:
    """From the generator it draws what `generation.worker.tasks.partly` says."""

    def begin(self, bench: Bench) -> Begun:
        recipe = bench.recipe
        placement = needed(recipe.placement)
        picture = bench.picture("init", (placement.width, placement.height))
        board, area = laid(np.asarray(picture), placement, needed(recipe.canvas))
        return begun(bench, board, grown(area, needed(recipe.masking).grow))

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return bench.decoded(latents)


def laid(picture: Pixels, placement: Placement, canvas: Canvas) -> tuple[Pixels, Area]:
    """The picture on its canvas, and all of the canvas that it leaves free.

    Its edges are drawn out over the free area, ever softer: what an encoder sees beside a picture
    tints the picture's edge.
    """
    left, top = max(0, placement.left), max(0, placement.top)
    right = min(canvas.width, placement.left + placement.width)
    bottom = min(canvas.height, placement.top + placement.height)
    seen = picture[
        top - placement.top : bottom - placement.top, left - placement.left : right - placement.left
    ]
    around = (top, canvas.height - bottom), (left, canvas.width - right)
    board = np.pad(seen, (*around, (0, 0)), mode="edge")
    area = np.pad(np.zeros(seen.shape[:2], dtype=bool), around, constant_values=True)
    planes = torch.from_numpy(board.astype(np.float32)).permute(2, 0, 1)
    smeared = softened(planes, min(canvas.width, canvas.height) * SMEARED).permute(1, 2, 0)
    ground = smeared.round().clamp(0, 255).to(torch.uint8).numpy()
    return np.where(area[:, :, None], ground, board), area
