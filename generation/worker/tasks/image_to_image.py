"""A picture and words: the drawing starts from the picture under noise."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from generation.worker import pulse
from generation.worker.codecs.decoded import Decoded
from generation.worker.tasks.task import Begun, Bench


class ImageToImage:
    """The VAE's posterior is the generator's first draw."""

    def begin(self, bench: Bench) -> Begun:
        pulse.beat()
        pixels = torch.from_numpy(np.asarray(bench.picture("init"), dtype=np.float32) / 255.0)
        # Batch first, then permuted: strides choose among convolutions that differ in their last
        # bits, and these strides are the stock pipelines'.
        pulse.beat()
        pixels = pixels[None].permute(0, 3, 1, 2)
        return Begun(init=bench.encoded(2.0 * pixels - 1.0))

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return bench.decoded(latents)
