"""Pixels <-> latents, one picture at a time: batches and tiles give other bits.

The arithmetic is, operation for operation, what the stock pipelines do before and after their VAE.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from generation.errors import RenderFailed


def to_latents(vae: Any, pixels: Tensor, generator: torch.Generator | None) -> Tensor:
    """Encode pixels (1, 3, H, W) in -1 to 1 -> scaled latents, float32.

    With a generator a sample of the posterior is drawn from it, as the stock pipelines do; without
    one it is the posterior's mean.
    """
    found = vae.encode(pixels.to(vae.device, vae.dtype)).latent_dist
    latents: Tensor = found.mode() if generator is None else found.sample(generator)
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    if shift:
        latents = latents - shift
    scaled: Tensor = latents * vae.config.scaling_factor
    return scaled.float()


def to_pixels(vae: Any, latents: Tensor) -> bytes:
    """Decode scaled latents (1, C, h, w) -> the RGB bytes of h * w rows.

    Raises RenderFailed when numbers overflow: the stock pipelines give a black picture then.
    """
    scaled = latents.to(vae.dtype) / vae.config.scaling_factor
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    if shift:
        scaled = scaled + shift
    pixels: Tensor = vae.decode(scaled, return_dict=False)[0]
    if not bool(torch.isfinite(pixels).all()):
        raise RenderFailed(
            f"the VAE overflowed in {str(vae.dtype).removeprefix('torch.')}: its result holds "
            "values that are no numbers (NaN); another VAE or precision may help"
        )
    pixels = (pixels * 0.5 + 0.5).clamp(0, 1)
    rows = pixels.detach().cpu().permute(0, 2, 3, 1).float()[0]
    return (rows * 255).round().to(torch.uint8).contiguous().numpy().tobytes()
