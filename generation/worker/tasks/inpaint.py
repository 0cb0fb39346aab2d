"""A part of a picture: what its mask says is drawn anew, the rest is copied bit for bit."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from generation.media.masks import HALF
from generation.recipe import needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.joining import Area, grown
from generation.worker.tasks.partly import begun
from generation.worker.tasks.task import Begun, Bench


class Inpaint:
    """Its draws from the generator are those of `generation.worker.tasks.partly`."""

    def begin(self, bench: Bench) -> Begun:
        masking = needed(bench.recipe.masking)
        area = grown(_masked(bench), masking.grow)
        return begun(bench, np.asarray(bench.picture("init")), area)

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return bench.decoded(latents)


def _masked(bench: Bench) -> Area:
    return np.asarray(np.asarray(bench.picture("mask").convert("L")) >= HALF)
