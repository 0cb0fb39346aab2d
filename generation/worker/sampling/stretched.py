"""A flow, seen as a picture under added noise.

    x = (1 - sigma) * x0 + sigma * noise      a flow
    x / (1 - sigma) = x0 + s * noise          the same, stretched: s = sigma / (1 - sigma)

So whatever is derived for added noise (SDEs, CFG++) draws flows: its steps in log(s) are steps in
half of the logarithm of signal to noise.  Invariant: at s = 0 nothing is stretched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps

import torch
from torch import Tensor

from generation.worker.sampling.denoiser import Denoise
from generation.worker.sampling.sampler_run import NEARLY_ALL, SamplerRun

Integrator = Callable[[SamplerRun], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretched:
    """A flow's `inner`, as a `Denoise` of added noise."""

    inner: Denoise

    @property
    def flow(self) -> bool:
        return False

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        share = 1 / (1 + sigma)
        return self.inner(x * share, sigma * share)

    def apart(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        share = 1 / (1 + sigma)
        return self.inner.apart(x * share, sigma * share)

    def scaled(self, y: Tensor, sigma: Tensor) -> Tensor:
        return self(y * (sigma**2 + 1) ** 0.5, sigma)

    def slope(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        x0 = self(x, sigma)
        return x0, (x - x0) / sigma

    def time(self, sigma: float) -> float:
        return self.inner.time(sigma / (1 + sigma))


def stretching(integrate: Integrator) -> Integrator:
    """The integrator, for flows too."""

    @wraps(integrate)
    def either(run: SamplerRun) -> Tensor:
        return integrate(_stretched(run) if run.denoise.flow else run)

    return either


def _stretched(run: SamplerRun) -> SamplerRun:
    levels = [min(level, NEARLY_ALL) for level in run.levels()]
    ratios = [level / (1 - level) for level in levels]
    return replace(
        run,
        denoise=Stretched(inner=run.denoise),
        sigmas=torch.tensor(ratios, dtype=run.sigmas.dtype),
        began=run.start() / (1 - levels[0]),
    )
