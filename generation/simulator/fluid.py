"""The ideal: a device that can be divided at will, and is, at every instant.

Generalised processor sharing in two levels (Parekh and Gallager, 1993; in a tree: Bennett and
Zhang, 1997).  Groups that want something share the device by their weights, and the people of a
group share its part by theirs.  It is fed with the seconds that the real device delivered, so a
policy is judged by how it divided them, not by how many there were.

Invariant: what has been served to all, together, is what was delivered, while anybody wants
anything.  Exact but for rounding, O(log n) per event: a group's clock is the service per weight of
each of its members who still want something, so each of them is done at a reading of it that is
known beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush

from generation.job import GroupId, Share, UserId

Person = tuple[GroupId, UserId]


@dataclass(slots=True)
class _Group:
    weight: float
    clock: float = 0.0  # seconds / weight served to each member who wants something...
    at: float = 0.0  # ...when the root's clock stood here
    members: int = 0  # who want something
    weights: float = 0.0  # of them together
    ends: list[tuple[float, Person]] = field(default_factory=list)  # some are no longer true
    version: int = 0


@dataclass(slots=True)
class _Member:
    group: _Group
    weight: float
    asked: float = 0.0
    end: float = 0.0  # reading of the group's clock at which all that was asked for is served
    wants: bool = False


class Fluid:
    """Time does not occur in it: only seconds asked for, and seconds delivered."""

    def __init__(self) -> None:
        self._clock = 0.0
        self._weights = 0.0  # of the groups that want something
        self._busy = 0  # how many they are
        self._groups: dict[GroupId, _Group] = {}
        self._people: dict[Person, _Member] = {}
        # When, by the root's clock, the first member of each group is done.
        self._next: list[tuple[float, int, GroupId]] = []

    def ask(self, owner: UserId, share: Share, seconds: float) -> None:
        """Somebody wants so many seconds of the device more."""
        group = self._groups.get(share.group)
        if group is None:
            group = self._groups[share.group] = _Group(share.group_weight)
        person = (share.group, owner)
        member = self._people.get(person)
        if member is None:
            member = self._people[person] = _Member(group, share.weight)
        self._bring_up(group)
        if not member.wants:
            self._join(group, member)
        member.asked += seconds
        member.end += seconds / member.weight
        heappush(group.ends, (member.end, person))
        self._announce(share.group, group)

    def deliver(self, seconds: float) -> float:
        """Divide up to so many seconds; stops when somebody is done.  Returns those divided."""
        while self._next:
            clock, version, name = self._next[0]
            group = self._groups[name]
            if version != group.version:
                heappop(self._next)
                continue
            needed = max(0.0, (clock - self._clock) * self._weights)
            if needed > seconds:
                self._clock += seconds / self._weights
                return seconds
            self._clock = max(self._clock, clock)
            self._leave(name, group)
            return needed
        return seconds  # nobody wants anything: it is lost

    def served(self, person: Person) -> float:
        """Seconds this person has been given."""
        member = self._people.get(person)
        if member is None:
            return 0.0
        if not member.wants:
            return member.asked
        return member.asked - max(0.0, member.end - self._reading(member.group)) * member.weight

    def share(self, person: Person) -> float:
        """The part of the device that flows to this person now."""
        member = self._people.get(person)
        if member is None or not member.wants:
            return 0.0
        group = member.group
        return member.weight / group.weights * group.weight / self._weights

    def people(self) -> list[Person]:
        return list(self._people)

    def _reading(self, group: _Group) -> float:
        if not group.members:
            return group.clock
        return group.clock + (self._clock - group.at) * group.weight / group.weights

    def _bring_up(self, group: _Group) -> None:
        group.clock = self._reading(group)
        group.at = self._clock

    def _join(self, group: _Group, member: _Member) -> None:
        if not group.members:
            self._busy += 1
            self._weights += group.weight
        group.members += 1
        group.weights += member.weight
        member.end = group.clock
        member.wants = True

    def _leave(self, name: GroupId, group: _Group) -> None:
        """The group's first member to be done is done."""
        end, person = heappop(group.ends)
        member = self._people[person]
        self._bring_up(group)
        group.clock = end  # what rounding would blur
        member.wants = False
        group.members -= 1
        group.weights = group.weights - member.weight if group.members else 0.0
        if not group.members:
            self._busy -= 1
            self._weights = self._weights - group.weight if self._busy else 0.0
        self._announce(name, group)

    def _announce(self, name: GroupId, group: _Group) -> None:
        group.version += 1
        while group.ends:
            end, person = group.ends[0]
            member = self._people[person]
            if member.wants and member.end == end:
                clock = self._clock + (end - group.clock) * group.weights / group.weight
                heappush(self._next, (clock, group.version, name))
                return
            heappop(group.ends)
