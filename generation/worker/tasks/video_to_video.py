"""A clip and words: the drawing starts from the clip under noise."""

from __future__ import annotations

from torch import Tensor

from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.video import as_film
from generation.worker.tasks.task import Begun, Bench


class VideoToVideo:
    """Nothing is drawn from the generator to begin: the clip's latents are the most likely ones."""

    def begin(self, bench: Bench) -> Begun:
        return Begun(init=bench.mean(as_film(bench.film("clip"))))

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return bench.decoded(latents)
