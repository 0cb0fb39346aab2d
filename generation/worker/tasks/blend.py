"""Several pictures and words: the drawing starts from their mixture under noise.

    each picture --to the canvas--> its latents --times its share--> sum, as long as they are

The plain mean of different pictures has less contrast than any of them, as differences cancel; so
it is stretched to the mean of their lengths.  What two pictures have alike stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from generation.worker.codecs.decoded import Decoded
from generation.worker.tasks.task import Begun, Bench, as_pixels


class Blend:
    """Nothing is drawn from the generator to begin."""

    def begin(self, bench: Bench) -> Begun:
        pictures = [as_pixels(np.asarray(picture)) for picture in bench.pictures("init")]
        return Begun(init=mixed([bench.mean(each) for each in pictures], bench.recipe.shares))

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return bench.decoded(latents)


def mixed(latents: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """The mean of latents by share, as long as they are on average; one that has all is itself."""
    whole = sum(shares)
    weights = [share / whole for share in shares]
    total, length = torch.zeros_like(latents[0]), 0.0
    for weight, each in zip(weights, latents, strict=True):
        if weight == 1.0:
            return each
        total = total + weight * each
        length += weight * float(each.double().norm())
    return total * (length / max(float(total.double().norm()), 1e-12))
