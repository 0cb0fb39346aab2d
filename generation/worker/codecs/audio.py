"""Samples <-> latents of sounds, one sound at a time.

The arithmetic is, operation for operation, what the stock pipelines do before and after their VAE.
Where it overflows in few bits, the same is done again in fp32, from the same weights.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch import Tensor

from generation.errors import RenderFailed
from generation.families.architecture import Config
from generation.families.builds import oobleck
from generation.media.sounds import content_of
from generation.spans import Sound
from generation.worker.codecs.decoded import Decoded
from generation.worker.codecs.image import in_fp32

# Measured with fake tensors (tests/test_activations_of_sounds.py): how many of its decoder's first
# channels Oobleck keeps alive for each sample, at the worst moment.
ACTIVATIONS = 4.6


def _as_its_class(vae: Any, latents: Tensor) -> Tensor:
    samples: Tensor = vae.decode(latents).sample
    return samples


def to_sound(
    vae: Any,
    latents: Tensor,
    finished: Callable[[Tensor], Tensor] = lambda samples: samples,
    decode: Callable[[Any, Tensor], Tensor] = _as_its_class,
) -> Decoded:
    """Decode latents (1, C, T) to samples, those of all channels side by side.

    `finished`: what is done to them, float32, before they are rounded; `decode`: (the VAE, latents)
    -> samples.  Raises RenderFailed when numbers overflow in fp32 too.
    """
    samples, again = decode(vae, latents.to(vae.dtype)), False
    if vae.dtype != torch.float32 and not _finite(samples):
        samples, again = decode(in_fp32(vae), latents.float()), True
    if not _finite(samples):
        raise RenderFailed(
            "the VAE overflowed in float32: its result holds values that are no numbers (NaN)"
        )
    whole = finished(samples.float())[0].detach().cpu().numpy()
    return Decoded(content=content_of(whole), again=again)


def heard(vae: Any, samples: Tensor, latents: int, generator: torch.Generator | None) -> Tensor:
    """Encode samples (1, channels, frames) -> so many latents, float32; behind them is silence.

    With a generator a sample of the posterior is drawn from it, else its mean is taken.
    """
    length = latents * vae.hop_length
    whole = samples.new_zeros((1, vae.config.audio_channels, length))
    whole[:, :, : samples.shape[-1]] = samples[:, :, :length]
    found = vae.encode(whole.to(vae.device, vae.dtype)).latent_dist
    if vae.dtype != torch.float32 and not _finite(found.mean):
        found = in_fp32(vae).encode(whole.to(vae.device, torch.float32)).latent_dist
    drawn: Tensor = found.mode() if generator is None else found.sample(generator)
    return drawn.float()


def heard_as_it_is(vae: Any, samples: Tensor, encode: Callable[[Any, Tensor], Tensor]) -> Tensor:
    """Encode samples (1, channels, frames) by a VAE that draws nothing -> latents, float32."""
    found = encode(vae, samples.to(vae.device, vae.dtype))
    if vae.dtype != torch.float32 and not _finite(found):
        found = encode(in_fp32(vae), samples.to(vae.device, torch.float32))
    return found.float()


def _finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())


def activation_bytes(config: Config, sound: Sound, itemsize: int) -> int:
    """What Oobleck takes to decode a sound, besides its weights, at its worst moment."""
    width = config["decoder_channels"]
    assert isinstance(width, int)  # the catalog looked at it
    # Weights are made anew of directions and lengths in each call, and stay until the next.
    made = oobleck.tensors(config) or {}
    anew = sum(prod(shape) for key, shape in made.items() if key.startswith("decoder."))
    return round((ACTIVATIONS * width * sound.samples + anew) * itemsize)
