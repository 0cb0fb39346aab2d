"""Out of whose part of the device a person's pictures are paid.

    a server        one part each; its members divide it by the weight of their best role
    newcomers       one part for the new accounts of all servers together, so that sixteen of
                    them weigh as much as one
    relaxed         a small part, never nothing, for those whose role says so
    direct          one part for all direct messages

The invariant: opening accounts gains nobody anything.  A server's part does not grow with its
members, and whoever is not known yet shares with all who are not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from generation.job import GroupId, Share

NEWCOMERS = Share(group=GroupId("newcomers"))
RELAXED = Share(group=GroupId("relaxed"), group_weight=0.1)
DIRECT = Share(group=GroupId("direct"))
CONSOLE = Share(group=GroupId("console"))

DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """What Discord says of somebody who asks."""

    guild: int | None
    roles: Collection[str]  # their names and ids
    account_age: float  # seconds
    pending: bool = False  # has not passed the server's membership screening


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """What the owner decided about weights."""

    roles: Mapping[str, float] = field(default_factory=dict)  # name or id -> weight
    relaxed_roles: Collection[str] = ()
    servers: Mapping[str, float] = field(default_factory=dict)  # id -> weight
    newcomer_days: float = 7.0

    def share(self, person: Requester, *, decided: float | None = None) -> Share:
        """The share of somebody who asks now; `decided`: what their server's admins let them weigh.

        That divides the server's own part, so it lifts nobody out of newcomers or relaxed ones.
        """
        if person.pending or person.account_age < self.newcomer_days * DAY:
            return NEWCOMERS
        if any(role in self.relaxed_roles for role in person.roles):
            return RELAXED
        if person.guild is None:
            return DIRECT
        weights = [self.roles[role] for role in person.roles if role in self.roles]
        return Share(
            group=GroupId(f"guild {person.guild}"),
            group_weight=self.servers.get(str(person.guild), 1.0),
            weight=max(weights, default=1.0) if decided is None else decided,
        )
