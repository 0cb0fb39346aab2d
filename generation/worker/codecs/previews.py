"""A small picture of what is being drawn, cheap enough to make in the middle of it.

Latents are close to a thumbnail already: each latent pixel's colour is nearly a linear function of
its channels.  That function is fitted to the VAE at hand when a model is loaded, from a test card
of a few colours, so there is no table of constants and no unknown VAE.  The invariant: it reads
latents and changes nothing.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

LONGEST_SIDE = 256
CARD = 16  # latent pixels of a side of the test card


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewer:
    """The fitted function: rgb = latents @ factors + offset, in 0 to 1."""

    factors: Tensor  # (channels, 3)
    offset: Tensor  # (3,)
    scale: int  # pixels of a latent pixel's side

    def jpeg(self, latents: Tensor) -> bytes:
        """A JPEG of latents (1, C, H, W), its longer side at most LONGEST_SIDE pixels.

        Of a film (1, C, T, H, W) the frame in its middle.
        """
        small = _flat(latents)[0].detach().to("cpu", torch.float32).permute(1, 2, 0)
        rgb = (small @ self.factors + self.offset).nan_to_num(0.5).clamp(0, 1)
        image = Image.fromarray((rgb * 255).round().to(torch.uint8).numpy())
        width, height = image.width * self.scale, image.height * self.scale
        shrink = min(1.0, LONGEST_SIDE / max(width, height))
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        out = io.BytesIO()
        image.resize(size, Image.Resampling.BICUBIC).save(out, "JPEG", quality=80)
        return out.getvalue()


def fitted(encode: Callable[[Tensor], Tensor], scale: int) -> Previewer:
    """Fit the function to what turns pixels into latents.  Costs one encoding of a small card."""
    card = _card()
    pixels = card.repeat_interleave(scale, 0).repeat_interleave(scale, 1)
    with torch.inference_mode():
        latents = encode(pixels.permute(2, 0, 1)[None] * 2 - 1)
    flat = (
        _flat(latents)[0].permute(1, 2, 0).reshape(CARD * CARD, -1).to("cpu", torch.float64).numpy()
    )
    known = np.concatenate([flat, np.ones((len(flat), 1))], axis=1)
    solved, *_ = np.linalg.lstsq(known, card.reshape(-1, 3).double().numpy(), rcond=None)
    table = torch.from_numpy(np.nan_to_num(solved)).float()
    return Previewer(factors=table[:-1], offset=table[-1], scale=scale)


def _flat(latents: Tensor) -> Tensor:
    """A picture's latents, or those of the frame in the middle of a film."""
    return latents if latents.ndim == 4 else latents[:, :, latents.shape[2] // 2]


def _card() -> Tensor:
    """Soft patches of all colours: (CARD, CARD, 3) in 0 to 1."""
    y, x = np.mgrid[0:CARD, 0:CARD] / CARD
    channels = [
        0.5 + 0.5 * np.sin(2 * np.pi * (a * x + b * y + phase))
        for a, b, phase in ((1, 0, 0.0), (1, 2, 0.3), (2, -1, 0.6))
    ]
    return torch.from_numpy(np.stack(channels, axis=-1)).float()
