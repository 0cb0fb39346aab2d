"""SAME's latents to samples and back: as its class does it, with less memory and rests between.

Each token looks at its neighbours alone, which is written down for every pair.  Its class compares
all places to find that out, in eighteen bytes a pair; here it is written row by row, in the bytes
of one number.  The invariant: the bits are its class's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from generation.worker import pulse

_ROWS = 1024  # that are compared at once
_ALIGNED = 16  # numbers of which a row is a multiple, or kernels of GPUs copy all of it


def decode(vae: Any, latents: Tensor) -> Tensor:
    """Latents (1, C, T) -> samples (1, channels, frames)."""
    decoder = vae.decoder
    x = decoder.proj(vae.bottleneck.decode(latents).transpose(1, 2)).transpose(1, 2)
    for block in decoder.blocks:
        x = _spread(block, x)
    samples: Tensor = vae.patch_embed.decode(x)
    return samples


def encode(vae: Any, samples: Tensor) -> Tensor:
    """Samples (1, channels, frames) -> latents (1, C, T)."""
    x = vae.patch_embed.encode(samples)
    for block in vae.encoder.blocks:
        x = _gathered(block, x)
    x = vae.encoder.proj(x.transpose(1, 2)).transpose(1, 2)
    latents: Tensor = vae.bottleneck.encode(x)
    return latents


def _spread(block: Any, x: Tensor) -> Tensor:
    """Several frames of each: they stand behind it, and are looked at in its stead."""
    count, many = x.shape[2], block.stride
    first = x.transpose(1, 2).reshape(count, 1, -1)
    tokens = torch.cat([first, block.new_tokens.expand(count, many, -1)], dim=1)
    found = _looked(block, tokens)[:, -many:]
    out: Tensor = block.mapping(found.reshape(1, count * many, -1).transpose(1, 2))
    return out


def _gathered(block: Any, x: Tensor) -> Tensor:
    """One frame of several: it stands behind them."""
    many = block.stride
    x = block.mapping(pad(x, (0, -x.shape[2] % many)))
    count = x.shape[2] // many
    several = x.transpose(1, 2).reshape(count, many, -1)
    tokens = torch.cat([several, block.new_tokens.expand(count, -1, -1)], dim=1)
    return _looked(block, tokens)[:, -1:].reshape(1, count, -1).transpose(1, 2)


def _looked(block: Any, tokens: Tensor) -> Tensor:
    """Segments of tokens, one behind the other, through the block's layers; as segments again."""
    segments, each, width = tokens.shape
    x = tokens.reshape(1, segments * each, width)
    mask = _neighbours(x.shape[1], block.sliding_window * each, x)
    for layer in block.transformers:
        pulse.rest()
        x = layer(x, attn_mask=mask)
    return x.reshape(segments, each, width)


def _neighbours(count: int, reach: int, like: Tensor) -> Tensor:
    """Nought for each pair of tokens that are so near to each other, and else no look at all."""
    mask = like.new_full((count, count + -count % _ALIGNED), float("-inf"))
    for first in range(0, count, _ROWS):
        last = min(first + _ROWS, count)
        low, high = max(0, first - reach), min(count, last + reach)
        rows = torch.arange(first, last, device=like.device)[:, None]
        columns = torch.arange(low, high, device=like.device)[None]
        mask[first:last, low:high].masked_fill_((columns - rows).abs() <= reach, 0.0)
    return mask[:, :count]
