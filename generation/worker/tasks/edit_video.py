"""Words, and what a film is made of: a clip, a mask of what of it is drawn, pictures to look at.

What is white in the mask is drawn; of a picture it is the mask of every frame.  Without a mask all
is drawn as the clip says, without a clip as the words and pictures do.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from torch import Tensor

from generation.errors import NotMadeFor
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.video import as_film
from generation.worker.engines.engine import Composing
from generation.worker.tasks.task import Begun, Bench, as_pixels


class EditVideo:
    """Nothing is drawn from the generator to begin."""

    def begin(self, bench: Bench) -> Begun:
        engine, parts = bench.model.engine, bench.model.parts
        if not isinstance(engine, Composing):
            raise NotMadeFor(bench.recipe.checkpoint.name, "films that are made of no clip")
        clip = as_film(bench.film("clip")) if bench.has("clip") else None
        white = None
        if bench.has("mask"):
            white = ((as_film(bench.film("mask")) + 1) / 2).clamp(0, 1)
        pictures = [
            as_pixels(np.asarray(_in_whole_cells(one, bench.model.scale)))
            for one in bench.each_whole("reference")
        ]
        return Begun(extra=engine.composed(parts, bench.recipe, clip, white, pictures))

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return bench.decoded(latents)


def _in_whole_cells(picture: Image.Image, scale: int) -> Image.Image:
    """A picture with sides that are multiples of a latent pixel's, as the stock pipelines do."""
    width, height = (side - side % scale for side in picture.size)
    if (width, height) == picture.size:
        return picture
    return picture.resize((width, height), Image.Resampling.LANCZOS)
