"""A lane: everybody who waits for one model, the one to whom it is owed the longest first.

Who is first within a group is known by their tags; which group is first, by when those are due.  So
a group whose clock changes its pace moves as a whole.
"""

from __future__ import annotations

from typing import NamedTuple

from generation.fairclock import Group
from generation.job import JobId
from generation.line import Person
from generation.ranking import Ranking


class Head(NamedTuple):
    """Who is first in a lane."""

    due: float
    job: JobId  # breaks ties
    person: Person


class Lane:
    """Who waits for one model."""

    __slots__ = ("_firsts", "_groups", "_people", "head", "newcomers")

    def __init__(self) -> None:
        self._groups: Ranking[Group] = Ranking()
        self._people: dict[Group, Ranking[Person]] = {}
        self._firsts: dict[Group, tuple[tuple[float, JobId], Person]] = {}
        self.head: Head | None = None
        self.newcomers: Ranking[Person] = Ranking()  # whoever may pass by the others

    def put(self, person: Person, job: JobId) -> None:
        """Let somebody wait here with this job as their first, or move them."""
        people = self._people.get(person.group)
        if people is None:
            people = self._people[person.group] = Ranking()
        key = (person.tag, job)
        people.put(person, key)
        first = self._firsts.get(person.group)
        if first is None or first[1] is person or key < first[0]:
            self.follow(person.group)

    def drop(self, person: Person) -> None:
        """Nothing of theirs waits here any more."""
        self.newcomers.drop(person)
        if people := self._people.get(person.group):
            people.drop(person)
            self.follow(person.group)

    def follow(self, group: Group) -> None:
        """Find the group's place again: its clock, or who is first in it, has changed."""
        people = self._people.get(group)
        if people is None:
            return
        first = people.first()
        if first is None:
            del self._people[group], self._firsts[group]
            self._groups.drop(group)
        else:
            self._firsts[group] = first
            (tag, job), _ = first
            self._groups.put(group, (group.due(tag), job))
        self.head = self._find_head()

    def _find_head(self) -> Head | None:
        found = self._groups.first()
        if found is None:
            return None
        (due, job), group = found
        return Head(due, job, self._firsts[group][1])
