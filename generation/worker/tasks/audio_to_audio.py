"""A sound and words: it is made over, from the sound under noise, and by what it has of tokens."""

from __future__ import annotations

import torch
from torch import Tensor

from generation.recipe import needed
from generation.worker import pulse
from generation.worker.codecs.decoded import Decoded
from generation.worker.tasks.task import Begun, Bench
from generation.worker.tasks.text_to_audio import ended


class AudioToAudio:
    """The VAE's posterior is the generator's first draw."""

    def begin(self, bench: Bench) -> Begun:
        pulse.beat()
        samples = torch.from_numpy(bench.sound("sound", needed(bench.recipe.sound)))
        found = bench.encoded(samples[None])
        init = bench.noise_like().to(found)
        init[tuple(map(slice, found.shape))] = found  # behind its end there is nothing
        return Begun(init=init, extra=found)

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return ended(bench, latents)
