"""One drawing, as every integrator sees it: the model, the levels, the noise.

Invariant: noise is drawn by `noise` alone, and in the order that docs/samplers.md gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from generation.worker.sampling.denoiser import Denoise, alpha_and_spread, noised

Noise = Callable[[], Tensor]
OnStep = Callable[[int, Tensor], None]

# Where a flow is all noise its signal is 0, and what divides by it begins a little below.
NEARLY_ALL = 0.9999


@dataclass(frozen=True, slots=True, kw_only=True)
class Lower:
    """Where a step goes down to, and how fresh noise lifts the result to the next level."""

    down: float
    keep: float = 1.0  # the share of what was reached
    up: float = 0.0  # the strength of the noise

    def lifted(self, x: Tensor, noise: Tensor) -> Tensor:
        """x at the next level, from x at the lower one."""
        return (x if self.keep == 1.0 else x * self.keep) + noise * self.up


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerRun:
    """One drawing: what every integrator needs."""

    denoise: Denoise
    sigmas: Tensor  # (steps + 1,) on the CPU, descending to 0
    first: Tensor  # the noise of the start
    init: Tensor | None
    noise: Noise
    on_step: OnStep
    began: Tensor | None = None  # x at the first sigma, where it is no usual start

    def start(self) -> Tensor:
        """x at the first sigma."""
        if self.began is not None:
            return self.began
        sigma, flow = self.sigmas[0], self.denoise.flow
        if self.init is not None:
            return noised(self.init, self.first, sigma, flow=flow)
        return self.first * (sigma if flow else (sigma**2 + 1) ** 0.5)

    def start_scaled(self) -> Tensor:
        """The same x, divided by sqrt(1 + sigma^2)."""
        if self.init is None:
            return self.first
        alpha, spread = alpha_and_spread(self.sigmas[0])
        return alpha * self.init + spread * self.first

    def levels(self) -> list[float]:
        """The sigmas as Python floats."""
        return [float(sigma) for sigma in self.sigmas]

    def tensors(self) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Number from 1, this sigma and the next, as 0-dim tensors of the drawing's dtype."""
        for i in range(len(self.sigmas) - 1):
            yield i + 1, self.sigmas[i], self.sigmas[i + 1]

    def numbers(self) -> Iterator[tuple[int, float, float]]:
        """The same as Python floats."""
        for step, here, then in self.tensors():
            yield step, float(here), float(then)

    def guess(self, x: Tensor, sigma: float) -> Tensor:
        """x0 at a sigma that need not be one of the list."""
        return self.denoise(x, torch.tensor(sigma, dtype=self.sigmas.dtype))

    def apart(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        """x0 as it is guided, and without guidance."""
        return self.denoise.apart(x, torch.tensor(sigma, dtype=self.sigmas.dtype))

    def lower(self, here: float, then: float) -> Lower:
        """An ancestral step with eta 1.

        Of a flow what is reached has to shrink as well, for picture and noise to add up to 1.
        """
        if self.denoise.flow:
            down = then**2 / here
            keep = (1 - then) / (1 - down)
            return Lower(down=down, keep=keep, up=math.sqrt(then**2 - (down * keep) ** 2))
        up = min(then, math.sqrt(then**2 * (here**2 - then**2) / here**2))
        return Lower(down=math.sqrt(then**2 - up**2), up=up)

    def middle(self, here: float, then: float) -> float:
        """The level between two whose noise is to its signal as their geometric mean."""
        if not self.denoise.flow:
            return math.sqrt(here * then)
        here, then = min(here, NEARLY_ALL), min(then, NEARLY_ALL)
        ratio = math.sqrt(here / (1 - here) * (then / (1 - then)))
        return ratio / (1 + ratio)


def exponential(x: Tensor, x0: Tensor, here: float, then: float) -> Tensor:
    """The exact step if x0 were constant, of a flow as well."""
    return x * (then / here) + x0 * (1 - then / here)
