"""People in line, what they wait for, and what was begun for them: plain values of the queue.

Invariant: a person's waiting jobs are in `lines`, under their model and in the order of their ids;
those begun are in `begun`, and each of them runs on its seat or is parked there.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from generation.job import AnyJob, JobId, UserId
from generation.model_key import ModelKey
from generation.queue.fairclock import Group, Member
from generation.queue.seat import Seat

_by_id = attrgetter("id")


class Person(Member):
    """Somebody, within one group, who has jobs here or a debt."""

    __slots__ = (
        "begun",
        "fresh",
        "lines",
        "newcomer",
        "overtaken",
        "owner",
        "shown",
        "tag_shown",
        "waiting",
    )

    def __init__(self, owner: UserId, group: Group, weight: float, tag: float) -> None:
        super().__init__(group, weight, tag)
        self.owner = owner
        self.fresh = 0.0  # seconds for which they are still a newcomer
        self.lines: dict[ModelKey, list[AnyJob]] = {}
        self.waiting = 0
        self.begun: dict[JobId, Work] = {}
        self.overtaken = 0  # how many of their own jobs went before their first one
        # As the lanes know them: with which jobs, at which tag, and whether as a newcomer.
        self.shown: dict[ModelKey, AnyJob] = {}
        self.tag_shown = tag
        self.newcomer = False

    @property
    def gone(self) -> bool:
        """Whether nothing of theirs is left to be drawn."""
        return not self.waiting and not self.begun

    def line_up(self, job: AnyJob) -> None:
        """One job more.  One that was put back finds its old place: ids are in order of arrival."""
        line = self.lines.setdefault(job.needs, [])
        if line and line[-1].id > job.id:
            insort(line, job, key=_by_id)
        else:
            line.append(job)
        self.waiting += 1

    def withdraw(self, job: AnyJob) -> None:
        """One job less."""
        line = self.lines[job.needs]
        line.remove(job)
        if not line:
            del self.lines[job.needs]
        self.waiting -= 1

    def first(self) -> AnyJob:
        """The job that waits longest."""
        return min([line[0] for line in self.lines.values()], key=_by_id)

    def jobs(self) -> Iterator[AnyJob]:
        """All that wait, first come first."""
        return iter(sorted((job for line in self.lines.values() for job in line), key=_by_id))


@dataclass(slots=True, eq=False)
class Work:
    """A job that was begun, on its seat."""

    job: AnyJob
    person: Person
    place: Parking
    left: float  # predicted seconds still to come
    tag: float  # its owner's when this slice began: what it is judged by while the slice lasts
    used: float = 0.0  # seconds of this slice
    paid: float = 0.0  # seconds settled
    charged: float = 0.0  # seconds ahead, for the chunk that runs
    clocked: float = 0.0  # of these, already on the clock
    since: float = 0.0  # when the chunk began

    @property
    def due(self) -> float:
        """When the ideal device would have come to this slice."""
        return self.person.group.due(self.tag)


@dataclass(slots=True, eq=False)
class Parking:
    """A seat, and what is parked there."""

    seat: Seat
    parked: dict[JobId, Work] = field(default_factory=dict)
    current: Work | None = None  # the one that was drawn until this very boundary
    swaps: dict[ModelKey, float] = field(default_factory=dict)  # what each model cost when cold

    def unpark(self, work: Work) -> None:
        """The work runs, or is no more."""
        self.parked.pop(work.job.id, None)
        if self.current is work:
            self.current = None
