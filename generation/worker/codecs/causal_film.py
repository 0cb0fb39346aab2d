"""Wan's VAEs, frame by frame: what the frames before left in each layer is handed on.

    frames 1, 4, 4, ... -> latent frames -> frames 1, 4, 4, ...

The arithmetic is, operation for operation, that of `AutoencoderKLWan`, which does the same in one
call and keeps what is handed on in itself: here whoever decodes has it, so that another may decode
between two frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from generation.worker import pulse
from generation.worker.codecs.video import by_channel, seen_latents

STEP = 4  # frames of each latent one but the first, which is of one


def latent_frames(frames: int) -> int:
    """How many latent frames a film of so many frames is."""
    return (frames - 1) // STEP + 1


def decoded(vae: Any, latents: Tensor) -> Iterator[Tensor]:
    """The frames of each latent one (1, C, T, h, w): (1, 3, 1, H, W), then (1, 3, 4, H, W)."""
    from diffusers.models.autoencoders.autoencoder_kl_wan import unpatchify

    whole = vae.post_quant_conv(latents)
    left: list[Tensor | None] = [None] * vae._cached_conv_counts["decoder"]
    for nth in range(whole.shape[2]):
        first = {"first_chunk": True} if nth == 0 else {}
        frames = vae.decoder(whole[:, :, nth : nth + 1], feat_cache=left, feat_idx=[0], **first)
        if vae.config.patch_size is not None:
            frames = unpatchify(frames, patch_size=vae.config.patch_size)
        yield torch.clamp(frames, min=-1.0, max=1.0)


def encoded(vae: Any, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
    """Pixels of frames (1, 3, F, H, W) in -1 to 1 -> scaled latents, float32.

    With a generator a sample of the posterior is drawn from it, else its mode is taken.
    """
    return by_channel(vae, seen_latents(vae, pixels, generator, _posterior))


def _posterior(vae: Any, pixels: Tensor) -> Any:
    from diffusers.models.autoencoders.autoencoder_kl_wan import patchify
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

    if vae.config.patch_size is not None:
        pixels = patchify(pixels, patch_size=vae.config.patch_size)
    left: list[Tensor | None] = [None] * vae._cached_conv_counts["encoder"]
    found: list[Tensor] = []
    for nth in range(latent_frames(pixels.shape[2])):
        begin, end = (0, 1) if nth == 0 else (1 + STEP * (nth - 1), 1 + STEP * nth)
        found.append(vae.encoder(pixels[:, :, begin:end], feat_cache=left, feat_idx=[0]))
        pulse.beat()
    return DiagonalGaussianDistribution(vae.quant_conv(torch.cat(found, 2)))
