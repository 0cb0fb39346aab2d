"""A picture, perhaps another, and words: a film that begins with one and ends with the other."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from generation.errors import NotMadeFor
from generation.worker.codecs.decoded import Decoded
from generation.worker.engines.engine import Continuing
from generation.worker.tasks.task import Begun, Bench, as_pixels


class ImageToVideo:
    """Nothing is drawn from the generator to begin."""

    def begin(self, bench: Bench) -> Begun:
        first, *others = (
            as_pixels(np.asarray(picture)).unsqueeze(2)
            for picture in (*bench.pictures("first"), *bench.pictures("last"))
        )
        return going_on(bench, first, others[0] if others else None)

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return bench.decoded(latents)


def going_on(bench: Bench, first: Tensor, last: Tensor | None) -> Begun:
    """A film that begins with these frames.  Raises NotMadeFor."""
    engine, parts = bench.model.engine, bench.model.parts
    if not isinstance(engine, Continuing):
        raise NotMadeFor(bench.recipe.checkpoint.name, "films that go on from no picture")
    opening = engine.opening(parts, bench.recipe, first, last)
    return Begun(extra=opening.extra, held=opening.held)
