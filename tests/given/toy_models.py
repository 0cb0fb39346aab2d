"""Models whose guess is known: the exact posterior mean of a mixture of two Gaussians."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from generation.worker.sampling.samplers import sample

SHAPE = (1, 4, 8, 8)


class Mixture:
    """E[x0 | x] when x0 is +-mean with a spread."""

    flow = False

    def __init__(self, mean: float = 1.0, spread: float = 0.3) -> None:
        self.mean, self.spread, self.calls = mean, spread, 0

    def __call__(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        self.calls += 1
        data, noise = self.spread**2, sigma**2
        pull = self.mean * torch.tanh(self.mean * x / (data + noise))
        return (data * x + noise * pull) / (data + noise)

    def scaled(self, y: Tensor, sigma: Tensor) -> Tensor:
        return self(y * (sigma**2 + 1) ** 0.5, sigma)

    def slope(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        x0 = self(x, sigma)
        return x0, (x - x0) / sigma

    def apart(self, x: Tensor, sigma: Tensor | float) -> tuple[Tensor, Tensor]:
        x0 = self(x, sigma)
        return x0, x0

    def time(self, sigma: float) -> float:
        return sigma / (1 + sigma)


class Swayed(Mixture):
    """Guided towards what the unguided model does not say."""

    def apart(self, x: Tensor, sigma: Tensor | float) -> tuple[Tensor, Tensor]:
        x0 = self(x, sigma)
        return x0, 0.8 * x0 - 0.1


class Curve(Mixture):
    """x0 is a curve in log sigma, whatever x is: what a multistep method has to extrapolate."""

    def __call__(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        level = -math.log(float(sigma))
        return torch.full_like(x, 0.3 + 0.5 * level + 0.2 * level**2)


class Flow(Swayed):
    """E[x0 | x] when x0 is +-mean with a spread, x = (1 - sigma) * x0 + sigma * noise."""

    flow = True

    def __call__(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        self.calls += 1
        left = 1 - sigma
        data, noise = (left * self.spread) ** 2, sigma**2
        pull = self.mean * torch.tanh(left * self.mean * x / (data + noise))
        return (left * self.spread**2 * x + noise * pull) / (data + noise)

    def time(self, sigma: float) -> float:
        return sigma


class Plain(Flow):
    """The same, where guidance changes nothing."""

    def apart(self, x: Tensor, sigma: Tensor | float) -> tuple[Tensor, Tensor]:
        x0 = self(x, sigma)
        return x0, x0


def normals(seed: int = 7, dtype: torch.dtype = torch.float64) -> Callable[[], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(SHAPE, generator=generator, dtype=dtype)


def silence() -> Tensor:
    return torch.zeros(SHAPE, dtype=torch.float64)


def draw(
    name: str,
    sigmas: Sequence[float],
    *,
    model: Any = None,
    noise: Callable[[], Tensor] | None = None,
    init: Tensor | None = None,
) -> Tensor:
    return sample(
        name,
        model or Mixture(),
        sigmas,
        noise=noise or normals(),
        on_step=lambda _step, _x0: None,
        init=init,
    )


def error(found: Tensor, right: Tensor) -> float:
    return float((found - right).abs().max() / right.abs().max())
