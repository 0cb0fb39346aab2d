"""A network whose noise is preconditioned (Karras et al. 2022), as a `Denoise`.

    x at sigma --c_in--> what it eats      v --c_skip, c_out--> x0

It is told of sigma not a whole timestep but its angle, atan(sigma) * 2 / pi, or a quarter of its
logarithm.  The arithmetic is in the order of diffusers' EDM schedulers: a guess from the same input
has the same bits as theirs.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from generation.errors import NoSuchName
from generation.sigmas import Preconditioned, preconditioned
from generation.worker.sampling.denoiser import Denoiser, Predict


class PreconditionedDenoiser(Denoiser):
    """One that predicts v, for data whose deviation its noise names."""

    def __init__(self, predict: Predict, said: Preconditioned) -> None:
        self._predict = predict
        self._prediction = "v_prediction"
        self._said = said

    def scaled(self, y: Tensor, sigma: Tensor) -> Tensor:
        return self(y * ((sigma**2 + 1) ** 0.5), sigma)

    def time(self, sigma: float) -> float:
        low, high = self._said.low, self._said.high
        share = math.log(max(sigma, low) / low) / math.log(high / low)
        return min(1.0, share)

    def timestep(self, sigma: float) -> int:
        return round(999 * self.time(sigma))

    def _eaten(self, x: Tensor, sigma: Tensor) -> Tensor:
        return x * (1 / ((sigma**2 + self._said.data**2) ** 0.5))

    def _meant(self, x: Tensor, sigma: Tensor, output: Tensor) -> Tensor:
        data = self._said.data
        skip = data**2 / (sigma**2 + data**2)
        out = -sigma * data / (sigma**2 + data**2) ** 0.5
        return skip * x + out * output

    def _told(self, y: Tensor, sigma: Tensor) -> Tensor:
        told = sigma.atan() / math.pi * 2 if self._said.angle else 0.25 * torch.log(sigma)
        return told.to(y.device, torch.float32)


def denoiser(predict: Predict, *, prediction: str, noise: str, whole: float) -> Denoiser:
    """The `Denoise` of a network that predicts so, under the noise of that name."""
    said = preconditioned(noise)
    if said is None:
        return Denoiser(predict, prediction=prediction, noise=noise, whole=whole)
    if prediction != "v_prediction":
        raise NoSuchName("prediction type", prediction, ("v_prediction",))
    return PreconditionedDenoiser(predict, said)
