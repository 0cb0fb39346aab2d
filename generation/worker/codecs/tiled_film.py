"""HunyuanVideo's VAE, which sees all frames at once: a film is decoded in tiles that meet softly.

    latents -> tiles of 16 by 16 latent pixels, a quarter of each shared -> frames of each -> a film

The arithmetic is, operation for operation, that of `AutoencoderKLHunyuanVideo15` with its tiling
switched on, which does the same in one call: here another may have the device between two tiles.
A film that is no larger than one tile is decoded as it is, as there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from generation.worker import pulse


def decoded(vae: Any, latents: Tensor) -> Iterator[Tensor]:
    """All frames, when the last tile is there."""
    small, large = _sides(vae)
    yield _in_tiles(vae, latents, vae.decoder, small, large, pulse.between)


def posterior(vae: Any, pixels: Tensor) -> Any:
    """What the VAE says of pixels (1, 3, F, H, W)."""
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

    small, large = _sides(vae)
    return DiagonalGaussianDistribution(
        _in_tiles(vae, pixels, vae.encoder, large, small, pulse.beat)
    )


def _sides(vae: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Height and width of a tile, in latent pixels and in pixels."""
    return (
        (vae.tile_latent_min_height, vae.tile_latent_min_width),
        (vae.tile_sample_min_height, vae.tile_sample_min_width),
    )


def _in_tiles(
    vae: Any,
    whole: Tensor,
    call: Callable[[Tensor], Tensor],
    read: tuple[int, int],
    made: tuple[int, int],
    behind: Callable[[], None],
) -> Tensor:
    """`read` and `made`: height and width of a tile before and behind the call."""
    (down, across), overlap = read, vae.tile_overlap_factor
    height, width = whole.shape[-2:]
    if height <= down and width <= across:
        return call(whole)
    rows: list[list[Tensor]] = []
    for top in range(0, height, int(down * (1 - overlap))):
        rows.append([])
        for left in range(0, width, int(across * (1 - overlap))):
            rows[-1].append(call(whole[..., top : top + down, left : left + across]))
            behind()
    shared = tuple(int(side * overlap) for side in made)
    kept = tuple(side - both for side, both in zip(made, shared, strict=True))
    joined: list[Tensor] = []
    for nth, row in enumerate(rows):
        for place, tile in enumerate(row):  # which blending changes, as the next ones meet it
            if nth > 0:
                vae.blend_v(rows[nth - 1][place], tile, shared[0])
            if place > 0:
                vae.blend_h(row[place - 1], tile, shared[1])
        joined.append(torch.cat([tile[..., : kept[0], : kept[1]] for tile in row], dim=-1))
    return torch.cat(joined, dim=-2)
