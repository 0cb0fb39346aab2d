"""What a fair queue must remember across a restart, as plain values.

Every number is absolute, so that saving the rows that changed since the last time is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generation.job import GroupId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person within one group."""

    tag: float  # seconds served / weight, on the group's clock
    weight: float
    group_weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Everybody with debt or jobs, as if every unfinished job had been put back."""

    groups: Mapping[GroupId, float]  # each group's clock
    people: Mapping[tuple[GroupId, UserId], Account]
