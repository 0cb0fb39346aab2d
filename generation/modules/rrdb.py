"""RRDBNet, the network of ESRGAN and Real-ESRGAN, written once: trained here, and enlarged with.

    pixels -> [unshuffle] -> conv_first -+-> body: blocks of dense blocks -> conv_body -+-> features
                                         +----------------------------------------------+
    features -> (twice as large -> conv_up) * ups -> conv_hr -> conv_last -> pixels

Pixels lie between 0 and 1.  The invariant: names, order and arithmetic are those of the published
networks, so that their weights give what they gave there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, pixel_unshuffle

RESIDUAL = 0.2  # what a block adds of what it found
SLOPE = 0.2  # of the rectifier's negative side


class _DenseBlock(nn.Module):
    """Five convolutions, each of which reads all that the ones before it found."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, growth, 3, padding=1)
        self.conv2 = nn.Conv2d(width + growth, growth, 3, padding=1)
        self.conv3 = nn.Conv2d(width + 2 * growth, growth, 3, padding=1)
        self.conv4 = nn.Conv2d(width + 3 * growth, growth, 3, padding=1)
        self.conv5 = nn.Conv2d(width + 4 * growth, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        found = x
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            found = torch.cat([found, leaky_relu(conv(found), SLOPE)], dim=1)
        out: Tensor = self.conv5(found)
        return out * RESIDUAL + x


class _ResidualBlock(nn.Module):
    """Three dense blocks in a row."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = _DenseBlock(width, growth)
        self.rdb2 = _DenseBlock(width, growth)
        self.rdb3 = _DenseBlock(width, growth)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.rdb3(self.rdb2(self.rdb1(x)))
        return out * RESIDUAL + x


class RRDBNet(nn.Module):
    """Enlarges by 2 ** ups, divided by `shuffle`: how many pixels of a side it takes as one."""

    _keep_in_fp32_modules = None  # whoever builds networks asks for it

    def __init__(self, *, width: int, growth: int, blocks: int, ups: int, shuffle: int = 1) -> None:
        super().__init__()
        self.config = {
            "width": width,
            "growth": growth,
            "blocks": blocks,
            "ups": ups,
            "shuffle": shuffle,
        }
        self.shuffle = shuffle
        self.conv_first = nn.Conv2d(3 * shuffle**2, width, 3, padding=1)
        self.body = nn.ModuleList(_ResidualBlock(width, growth) for _ in range(blocks))
        self.conv_body = nn.Conv2d(width, width, 3, padding=1)
        for number in range(1, ups + 1):
            setattr(self, f"conv_up{number}", nn.Conv2d(width, width, 3, padding=1))
        self.ups = ups
        self.conv_hr = nn.Conv2d(width, width, 3, padding=1)
        self.conv_last = nn.Conv2d(width, 3, 3, padding=1)

    @property
    def factor(self) -> int:
        """How many times as long the sides become."""
        return (1 << self.ups) // self.shuffle

    def forward(self, pixels: Tensor) -> Tensor:
        """(1, 3, h, w) -> (1, 3, h * scale, w * scale); sides are multiples of `shuffle`."""
        first = self.conv_first(pixel_unshuffle(pixels, self.shuffle))
        deep = first
        for block in self.body:
            deep = block(deep)
        features = first + self.conv_body(deep)
        for number in range(1, self.ups + 1):
            conv = getattr(self, f"conv_up{number}")
            features = leaky_relu(conv(interpolate(features, scale_factor=2.0)), SLOPE)
        out: Tensor = self.conv_last(leaky_relu(self.conv_hr(features), SLOPE))
        return out
