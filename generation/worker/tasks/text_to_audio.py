"""Words alone: the sound starts from noise, and ends where the recipe says."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from generation.recipe import needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.tasks.task import Begun, Bench

SAMPLE = 2  # bytes


class TextToAudio:
    """Nothing to begin from; nothing is drawn from the generator."""

    def begin(self, _bench: Bench) -> Begun:
        return Begun()

    def finish(self, bench: Bench, latents: Tensor) -> Decoded:
        return ended(bench, latents)


def ended(bench: Bench, latents: Tensor) -> Decoded:
    """The sound of latents, up to where the recipe's ends."""
    sound, decoded = needed(bench.recipe.sound), bench.decoded(latents)
    length = sound.samples * sound.channels * SAMPLE
    return replace(decoded, content=decoded.content[:length])
