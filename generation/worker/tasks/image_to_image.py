"""A picture and words: the drawing starts from the picture under noise."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from generation.worker import pulse
from generation.worker.codecs.decoded import Decoded
from generation.worker.tasks.task import Begun, Bench, as_pixels


class ImageToImage:
    """The VAE's posterior is the generator's first draw."""

    def begin(self, bench: Bench) -> Begun:
        pulse.beat()
        return Begun(init=bench.encoded(as_pixels(np.asarray(bench.picture("init")))))

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return bench.decoded(latents)
