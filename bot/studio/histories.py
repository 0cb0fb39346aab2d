"""Histories: what was drawn in the last days, with what, how long it waited, and for whom.

Invariant: a server's numbers are for its members, of its people for its moderators alone; where
there is no server, everybody has their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.studio.rights import Asker
from bot.studio.stats import percentile
from generation.job import GroupId, UserId
from storage.accounts import Ledger, Waited
from storage.tallies import SECONDS, Tallies, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfWaits:
    """How long the pictures waited that were begun on a day."""

    day: int
    p50: float  # seconds
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The last days, each of 24 hours; the last one ends now."""

    until: float  # Unix time
    days: int
    own: bool  # of one person alone
    tallies: tuple[Tally, ...]
    waits: tuple[DayOfWaits, ...]
    people: tuple[tuple[UserId, float], ...]  # seconds of the device, most first; for moderators

    @property
    def pictures(self) -> int:
        """How many there are."""
        return sum(tally.pictures for tally in self.tallies)

    def counted_by(self, of: Callable[[Tally], str]) -> dict[str, int]:
        """Pictures by what a tally says, the most first."""
        found: dict[str, int] = defaultdict(int)
        for tally in self.tallies:
            found[of(tally)] += tally.pictures
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


class Histories:
    """Reads them."""

    def __init__(self, tallies: Tallies, ledger: Ledger, *, clock: Callable[[], float]) -> None:
        self._tallies, self._ledger, self._clock = tallies, ledger, clock

    async def of(self, asker: Asker, days: int, *, mine: bool, moderates: bool) -> History:
        """The asker's own days, or those of the server in which they ask."""
        until = self._clock()
        since = until - days * SECONDS
        own = mine or asker.guild is None
        group = GroupId(f"guild {asker.guild}")
        tallies = await self._tallies.pictures(
            since=since, days=days, person=asker.id, guild=None if own else asker.guild
        )
        waits = [
            row
            for row in await self._ledger.waits_since(since)
            if (row.user == asker.id if own else row.group == group)
        ]
        people: dict[UserId, float] = defaultdict(float)
        if moderates and not own:
            for row in await self._ledger.served_since(since):
                if row.group == group:
                    people[row.user] += row.seconds
        return History(
            until=until,
            days=days,
            own=own,
            tallies=tallies,
            waits=tuple(_by_day(waits, since)),
            people=tuple(sorted(people.items(), key=lambda item: -item[1])),
        )


def _by_day(waits: Iterable[Waited], since: float) -> Iterable[DayOfWaits]:
    days: dict[int, list[float]] = defaultdict(list)
    for row in waits:
        # A clock can be set back.
        days[int((row.started_at - since) / SECONDS)].append(
            max(0.0, row.started_at - row.asked_at)
        )
    for day, seconds in sorted(days.items()):
        half, most = (percentile(seconds, part) for part in (0.5, 0.95))
        yield DayOfWaits(day=day, p50=half, p95=most)
