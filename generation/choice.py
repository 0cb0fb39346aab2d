"""What should this seat draw next?  Whatever is due first, after handicaps.

Every job has a time at which the ideal device (fairclock.py) would have come to it.  Three things
move it from there, each by a bounded amount:

  a detour    later, if its model would have to be loaded first: by `affinity` times the seconds of
              loading every wanted model once, shared by the newcomers who wait for that model
  a bypass    earlier, for a newcomer whose model is at hand: by `express` seconds
  a slice     a job that was begun keeps the time of its slice's start for `slice` seconds

Whoever is chosen was therefore due at most one bypass and one detour after whoever was due first.
Where there are several seats, the one whose own models are wanted least also counts as having at
hand what newcomers want and no other seat has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from generation.fairclock import FairClock
from generation.job import Job, JobId, UserId
from generation.lane import Lane
from generation.line import Person, Place, Work
from generation.recipe import Sha256
from generation.seat import Seat, SeatId


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The constants of the queue; times are seconds of the device."""

    chunk: float = 2.0  # what is charged ahead
    slice: float = 30.0  # for so long a begun job keeps its turn
    express: float = 110.0  # newcomers may pass by others by so much, per seat
    fresh: float = 15.0  # somebody is a newcomer until they were served so much, or one whole job
    nearly: float = 2.0  # a job that needs no more than this is not paused
    affinity: float = 5.0  # how many times its price a swap is put off
    look: int = 8  # how many of one's own jobs may overtake the first for a warm model
    max_parked: int = 4  # per seat
    max_running: int | None = None  # seats that one person may have at once


_score_and_tie = itemgetter(0, 1)


class Choice(NamedTuple):
    """A job that the seat could draw; the smallest score wins."""

    score: float
    tie: JobId
    person: Person
    model: Sha256
    work: Work | None  # None: the person's next job for this model


class Chooser:
    """The lanes, the seats and what runs on them."""

    def __init__(self, rules: Rules, seats: int, clock: FairClock) -> None:
        self.rules = rules
        self.seats = seats
        self.running: dict[JobId, Work] = {}
        self.places: dict[SeatId, Place] = {}
        self._clock = clock
        self._lanes: dict[Sha256, Lane] = {}
        self._touched: dict[Person, None] = {}  # whose places in the lanes are out of date

    def place(self, seat: Seat) -> Place:
        """What is known of a seat."""
        place = self.places.get(seat.id)
        if place is None:
            place = self.places[seat.id] = Place(seat)
        place.seat = seat
        return place

    def may_run(self, owner: UserId) -> bool:
        """Whether a person may have one seat more."""
        limit = self.rules.max_running
        if limit is None:
            return True
        return sum(work.person.owner == owner for work in self.running.values()) < limit

    def touch(self, person: Person) -> None:
        """Their tag, their jobs or their right to a seat have changed."""
        self._touched[person] = None
        if len(self._touched) > 32:
            self._refresh()  # no decision waits for a thousand arrivals

    def bypass(self) -> float:
        """How much earlier a newcomer counts, on the clock."""
        weight = self._clock.weight
        return self.rules.express * self.seats / weight if weight else 0.0

    def first_due(self) -> float:
        """When the first of all who want a seat is due; infinity: nobody wants one."""
        self._refresh()
        first = math.inf
        for lane in self._lanes.values():
            if lane.head is not None and lane.head.due < first:
                first = lane.head.due
        if first <= self._clock.now:
            return first
        parked = (work.due for place in self.places.values() for work in place.parked.values())
        return min(first, min(parked, default=math.inf))

    def choose(self, place: Place) -> Choice | None:
        """What the seat should draw; None if there is nothing for it."""
        self._refresh()
        current = place.current
        parked = [work for work in place.parked.values() if self.may_run(work.person.owner)]
        if current is not None and current.left <= self.rules.nearly and current in parked:
            return _going_on(current, 0.0)
        if len(place.parked) > self.rules.max_parked:
            # One of them has to end first: the sooner the better.
            return min((_going_on(work, work.left) for work in parked), default=None)
        bypass = self.bypass()
        detours = self._detours(place, parked)
        found: list[tuple[float, JobId, Person, Sha256, Work | None]] = []
        for work in parked:
            model, person = work.job.model, work.person
            ahead = bypass if person.fresh > 0.0 and not detours[model] else 0.0
            found.append((work.due + detours[model] - ahead, work.job.id, person, model, work))
        crowded = len(place.parked) == self.rules.max_parked
        for model, detour in detours.items():
            lane = self._lanes.get(model)
            if lane is None:
                continue
            if lane.head is not None and not crowded:
                due, job, person = lane.head
                found.append((due + detour, job, person, model, None))
            newcomer = lane.newcomers.first()
            if newcomer is not None and (not detour or self._gives_way(place, model)):
                (long, job), person = newcomer
                # The last place for a parked job is kept for those who do not need it for long.
                if not (crowded and long):
                    found.append((person.due - bypass, job, person, model, None))
        return Choice(*min(found, key=_score_and_tie)) if found else None

    def next_of(self, choice: Choice, seat: Seat) -> Job:
        """The job that a person begins who was chosen for a model.

        One's own jobs may change places for a warm model, but not for ever.
        """
        person = choice.person
        if person.overtaken >= self.rules.look and seat.can_draw((first := person.first()).model):
            return first
        return person.lines[choice.model][0]

    def _detours(self, place: Place, parked: Sequence[Work]) -> Mapping[Sha256, float]:
        """How much later a job is due here because of its model, for all that can be drawn."""
        seat = place.seat
        models = [model for model in self._lanes if seat.can_draw(model)]
        models += {work.job.model for work in parked} - self._lanes.keys()
        swaps = {model: seat.swap_seconds(model) for model in models}
        if not any(swaps.values()) or seat.holds(models):
            return dict.fromkeys(models, 0.0)
        # What is warm now has to come back, too, and costs what it cost when it was cold.
        round_trip = 0.0
        for model, swap in swaps.items():
            if swap:
                place.swaps[model] = swap
            round_trip += swap or place.swaps.get(model, 0.0)
        patience = self.rules.affinity * self.seats * round_trip / self._clock.weight
        for model, swap in swaps.items():
            if swap:
                lane = self._lanes.get(model)
                swaps[model] = patience / (1 + len(lane.newcomers)) if lane else patience
        return swaps

    def _gives_way(self, place: Place, model: Sha256) -> bool:
        """Whether this seat should load a model that newcomers want and that no other has."""
        others = [other for other in self.places.values() if other is not place]
        if not others or any(other.seat.is_warm(model) for other in others):
            return False
        need = self._need(place)
        return all(need >= self._need(other) for other in others)

    def _need(self, place: Place) -> float:
        """When the first is due who waits for a model that this seat alone has at hand."""
        need = math.inf
        for model, lane in self._lanes.items():
            if lane.head is not None and lane.head.due < need and place.seat.is_warm(model):
                others = (other for other in self.places.values() if other is not place)
                if not any(other.seat.is_warm(model) for other in others):
                    need = lane.head.due
        return need

    def _refresh(self) -> None:
        """Bring the lanes up to date."""
        for person in self._touched:
            self._show(person)
        self._touched.clear()
        for group in self._clock.changed:
            for lane in self._lanes.values():
                lane.follow(group)
        self._clock.changed.clear()

    def _show(self, person: Person) -> None:
        shown = person.lines if person.lines and self.may_run(person.owner) else {}
        if person.shown != shown.keys():
            for model in person.shown - shown.keys():
                self._lanes[model].drop(person)
                if self._lanes[model].head is None:
                    del self._lanes[model]
            person.shown = frozenset(shown)
        for model, line in shown.items():
            lane = self._lanes.get(model)
            if lane is None:
                lane = self._lanes[model] = Lane()
            job = line[0]
            lane.put(person, job.id)
            if person.fresh > 0.0:
                # The short ones first, so that a long one does not stand in their way.
                lane.newcomers.put(person, (job.cost > self.rules.fresh, job.id))
            elif person.newcomer:
                lane.newcomers.drop(person)
        person.newcomer = person.fresh > 0.0


def _going_on(work: Work, score: float) -> Choice:
    return Choice(score, work.job.id, work.person, work.job.model, work)
