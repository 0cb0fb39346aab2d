"""Pixels <-> latents, one picture at a time: batches and tiles give other bits.

The arithmetic is, operation for operation, what the stock pipelines do before and after their VAE.
Where it overflows in few bits, the same is done again in fp32, from the same weights: a recipe does
so every time, and so is the same picture every time.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from generation.errors import RenderFailed
from generation.worker.codecs.decoded import Decoded

# (a VAE, its latents) -> those that are drawn, or the other way.
Scale = Callable[[Any, Tensor], Tensor]


def _scaled(vae: Any, latents: Tensor) -> Tensor:
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    if shift:
        latents = latents - shift
    scaled: Tensor = latents * vae.config.scaling_factor
    return scaled


def _unscaled(vae: Any, latents: Tensor) -> Tensor:
    scaled: Tensor = latents / vae.config.scaling_factor
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    return scaled + shift if shift else scaled


def to_latents(
    vae: Any, pixels: Tensor, generator: torch.Generator | None, *, scaled: Scale = _scaled
) -> Tensor:
    """Encode pixels (1, 3, H, W) in -1 to 1 -> scaled latents, float32.

    With a generator a sample of the posterior is drawn from it, as the stock pipelines do; without
    one it is the posterior's mean.
    """
    found = _posterior(vae, pixels)  # before anything is drawn from the generator
    latents: Tensor = found.mode() if generator is None else found.sample(generator)
    return scaled(vae, latents).float()


def looked(vae: Any, pixels: Tensor) -> Tensor:
    """The posterior's mode as it comes, float32: what models that edit pictures see of them."""
    seen: Tensor = _posterior(vae, pixels).mode()
    return seen.float()


def _posterior(vae: Any, pixels: Tensor) -> Any:
    """What a picture may have been in latents."""
    found = vae.encode(pixels.to(vae.device, vae.dtype)).latent_dist
    if vae.dtype != torch.float32 and not _finite(found.mean, found.std):
        found = _in_fp32(vae).encode(pixels.to(vae.device, torch.float32)).latent_dist
    return found


def to_pixels(vae: Any, latents: Tensor, *, unscaled: Scale = _unscaled) -> Decoded:
    """Decode scaled latents (1, C, h, w) to the RGB bytes of h * w rows.

    Raises RenderFailed when numbers overflow in fp32 too: the stock pipelines give a black picture
    then.
    """
    pixels, again = _decoded(vae, latents, unscaled), False
    if vae.dtype != torch.float32 and not _finite(pixels):
        pixels, again = _decoded(_in_fp32(vae), latents, unscaled), True
    if not _finite(pixels):
        raise RenderFailed(
            "the VAE overflowed in float32: its result holds values that are no numbers (NaN); "
            "another VAE may help (the option vae)"
        )
    pixels = (pixels * 0.5 + 0.5).clamp(0, 1)
    rows = pixels.detach().cpu().permute(0, 2, 3, 1).float()[0]
    rgb = (rows * 255).round().to(torch.uint8).contiguous().numpy().tobytes()
    return Decoded(content=rgb, again=again)


def _decoded(vae: Any, latents: Tensor, unscaled: Scale) -> Tensor:
    pixels: Tensor = vae.decode(unscaled(vae, latents.to(vae.dtype)), return_dict=False)[0]
    return pixels


def _in_fp32(vae: Any) -> Any:
    """A copy: the model's own weights lie where the model cache put them, and stay there."""
    return copy.deepcopy(vae).to(torch.float32)


def _finite(*tensors: Tensor) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)
