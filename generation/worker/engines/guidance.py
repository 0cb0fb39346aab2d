"""Classifier-free guidance (Ho and Salimans 2022): away from the negative prompt, by cfg.

Both prompts are two lanes of one call, the negative first; without guidance there is one lane.
Where a picture is looked at, it may guide by itself (Brooks et al. 2023), which is three: words and
picture, picture alone, neither; without words is with the negative ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from generation.recipe import Sampling


@dataclass(frozen=True, slots=True)
class Guided:
    """A `Predict`, by `both(y, t)`: what the network says, guided and not."""

    both: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

    def __call__(self, y: Tensor, t: Tensor) -> Tensor:
        return self.both(y, t)[0]

    def apart(self, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        return self.both(y, t)


def guided(ask: Callable[[Tensor, Tensor], Tensor], sampling: Sampling) -> Guided:
    """What the network says of a picture, by `ask(lanes, t)`, which says it of each lane."""

    def both(y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        out = ask(torch.cat([y] * sampling.lanes) if sampling.guided else y, t).float()
        if not sampling.guided:
            return out, out
        if sampling.image_cfg is not None:
            words, picture, neither = out.chunk(3)
            towards = sampling.cfg * (words - picture)
            return neither + towards + sampling.image_cfg * (picture - neither), neither
        negative, positive = out.chunk(2)
        return negative + sampling.cfg * (positive - negative), negative

    return Guided(both)


def in_lanes(said: Tensor, negative: Tensor, sampling: Sampling) -> Tensor:
    """What each lane is told: what the words say, or what the negative ones do."""
    if not sampling.guided:
        return said
    many = [negative, said] if sampling.image_cfg is None else [said, negative, negative]
    return torch.cat(many)


def looked_at(picture: Tensor, sampling: Sampling) -> Tensor:
    """What each lane sees of a picture: in the last of three nothing."""
    if sampling.lanes < 3:
        return torch.cat([picture] * sampling.lanes)
    return torch.cat([picture, picture, torch.zeros_like(picture)])


def apart(
    ask: Callable[[Tensor, Tensor, bool], Tensor],
    sampling: Sampling,
    mended: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Guided:
    """The same of a network that is asked of each prompt alone: `ask(y, t, negative)`.

    `mended`: (what guidance makes of both, what the words alone say) -> what is gone by.
    """

    def both(y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        out = ask(y, t, False).float()
        if not sampling.guided:
            return out, out
        negative = ask(y, t, True).float()
        towards = negative + sampling.cfg * (out - negative)
        return towards if mended is None else mended(towards, out), negative

    return Guided(both)


def beyond(positive: Tensor, negative: Tensor, cfg: float) -> Tensor:
    """The same as its sum is written by those whose own scale, a cfg less 1, goes on from words."""
    return positive + (cfg - 1) * (positive - negative)
