"""A clock per group that runs as fast as an ideal device would serve each of its members.

The ideal device serves everybody at once: each group at the rate of its weight among the groups,
each member of it at the rate of theirs among the members.  (Generalised processor sharing, Parekh
and Gallager 1993, on two levels.)  A group's clock reads what it has given to a member of weight 1
since the group began.  A member's *tag* is what the real device has given them, divided by their
weight; so whoever's tag lies behind the clock is owed something, and whoever's lies before it is
in debt.

The common time of all groups is `now`; it runs the slower the more weight waits.  `due` says at
which time a clock reaches a tag.  While nobody comes or goes, what is due first stays due first,
however far the clocks advance: that is why the queue can keep its order in heaps.

Whoever leaves in debt stays as a *ghost*, with their weight, until the clock has reached their tag.
Without ghosts the clock would race ahead as soon as a debtor leaves, and those who wait would pay
for it.  (Linux learnt the same and calls it delayed dequeue.)

Invariant: sum of (clock - tag) * weight over all members = seconds given to `advance` - seconds put
on tags since, where a member who leaves at once must be even (the queue sees to it).
"""

from __future__ import annotations

from operator import attrgetter

from generation.job import GroupId
from generation.queue.ranking import Ranking

EVEN = 1e-9  # seconds that are only rounding


class Group:
    """Members who share one part of the device."""

    __slots__ = ("_reading", "_since", "count", "ghosts", "members", "name", "weight")

    def __init__(self, name: GroupId, weight: float, *, now: float, reading: float = 0.0) -> None:
        self.name, self.weight = name, weight
        self.count, self.members = 0, 0.0  # how many, and the sum of their weights
        self.ghosts: Ranking[Member] = Ranking(attrgetter("tag"))
        self._since, self._reading = now, reading  # when its pace last changed

    def read(self, now: float) -> float:
        """What its clock shows."""
        if not self.count:
            return self._reading
        return self._reading + (now - self._since) * self.weight / self.members

    def due(self, tag: float) -> float:
        """The time at which its clock shows this."""
        return self._since + (tag - self._reading) * self.members / self.weight

    def copy(self) -> Group:
        """A group with the same clock and as many members."""
        group = Group(self.name, self.weight, now=self._since, reading=self._reading)
        group.count, group.members = self.count, self.members
        return group

    def rebase(self, now: float) -> None:
        """Before its pace changes."""
        self._reading = self.read(now)
        self._since = now


class Member:
    """Somebody in a group, present or as a ghost."""

    __slots__ = ("group", "tag", "weight")

    def __init__(self, group: Group, weight: float, tag: float) -> None:
        self.group, self.weight, self.tag = group, weight, tag

    @property
    def due(self) -> float:
        """When the ideal device would have given them what the real one has."""
        return self.group.due(self.tag)

    @property
    def part(self) -> float:
        """The member's weight among all, in the unit of FairClock.weight."""
        return self.group.weight * self.weight / self.group.members


class FairClock:
    """All groups that have members."""

    def __init__(self) -> None:
        self.now = 0.0
        self.weight = 0.0  # of all groups
        self.groups: dict[GroupId, Group] = {}
        self.changed: set[Group] = set()  # whose `due` differs; whoever remembers one clears this
        self._ghosts: Ranking[Group] = Ranking(_even)

    def group(self, name: GroupId, weight: float, reading: float = 0.0) -> Group:
        """The group of this name, with this weight from now on."""
        group = self.groups.get(name)
        if group is None:
            return Group(name, weight, now=self.now, reading=reading)
        if group.weight != weight:
            group.rebase(self.now)
            self.weight += weight - group.weight
            group.weight = weight
            self._paced(group)
        return group

    def enter(self, member: Member) -> None:
        """Somebody new is here."""
        group = member.group
        if not group.count:
            self.groups[group.name] = group
            self.weight += group.weight
        group.rebase(self.now)
        group.count += 1
        group.members += member.weight
        self._paced(group)

    def leave(self, member: Member) -> None:
        """Somebody is gone for good, who should be even."""
        group = member.group
        group.rebase(self.now)
        group.ghosts.drop(member)
        group.count -= 1
        group.members -= member.weight
        if not group.count:
            del self.groups[group.name]
            # Nobody's sum is left over from rounding.
            self.weight = self.weight - group.weight if self.groups else 0.0
        self._paced(group)

    def haunt(self, member: Member) -> None:
        """Somebody is gone, and stays as a ghost until they are even."""
        member.group.ghosts.put(member)
        self._watch(member.group)

    def wake(self, member: Member) -> None:
        """A ghost has come back."""
        member.group.ghosts.drop(member)
        self._watch(member.group)

    def reweigh(self, member: Member, weight: float) -> None:
        """Give a member another weight; what they owe, in seconds, stays what it is."""
        group = member.group
        group.rebase(self.now)
        clock = group.read(self.now)
        member.tag = clock + (member.tag - clock) * member.weight / weight
        group.members += weight - member.weight
        member.weight = weight
        self._paced(group)

    def owed(self, member: Member) -> float:
        """Seconds that a member is behind the ideal device; negative: a debt."""
        return (member.group.read(self.now) - member.tag) * member.weight

    def advance(self, seconds: float) -> list[Member]:
        """Let the ideal device serve so long.  Returns the ghosts that are gone with it."""
        gone = []
        while self._ghosts:
            until = self.now + seconds / self.weight + EVEN
            if self._ghosts.bound() > until:
                break
            due, group = self._ghosts.first()
            if due > until:
                break
            _, ghost = group.ghosts.first()
            seconds -= max((due - self.now) * self.weight, 0.0)
            self.now = max(self.now, due)
            self.leave(ghost)
            gone.append(ghost)
        if self.groups:
            self.now += seconds / self.weight
        return gone

    def copy(self) -> FairClock:
        """Another clock at the same time, with the same weights; its members are anonymous."""
        clock = FairClock()
        clock.now, clock.weight = self.now, self.weight
        clock.groups = {name: group.copy() for name, group in self.groups.items()}
        return clock

    def _paced(self, group: Group) -> None:
        self.changed.add(group)
        self._watch(group)

    def _watch(self, group: Group) -> None:
        if group.ghosts:
            self._ghosts.put(group)
        else:
            self._ghosts.drop(group)


def _even(group: Group) -> float:
    """When the first ghost of a group will be even."""
    return group.due(group.ghosts.first()[0])
