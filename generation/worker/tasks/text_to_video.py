"""Words alone: a film whose drawing starts from noise."""

from __future__ import annotations

from torch import Tensor

from generation.worker.codecs.decoded import Decoded
from generation.worker.tasks.task import Begun, Bench


class TextToVideo:
    """Nothing to begin from; nothing is drawn from the generator."""

    def begin(self, _bench: Bench) -> Begun:
        return Begun()

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return bench.decoded(latents)
