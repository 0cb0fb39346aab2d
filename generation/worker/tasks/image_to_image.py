"""A picture and words: the drawing starts from the picture under noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from generation.errors import BadPicture
from generation.media.photos import load
from generation.recipe import Recipe, needed
from generation.worker import pulse
from generation.worker.model import Model


def begin(
    recipe: Recipe, inputs: Sequence[bytes], model: Model, generator: torch.Generator
) -> Tensor:
    """The picture's latents.  The VAE's posterior is the generator's first draw."""
    given = [
        (data, what.fit)
        for data, what in zip(inputs, recipe.inputs, strict=False)
        if what.role == "init"
    ]
    if len(given) != 1:
        raise BadPicture(f"one picture to start from is needed, {len(given)} were sent")
    data, fit = given[0]
    pulse.beat()
    canvas = needed(recipe.canvas)
    image = load(data, width=canvas.width, height=canvas.height, fit=fit)
    pixels = torch.from_numpy(np.asarray(image, dtype=np.float32) / 255.0)
    # Batch first, then permuted: strides choose among convolutions that differ in their last bits,
    # and these strides are the stock pipelines'.
    pulse.beat()
    pixels = pixels[None].permute(0, 3, 1, 2)
    return model.engine.encode(model.parts, 2.0 * pixels - 1.0, generator)
