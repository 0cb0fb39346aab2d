"""Classifier-free guidance (Ho and Salimans 2022): away from the negative prompt, by cfg.

Both prompts are two lanes of one call, the negative first; without guidance there is one lane.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from generation.recipe import Sampling
from generation.worker.sampling.denoiser import Predict


def guided(ask: Callable[[Tensor, Tensor], Tensor], sampling: Sampling) -> Predict:
    """What the network says of a picture, by `ask(lanes, t)`, which says it of each lane."""

    def predict(y: Tensor, t: Tensor) -> Tensor:
        out = ask(torch.cat([y, y]) if sampling.guided else y, t).float()
        if not sampling.guided:
            return out
        negative, positive = out.chunk(2)
        return negative + sampling.cfg * (positive - negative)

    return predict
