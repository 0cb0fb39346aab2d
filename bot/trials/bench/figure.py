"""A measured number with its target, and what a measurement is given to measure with."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bot.settings import Settings

TIMES = ("ms", "us", "s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured, and what it may be at most."""

    name: str
    what: str
    value: float
    target: float
    unit: str
    how: str
    processor: bool = False  # a time of the processor: what others do with it does not count

    @property
    def judged(self) -> bool:
        """Whether there is a target, here and now."""
        return math.isfinite(self.target)

    @property
    def passed(self) -> bool:
        """Whether the target is met, if there is one."""
        return self.value <= self.target

    def at_pace(self, slowness: float) -> Figure:
        """The figure with the time allowed that this machine needs, if its target is a time.

        `slowness` is `generation.yardstick`'s, measured in the same run; a share or a count stands.
        """
        if self.unit not in TIMES or not self.judged or slowness <= 1:
            return self
        how = f"{self.how}; {slowness:.2f} x the time is allowed, as this machine needs"
        return replace(self, target=self.target * slowness, how=how)

    def spelled(self, number: float) -> str:
        """A number of this figure with its unit."""
        if not math.isfinite(number):
            return "-"
        match self.unit:
            case "ms":
                return f"{number:.2f} ms" if number < 10 else f"{number:.0f} ms"
            case "us":
                return f"{number:.1f} us"
            case "s" | "%":
                return f"{number:.2f} {self.unit}"
            case "x":
                return f"{number:.3f} x"
            case _:
                return f"{number:g} {self.unit}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where a measurement takes place."""

    settings: Settings
    folder: Path  # empty, and gone afterwards

    @property
    def for_many_jobs(self) -> Settings:
        """Settings under which one person may have any number of jobs, in that folder."""
        return replace(
            self.settings,
            data=self.folder,
            max_waiting_per_person=1000,
            max_seconds_per_person=1_000_000.0,
        )


Measurement = Callable[[Ground], Awaitable[tuple[Figure, ...]]]


def nearly_all(
    what: str, seconds: Sequence[float], percent: int, target: float, *, name: str, how: str
) -> Figure:
    """The milliseconds that `percent` of a hundred do not exceed; `how` is told with the spread."""
    middle, longest = median(seconds) * 1000, max(seconds) * 1000
    return Figure(
        name=name,
        what=f"{what}, p{percent}",
        value=percentile(seconds, percent) * 1000,
        target=target,
        unit="ms",
        how=f"{how}; median {middle:.1f} ms, longest {longest:.1f} ms",
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


class Spread:
    """How long things took, in room that does not grow: counts in steps of 2 per cent."""

    FINEST = 1e-4  # seconds; all that took less are one
    STEP = math.log(1.02)

    def __init__(self) -> None:
        self._counts = [0] * 700  # up to 100 s
        self.number = 0
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        step = math.log(max(seconds, self.FINEST) / self.FINEST) / self.STEP
        self._counts[min(math.ceil(step), len(self._counts) - 1)] += 1
        self.number += 1
        self.longest = max(self.longest, seconds)

    def percentile(self, percent: float) -> float:
        """The seconds that so many percent did not exceed, 2 per cent too high at most."""
        wanted, seen = math.ceil(self.number * percent / 100), 0
        for step, count in enumerate(self._counts):
            seen += count
            if seen >= wanted > 0:
                return min(self.FINEST * math.exp(step * self.STEP), self.longest)
        return 0.0
