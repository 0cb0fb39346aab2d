"""Pixels <-> latents, one picture at a time: batches and tiles give other bits.

The arithmetic is, operation for operation, what the stock pipelines do before and after their VAE.
Where it overflows in few bits, the same is done again in fp32, from the same weights: a recipe does
so every time, and so is the same picture every time.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from generation.errors import RenderFailed
from generation.worker.codecs.decoded import Decoded


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentFormat:
    """What lies between a VAE's latents and those that are drawn, (1, C, h, w) both."""

    scaled: Callable[[Any, Tensor], Tensor]  # (the VAE, its latents) -> those that are drawn
    unscaled: Callable[[Any, Tensor], Tensor]  # and back
    frames: bool = False  # its VAE encodes films, and a picture is one of a single frame
    alpha: bool = False  # its VAE has a fourth channel: how opaque each pixel is


def _by_a_factor(vae: Any, latents: Tensor) -> Tensor:
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    if shift:
        latents = latents - shift
    scaled: Tensor = latents * vae.config.scaling_factor
    return scaled


def _back_by_a_factor(vae: Any, latents: Tensor) -> Tensor:
    scaled: Tensor = latents / vae.config.scaling_factor
    shift = getattr(vae.config, "shift_factor", None) or 0.0
    return scaled + shift if shift else scaled


def _by_channel(vae: Any, latents: Tensor) -> Tensor:
    mean, std = means_and_stds(vae, latents)
    return (latents - mean) * (1.0 / std)


def _back_by_channel(vae: Any, latents: Tensor) -> Tensor:
    mean, std = means_and_stds(vae, latents)
    return latents / (1.0 / std) + mean


def _multiplied(vae: Any, latents: Tensor) -> Tensor:
    mean, std = means_and_stds(vae, latents)
    return latents * std + mean


def _divided(vae: Any, latents: Tensor) -> Tensor:
    mean, std = means_and_stds(vae, latents)
    return (latents - mean) / std


def means_and_stds(vae: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    """Of each channel of the VAE's latents: (1, C, 1, 1) both."""
    mean, std = (
        torch.tensor(values).view(1, -1, 1, 1).to(like.device, like.dtype)
        for values in (vae.config.latents_mean, vae.config.latents_std)
    )
    return mean, std


@dataclass(frozen=True, slots=True)
class _Certain:
    """The posterior of a VAE that knows a picture's latents: nothing is drawn for them."""

    mean: Tensor

    @property
    def std(self) -> Tensor:
        return torch.zeros_like(self.mean)

    def mode(self) -> Tensor:
        return self.mean

    def sample(self, _: torch.Generator) -> Tensor:
        return self.mean


BY_A_FACTOR = LatentFormat(scaled=_by_a_factor, unscaled=_back_by_a_factor)
BY_CHANNEL = LatentFormat(scaled=_by_channel, unscaled=_back_by_channel, frames=True)
# The same but for the order of the arithmetic, with colours and how opaque they are.
BY_CHANNEL_RGBA = LatentFormat(scaled=_divided, unscaled=_multiplied, frames=True, alpha=True)


def to_latents(
    vae: Any,
    pixels: Tensor,
    generator: torch.Generator | None,
    form: LatentFormat = BY_A_FACTOR,
) -> Tensor:
    """Encode pixels (1, 3, H, W) in -1 to 1 -> scaled latents, float32.

    With a generator a sample of the posterior is drawn from it, as the stock pipelines do; without
    one it is the posterior's mean.
    """
    found = _posterior(vae, pixels, form)  # before anything is drawn from the generator
    latents: Tensor = found.mode() if generator is None else found.sample(generator)
    return form.scaled(vae, latents[:, :, 0] if form.frames else latents).float()


def looked(vae: Any, pixels: Tensor, form: LatentFormat = BY_A_FACTOR) -> Tensor:
    """The posterior's mode as it comes, float32: what models that edit pictures see of them."""
    seen: Tensor = _posterior(vae, pixels, form).mode()
    return (seen[:, :, 0] if form.frames else seen).float()


def _posterior(vae: Any, pixels: Tensor, form: LatentFormat) -> Any:
    """What a picture may have been in latents."""
    if form.alpha:  # laid beside the colours in the order in which a picture's bytes are
        rows = pixels.permute(0, 2, 3, 1)
        opaque = torch.ones_like(rows[..., :1])
        pixels = torch.cat([rows, opaque], dim=-1).permute(0, 3, 1, 2)
    pixels = pixels.unsqueeze(2) if form.frames else pixels
    found = _encoded(vae, pixels.to(vae.device, vae.dtype))
    if vae.dtype != torch.float32 and not _finite(found.mean, found.std):
        found = _encoded(in_fp32(vae), pixels.to(vae.device, torch.float32))
    return found


def _encoded(vae: Any, pixels: Tensor) -> Any:
    found = vae.encode(pixels)
    return found.latent_dist if hasattr(found, "latent_dist") else _Certain(found.latent)


def to_pixels(vae: Any, latents: Tensor, form: LatentFormat = BY_A_FACTOR) -> Decoded:
    """Decode scaled latents (1, C, h, w) to the RGB bytes of h * w rows.

    Raises RenderFailed when numbers overflow in fp32 too: the stock pipelines give a black picture
    then.
    """
    pixels, again = _decoded(vae, latents, form), False
    if vae.dtype != torch.float32 and not _finite(pixels):
        pixels, again = _decoded(in_fp32(vae), latents, form), True
    if not _finite(pixels):
        raise RenderFailed(
            "the VAE overflowed in float32: its result holds values that are no numbers (NaN); "
            "another VAE may help (the option vae)"
        )
    pixels = (pixels * 0.5 + 0.5).clamp(0, 1)
    rows = pixels.detach().cpu().permute(0, 2, 3, 1).float()[0]
    rgb = (rows * 255).round().to(torch.uint8).contiguous().numpy().tobytes()
    return Decoded(content=rgb, again=again)


def _decoded(vae: Any, latents: Tensor, form: LatentFormat) -> Tensor:
    scaled = form.unscaled(vae, latents.to(vae.dtype))
    if form.frames:
        film: Tensor = vae.decode(scaled.unsqueeze(2), return_dict=False)[0]
        return film[:, :3, 0]
    pixels: Tensor = vae.decode(scaled, return_dict=False)[0]
    return pixels


def in_fp32(vae: Any) -> Any:
    """A copy: the model's own weights lie where the model cache put them, and stay there."""
    return copy.deepcopy(vae).to(torch.float32)


def _finite(*tensors: Tensor) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)
