"""Words alone, or a picture alone: a form whose drawing starts from noise."""

from __future__ import annotations

from torch import Tensor

from generation.worker.codecs.decoded import Decoded
from generation.worker.tasks.task import Begun, Bench


class TextTo3D:
    """Nothing is drawn from the generator to begin: the first noise is laid over zeros, which makes
    it as strong as the stock pipelines' is."""

    def begin(self, bench: Bench) -> Begun:
        return Begun(init=bench.noise_like())

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return bench.formed(latents)
