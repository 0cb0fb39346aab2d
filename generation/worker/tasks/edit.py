"""A picture and an instruction: the drawing starts from noise, and looks at the picture.

    picture --to the canvas--> --to a size that is drawn--> seen ... pixels --back to the canvas-->

Further pictures may be looked at as well; the first is the one that is changed, and models say at
which size they look at each (`Architecture.seen_at`).
Both ways stretch about the middle and cut nothing off, so that what stays as it was stays in its
place.  Where the recipe spares what hardly changed, those pixels are the picture's own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image
from torch import Tensor

from generation.media.sparing import spared
from generation.recipe import needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.tasks.task import Begun, Bench, as_pixels


class Edit:
    """Nothing is drawn from the generator to begin."""

    def begin(self, bench: Bench) -> Begun:
        size = bench.recipe.drawn_at.width, bench.recipe.drawn_at.height
        seen_at = bench.model.architecture.seen_at
        pictures = [
            _stretched(picture, (seen_at and seen_at(*picture.size, nth)) or size)
            for nth, picture in enumerate(bench.references())
        ]
        pixels = [as_pixels(np.asarray(picture)) for picture in pictures]
        return Begun(seen=tuple(bench.looked_at(each) for each in pixels))

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        decoded, recipe = bench.decoded(latents), bench.recipe
        if recipe.drawn is None and recipe.sparing is None:
            return decoded
        canvas, drawn = needed(recipe.canvas), recipe.drawn_at
        picture = Image.frombytes("RGB", (drawn.width, drawn.height), decoded.content)
        whole = _stretched(picture, (canvas.width, canvas.height))
        if recipe.sparing is not None:
            before = bench.pictures("reference")[0]
            seen = _stretched(_stretched(before, picture.size), before.size)
            whole = spared(before, seen, whole, recipe.sparing)
        return replace(decoded, content=whole.tobytes())


def _stretched(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    if picture.size == size:
        return picture
    return picture.resize(size, Image.Resampling.LANCZOS)
