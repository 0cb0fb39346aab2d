"""Training by the clock: learning rate and checkpoints follow minutes, not steps.

Invariant: a run that was stopped goes on where its last checkpoint left off, with the minutes
already spent counted, so `--minutes` is the budget of the whole training however often it stops.
"""

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

CHECKPOINT_EVERY_S = 150.0


def cosine(share: float, peak: float, warmup: float = 0.03, floor: float = 0.01) -> float:
    """Learning rate after `share` (0..1) of the time: linear warm-up, then a cosine down."""
    if share < warmup:
        return peak * max(share, 1e-3) / warmup
    rest = (min(share, 1.0) - warmup) / (1 - warmup)
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * rest)))


@dataclass(slots=True, kw_only=True)
class Clock:
    """Counts the seconds of training across restarts; `now` says which seconds are meant."""

    minutes: float
    spent_s: float = 0.0
    step: int = 0
    now: Callable[[], float] = time.monotonic
    _started: float = field(init=False)
    _saved: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._started = self.now()

    def elapsed_s(self) -> float:
        """Seconds of training so far, over all runs."""
        return self.spent_s + self.now() - self._started

    def share(self) -> float:
        """How much of the budget is used, 0 to 1."""
        return min(1.0, self.elapsed_s() / (60 * self.minutes))

    def checkpoint_due(self) -> bool:
        """True once every CHECKPOINT_EVERY_S."""
        if time.monotonic() - self._saved < CHECKPOINT_EVERY_S:
            return False
        self._saved = time.monotonic()
        return True


def save(
    path: Path, clock: Clock, model: nn.Module, optimizer: torch.optim.Optimizer, **more: Any
) -> None:
    """Writes a checkpoint whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    held = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "spent_s": clock.elapsed_s(),
        "step": clock.step,
        **more,
    }
    torch.save(held, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def resume(
    path: Path, clock: Clock, model: nn.Module, optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """Loads the checkpoint if there is one; returns what else it holds."""
    if not path.exists():
        return {}
    held: dict[str, Any] = torch.load(path, weights_only=True)
    model.load_state_dict(held["model"])
    optimizer.load_state_dict(held["optimizer"])
    clock.spent_s, clock.step = held["spent_s"], held["step"]
    return held


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = rate


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Moves the exponential moving average one step towards the model."""
    for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)
