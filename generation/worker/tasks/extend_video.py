"""A clip and words: the film that follows, whose first frames are the clip's last.

How many these are is its engine's to say (`Continuing.carries`): one for networks that look at a
first frame, several for those that have the frames themselves before them.
"""

from __future__ import annotations

from torch import Tensor

from generation.errors import NotMadeFor
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.video import as_film
from generation.worker.engines.engine import Continuing
from generation.worker.tasks.image_to_video import going_on
from generation.worker.tasks.task import Begun, Bench


class ExtendVideo:
    """Nothing is drawn from the generator to begin."""

    def begin(self, bench: Bench) -> Begun:
        engine = bench.model.engine
        if not isinstance(engine, Continuing):
            raise NotMadeFor(bench.recipe.checkpoint.name, "films that go on from no picture")
        count = engine.carries(bench.model.parts, bench.recipe)
        return going_on(bench, as_film(bench.ending(count)), None)

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return bench.decoded(latents)
