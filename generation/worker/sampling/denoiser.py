"""A model, seen as a guess of the finished picture at any noise level.

The arithmetic is in the order of diffusers' schedulers: a guess from the same input has the same
bits as theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from generation.errors import NoSuchName, RenderFailed
from generation.sigmas import EXPONENTIAL, FALLING_STEPS, FALLS, betas

Predict = Callable[[Tensor, Tensor], Tensor]


@runtime_checkable
class Apart(Protocol):
    """A `Predict` that also knows what the network says without guidance."""

    def __call__(self, y: Tensor, t: Tensor) -> Tensor: ...

    def apart(self, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """What the network says, guided and not, in one call of it."""


class Denoise(Protocol):
    """A model, seen as a guess of the finished picture."""

    @property
    def flow(self) -> bool:
        """Whether x is (1 - sigma) * x0 + sigma * noise instead of x0 + sigma * noise."""

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """x0, guessed from x at the noise level sigma (0-dim, on the CPU)."""

    def scaled(self, y: Tensor, sigma: Tensor) -> Tensor:
        """The same from y = x / sqrt(1 + sigma^2), which has unit variance."""

    def slope(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """x0, and how x changes with sigma there."""

    def apart(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """x0, and what it would be without guidance."""

    def time(self, sigma: float) -> float:
        """When a model in training sees that much noise: 0 to 1, the most."""


class Denoiser:
    """A network that predicts noise, velocity, flow or the sample itself, as a `Denoise`.

    `predict(y, t)` runs the network, cfg applied: y is what it eats (unit variance), t a 0-dim
    int64 timestep on y's device (0-dim float32 for flow, sigma * `whole`).  Timesteps are whole,
    the nearest in log sigma, as in ComfyUI and in diffusers' DPM++: the network was trained on
    those, under the noise of that name (of generation.sigmas.levels).  What predicts the sample
    itself ("sample", or "sample@1.0" where it lies in -1 to 1) is told times between them,
    float32.
    """

    def __init__(
        self,
        predict: Predict,
        *,
        prediction: str = "epsilon",
        noise: str = "scaled-linear",
        whole: float = 1000.0,
    ) -> None:
        prediction, _, bound = prediction.partition("@")
        if prediction not in (known := ("epsilon", "v_prediction", "flow", "sample")):
            raise NoSuchName("prediction type", prediction, known)
        self._predict, self._whole = predict, whole
        self._prediction = prediction
        self._bound = float(bound) if bound else None
        if not self.flow:
            kept = alphas_of(noise).to(torch.float64)
            self._log_sigmas = ((1 - kept) / kept).sqrt().log()
        if self._itself:
            self._between = _LogLevels(noise)

    @property
    def flow(self) -> bool:
        return self._prediction == "flow"

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self._meant(x, sigma, self._output(self._eaten(x, sigma), sigma))

    def apart(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        if not isinstance(self._predict, Apart):
            raise RenderFailed("this model says nothing without guidance, which CFG++ counts on")
        y = self._eaten(x, sigma)
        guided, free = self._predict.apart(y, self._told(y, sigma))
        return self._meant(x, sigma, guided.to(y.dtype)), self._meant(x, sigma, free.to(y.dtype))

    def slope(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        if self.flow:  # it is what the network says; by way of x0 it would be rounded
            output = self._output(x, sigma)
            return x - sigma * output, output
        x0 = self(x, sigma)
        return x0, (x - x0) / sigma

    def scaled(self, y: Tensor, sigma: Tensor) -> Tensor:
        alpha, spread = alpha_and_spread(sigma)
        output = self._output(y, sigma)
        if self._itself:
            return self._bounded(output)
        if self._prediction == "epsilon":
            return (y - spread * output) / alpha
        return alpha * y - spread * output

    def time(self, sigma: float) -> float:
        return sigma if self.flow else self.timestep(sigma) / len(self._log_sigmas)

    def timestep(self, sigma: float) -> int:
        """The training timestep whose noise level is nearest to sigma."""
        return int((self._log_sigmas - math.log(max(sigma, 1e-10))).abs().argmin())

    @property
    def _itself(self) -> bool:
        return self._prediction == "sample"

    def _bounded(self, x0: Tensor) -> Tensor:
        return x0 if self._bound is None else x0.clamp(-self._bound, self._bound)

    def _eaten(self, x: Tensor, sigma: Tensor) -> Tensor:
        """What the network is shown of x."""
        return x if self.flow else x / ((sigma**2 + 1) ** 0.5)

    def _meant(self, x: Tensor, sigma: Tensor, output: Tensor) -> Tensor:
        """x0, by what the network says of x."""
        if self._itself:
            return self._bounded(output)
        if self.flow or self._prediction == "epsilon":
            return x - sigma * output
        return output * (-sigma / (sigma**2 + 1) ** 0.5) + (x / (sigma**2 + 1))

    def _told(self, y: Tensor, sigma: Tensor) -> Tensor:
        """The timestep that the network is told."""
        if self.flow:
            return (sigma * self._whole).to(y.device, torch.float32)
        if self._itself:
            return torch.tensor(self._between.time(float(sigma)), device=y.device)
        return torch.tensor(self.timestep(float(sigma)), device=y.device)

    def _output(self, y: Tensor, sigma: Tensor) -> Tensor:
        return self._predict(y, self._told(y, sigma)).to(y.dtype)


class _LogLevels:
    """Times between those of the training, as diffusers' HeunDiscrete finds them."""

    def __init__(self, noise: str) -> None:
        kept = alphas_of(noise)
        self._logs = np.log((((1 - kept) / kept) ** 0.5).numpy())

    def time(self, sigma: float) -> float:
        """When a model in training sees that much noise, to float32's last bit."""
        log = np.log(np.maximum(sigma, 1e-10))
        low = int(np.cumsum(log - self._logs >= 0).argmax().clip(max=len(self._logs) - 2))
        below, above = self._logs[low], self._logs[low + 1]
        share = np.clip((below - log) / (below - above), 0, 1)
        return float(np.float32((1 - share) * low + share * (low + 1)))


def alphas_of(noise: str) -> Tensor:
    """alphas_cumprod of a name of generation.sigmas.levels, in float32 as diffusers has them."""
    if noise == EXPONENTIAL:
        falls = [math.exp(-FALLS * i / FALLING_STEPS) for i in range(FALLING_STEPS + 1)]
        steps = [1 - after / before for before, after in pairwise(falls)]
        return torch.cumprod(1.0 - torch.tensor(steps, dtype=torch.float32), dim=0)
    said = betas(noise)
    if said.linear:
        noises = torch.linspace(said.first, said.last, 1000, dtype=torch.float32)
    else:
        noises = torch.linspace(said.first**0.5, said.last**0.5, 1000, dtype=torch.float32) ** 2
    kept = torch.cumprod(1.0 - noises, dim=0)
    if (less := said.less_signal) != 1.0:
        kept = kept / (less + (1 - less) * kept)
    if not said.zero_snr:
        return kept
    kept = torch.cumprod(1.0 - _without_terminal_signal(kept), dim=0)
    kept[-1] = 2**-24  # as diffusers has it: 0 would be an infinite level
    return kept


def _without_terminal_signal(kept: Tensor) -> Tensor:
    """The betas of Lin et al. 2023, algorithm 1, in the order of diffusers' arithmetic."""
    roots = kept.sqrt()
    first, last = roots[0].clone(), roots[-1].clone()
    fewer = ((roots - last) * (first / (first - last))) ** 2
    return 1 - torch.cat([fewer[:1], fewer[1:] / fewer[:-1]])


def noised(latents: Tensor, noise: Tensor, sigma: Tensor, *, flow: bool) -> Tensor:
    """A picture under that much noise."""
    if flow:
        return noise * sigma + (1.0 - sigma) * latents
    return latents + noise * sigma


def alpha_and_spread(sigma: Tensor) -> tuple[Tensor, Tensor]:
    """The share of the picture and of the noise in y = x / sqrt(1 + sigma^2)."""
    alpha = 1 / ((sigma**2 + 1) ** 0.5)
    return alpha, sigma * alpha
