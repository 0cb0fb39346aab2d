"""A model that leaves a part of a picture as it is: a `Denoise` around a `Denoise`.

Outside the mask its guess is the picture itself, and what it looks at is the picture under the
noise of the level, the drawing's first.  So whatever sampler walks, and wherever it stops, the rest
of the picture is at every level what an undisturbed drawing of it would be.  The invariant: no
number outside the mask comes from the network.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from generation.worker.sampling.denoiser import Denoise, alpha_and_spread, noised


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What of a picture is not drawn."""

    latents: Tensor  # of the whole picture: (1, C, h, w)
    where: Tensor  # bool: (1, 1, h, w)

    def put_into(self, drawn: Tensor) -> Tensor:
        """The drawn latents with what is kept in its place."""
        return self.beside(self.latents, drawn)

    def beside(self, rest: Tensor, drawn: Tensor) -> Tensor:
        """One tensor of both.  Its strides, which decide last bits, are the stock pipelines'."""
        return torch.where(self.where, rest, drawn).contiguous()


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """`inner`, inside the mask alone; `noise` is what the drawing begins as."""

    inner: Denoise
    kept: Kept
    noise: Tensor

    @property
    def flow(self) -> bool:
        return self.inner.flow

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.kept.put_into(self.inner(self._seen(x, sigma), sigma))

    def scaled(self, y: Tensor, sigma: Tensor) -> Tensor:
        alpha, spread = alpha_and_spread(sigma)
        rest = alpha * self.kept.latents + spread * self.noise
        seen = self.kept.beside(rest, y)
        return self.kept.put_into(self.inner.scaled(seen, sigma))

    def slope(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        seen = self._seen(x, sigma)
        x0, slope = self.inner.slope(seen, sigma)
        away = (x - self.kept.latents) / sigma
        return self.kept.put_into(x0), self.kept.beside(away, slope)

    def apart(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        guided, free = self.inner.apart(self._seen(x, sigma), sigma)
        return self.kept.put_into(guided), self.kept.put_into(free)

    def time(self, sigma: float) -> float:
        return self.inner.time(sigma)

    def _seen(self, x: Tensor, sigma: Tensor) -> Tensor:
        rest = noised(self.kept.latents, self.noise, sigma, flow=self.flow)
        return self.kept.beside(rest, x)
