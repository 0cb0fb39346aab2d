"""Latents as a row of tokens, two by two pixels each, and back; where each lies in the picture.

FLUX.1's and its kin's.  The arithmetic is the stock pipelines': it moves numbers and changes none.
"""

from __future__ import annotations

import torch
from torch import Tensor


def packed(latents: Tensor) -> Tensor:
    """(1, C, h, w) -> (1, h/2 * w/2, 4 C), row by row."""
    batch, channels, height, width = latents.shape
    fours = latents.reshape(batch, channels, height // 2, 2, width // 2, 2)
    return fours.permute(0, 2, 4, 1, 3, 5).reshape(batch, -1, channels * 4)


def unpacked(tokens: Tensor, height: int, width: int) -> Tensor:
    """(1, h/2 * w/2, 4 C) -> (1, C, h, w)."""
    batch, _, channels = tokens.shape
    fours = tokens.reshape(batch, height // 2, width // 2, channels // 4, 2, 2)
    return fours.permute(0, 3, 1, 4, 2, 5).reshape(batch, channels // 4, height, width)


def places(latents: Tensor, picture: int) -> Tensor:
    """Of which picture each token is, its row and its column: (h/2 * w/2, 3), float32.

    The picture that is drawn is 0, those that are looked at are numbered in their order.
    """
    height, width = latents.shape[-2] // 2, latents.shape[-1] // 2
    rows, columns = torch.arange(height), torch.arange(width)
    which = torch.full((height, width), picture)
    found = torch.stack([which, *torch.meshgrid(rows, columns, indexing="ij")], dim=-1)
    return found.reshape(-1, 3).to(torch.float32)
