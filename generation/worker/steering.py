"""Networks that look at a picture and steer the denoiser: which, how much, and in which steps.

The invariant: a control that is not on in a step is not asked, and changes no bit of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from generation.worker.parts import Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """One network and what it sees."""

    network: Any
    picture: Tensor  # as `Steered.sight` gives it
    strength: float
    start: float  # share of the steps that are done when it begins
    end: float
    mode: int | None  # what the picture shows, as the network numbers it

    def is_on(self, step: int, steps: int) -> bool:
        """Whether it steers the step of that number, from 0, as the stock pipelines count."""
        return not (step / steps < self.start or (step + 1) / steps > self.end)


@dataclass(eq=False, slots=True, kw_only=True)
class Controls:
    """All that steer one drawing, and how far it is."""

    each: tuple[Steering, ...]
    steps: int
    done: int = 0  # steps

    @property
    def on(self) -> tuple[Steering, ...]:
        """Those that steer the step which is made now."""
        step = min(self.done, self.steps - 1)
        return tuple(one for one in self.each if one.is_on(step, self.steps))


@runtime_checkable
class Steered(Protocol):
    """An `Engine` whose denoiser can be steered."""

    def sight(
        self, parts: Parts, network: Any, pixels: Tensor, generator: torch.Generator
    ) -> Tensor:
        """What a network sees of a picture: pixels (1, 3, H, W), 0 to 1.

        What is drawn from the generator is drawn before all else.
        """


def summed(residuals: Sequence[Sequence[Tensor]]) -> tuple[Tensor, ...]:
    """What several networks add at each place, in their order."""
    first, *others = residuals
    found = list(first)
    for one in others:
        found = [before + more for before, more in zip(found, one, strict=True)]
    return tuple(found)
