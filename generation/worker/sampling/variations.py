"""Noise close to other noise: on the arc between what two seeds give.

    start = noise(seed)  --strength-->  noise(variation.seed)  --strength-->  ...

On the straight line between two noises there is less of it in the middle, and a model that is
shown too little draws mush; on the arc there is as much everywhere.  Each further seed has a
generator of its own, which draws once.  The invariant: at strength 0 the noise is the same tensor,
so the picture is the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from generation.recipe import Variation


def varied(first: Tensor, variations: Iterable[Variation]) -> Tensor:
    """The first noise of a drawing (float32, on the CPU), each variation upon the one before."""
    for variation in variations:
        generator = torch.Generator("cpu").manual_seed(variation.seed)
        other = torch.randn(first.shape, generator=generator, dtype=torch.float32)
        first = on_arc(first, other, variation.strength)
    return first


def on_arc(one: Tensor, other: Tensor, share: float) -> Tensor:
    """Spherical interpolation (Shoemake 1985), of whole tensors: 0 is the first, 1 the other."""
    if share == 0.0:
        return one
    if share == 1.0:
        return other
    lengths = math.sqrt(_product(one, one) * _product(other, other))
    angle = math.acos(max(-1.0, min(1.0, _product(one, other) / lengths)))
    if math.sin(angle) < 1e-6:  # the same seed: an arc without a length
        return one
    mine = math.sin((1.0 - share) * angle) / math.sin(angle)
    theirs = math.sin(share * angle) / math.sin(angle)
    return mine * one + theirs * other


def _product(one: Tensor, other: Tensor) -> float:
    # Products of two float32 are exact in float64, and this sum is exact in any order: the weights
    # are the same whatever the number of threads.
    return math.fsum((one.double() * other.double()).flatten().tolist())
