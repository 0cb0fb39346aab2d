"""A picture that says where things are, for networks that are made to look at one.

From the generator its posterior is drawn, before anything that the task draws.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from generation.recipe import CONTROL
from generation.worker.tasks.task import Bench, as_pixels


def control_of(bench: Bench) -> Tensor | None:
    """What is laid beside the noisy latents; None where the recipe has no such picture."""
    recipe = bench.recipe
    if not any(one.role == CONTROL for one in recipe.inputs):
        return None
    size = recipe.drawn_at.width, recipe.drawn_at.height
    pixels = as_pixels(np.asarray(bench.picture(CONTROL, size)))
    # In the memory of its own that the stock pipelines give it: strides decide last bits.
    return bench.encoded(pixels.contiguous())
