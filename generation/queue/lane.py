"""A lane: everybody who waits for one model, the one to whom it is owed the longest first.

Who is first within a group is known by their tags; which group is first, by when those are due.  So
a group whose clock changes its pace moves as a whole, and nothing has to be done for somebody who
was served until the lane is asked who is first.

Invariant: whose tag fell, whose first job is another one, and whose group is due earlier, has been
`put` again, or `follow`ed; whoever asks sees to that before.
"""

from __future__ import annotations

from generation.job import JobId
from generation.model_key import ModelKey
from generation.queue.fairclock import Group
from generation.queue.people import Person
from generation.queue.ranking import Ranking

Head = tuple[float, JobId, Person]  # when they are due, and with which job, which breaks ties


class ModelLine:
    """Who waits for one model."""

    __slots__ = ("_groups", "_model", "_people", "_short", "bound", "newcomers")

    def __init__(self, model: ModelKey, short: float) -> None:
        self._model, self._short = model, short
        self._people: dict[Group, Ranking[Person]] = {}
        self._groups: Ranking[Group] = Ranking(self._due)
        self.newcomers: Ranking[Person] = Ranking(self._turn)  # whoever may pass by the others
        # Nobody is before this; known at once, where `first` may have to look through many.
        self.bound = self._groups.bound

    def __len__(self) -> int:
        return len(self._people)

    def put(self, person: Person) -> bool:
        """Let somebody wait here, or find their place again; whether their group must follow."""
        if person.newcomer:
            self.newcomers.put(person)
        people = self._people.get(person.group)
        if people is None:
            people = self._people[person.group] = Ranking(self._place)
        return people.put(person)

    def drop(self, person: Person) -> None:
        """Nothing of theirs waits here any more."""
        self.newcomers.drop(person)
        people = self._people[person.group]
        people.drop(person)
        if not people:
            del self._people[person.group]
            self._groups.drop(person.group)

    def follow(self, group: Group) -> None:
        """Somebody in the group came or moved forward, or its clock changed its pace."""
        if group in self._people:
            self._groups.put(group)

    def first(self) -> Head:
        """Who is due first."""
        (due, job), group = self._groups.first()
        return due, job, self._people[group].first()[1]

    # Three orders.

    def _place(self, person: Person) -> tuple[float, JobId]:
        return person.tag, person.lines[self._model][0].id

    def _due(self, group: Group) -> tuple[float, JobId]:
        (tag, job), _ = self._people[group].first()
        return group.due(tag), job

    def _turn(self, person: Person) -> tuple[bool, JobId]:
        # The short ones first, so that a long one does not stand in their way.
        job = person.lines[self._model][0]
        return job.cost > self._short, job.id
