"""A part of a picture: what its mask says is drawn anew, the rest is copied bit for bit."""

from __future__ import annotations

import numpy as np
from PIL import Image
from torch import Tensor

from generation.errors import BadMask
from generation.media.masks import EMPTY, FULL, HALF
from generation.recipe import Masking, needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.joining import Area, grown
from generation.worker.segmenting import region_of
from generation.worker.tasks.partly import begun
from generation.worker.tasks.task import Begun, Bench


class Inpaint:
    """From the generator it draws what `generation.worker.tasks.partly` says."""

    def begin(self, bench: Bench) -> Begun:
        masking = needed(bench.recipe.masking)
        picture = bench.picture("init")
        area = _area(bench, picture, masking)
        area = grown(~area if masking.inverse else area, masking.grow)
        if area.all():
            raise BadMask(FULL)
        if not area.any():
            raise BadMask(EMPTY)
        return begun(bench, np.asarray(picture), area)

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return bench.decoded(latents)


def _area(bench: Bench, picture: Image.Image, masking: Masking) -> Area:
    if masking.region is not None:
        folder = bench.locate(needed(masking.segmenter))
        return region_of(folder, picture, masking.region, masking.threshold)
    return np.asarray(np.asarray(bench.picture("mask").convert("L")) >= HALF)
