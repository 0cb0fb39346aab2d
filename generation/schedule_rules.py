"""Schedulers whose name holds numbers: what other programs have nodes for.

    beta:0.4:0.4                    ComfyUI's BetaSamplingScheduler: the quantiles of that Beta
    manual:1:0.9045:0.7595:0.5128   its ManualSigmas: these levels, and 0 behind them

The name is all that a recipe says of it, beside the levels.  Invariant: a rule is spelled in one
way, and what it is spelled as is read back as the same rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from generation.errors import OutOfRange

MAX_LEVELS = 100
_BETA = re.compile(r"beta[:( ]+([\d.]+)[:, ]+([\d.]+)\)?", re.IGNORECASE)
_MANUAL = re.compile(r"(?:manual|sigmas)[:( ]+([\d.:,; ]+)\)?", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,4}(?:\.\d{0,8})?|\.\d{1,8}")
_LEAST, _MOST = 0.05, 20.0  # of a Beta's two numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRule:
    """A schedule by numbers."""

    beta: tuple[float, float] | None = None
    levels: tuple[float, ...] = ()  # without the 0 at the end

    @property
    def name(self) -> str:
        if self.beta is not None:
            return f"beta:{self.beta[0]:.8g}:{self.beta[1]:.8g}"
        return ":".join(("manual", *(f"{level:.8g}" for level in self.levels)))


def schedule_rule(name: str) -> ScheduleRule | None:
    """What such a name says; None: it is none of these.  Raises OutOfRange."""
    plain = name.strip()
    if (beta := _BETA.fullmatch(plain)) is not None:
        alpha, other = _number(beta[1]), _number(beta[2])
        for value in (alpha, other):
            if not _LEAST <= value <= _MOST:
                raise OutOfRange("scheduler", plain, f"beta with two numbers, {_LEAST:g} to 20")
        return ScheduleRule(beta=(alpha, other))
    if (manual := _MANUAL.fullmatch(plain)) is None:
        return None
    levels = [_number(text) for text in re.split(r"[:,; ]+", manual[1].strip(" :,;"))]
    if levels[-1] == 0.0:
        levels = levels[:-1]
    if not 1 <= len(levels) <= MAX_LEVELS or levels != sorted(set(levels), reverse=True):
        raise OutOfRange("scheduler", plain, f"1 to {MAX_LEVELS} noise levels that descend to 0")
    if levels[-1] <= 0.0:
        raise OutOfRange("scheduler", plain, "noise levels above 0")
    return ScheduleRule(levels=tuple(levels))


def _number(text: str) -> float:
    if _NUMBER.fullmatch(text) is None:
        raise OutOfRange("scheduler", text, "numbers")
    return float(text)
