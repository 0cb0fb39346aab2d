"""A measured number with its target, and what a measurement is given to measure with."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured, and what it may be at most."""

    name: str
    what: str
    value: float
    target: float
    unit: str
    how: str

    @property
    def passed(self) -> bool:
        """Whether the target is met."""
        return self.value <= self.target

    def spelled(self, number: float) -> str:
        """A number of this figure with its unit."""
        if self.unit == "ms":
            return f"{number:.2f} ms" if number < 10 else f"{number:.0f} ms"
        return f"{number:.3f} {self.unit}" if self.unit == "x" else f"{number:g} {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where a measurement takes place."""

    settings: Settings
    folder: Path  # empty, and gone afterwards


Measurement = Callable[[Ground], Awaitable[tuple[Figure, ...]]]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
