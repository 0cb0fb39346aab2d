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
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from generation.job import AnyJob, JobId, UserId
from generation.model_key import ModelKey
from generation.queue.fairclock import FairClock
from generation.queue.lane import ModelLine
from generation.queue.people import Parking, Person, Work
from generation.queue.seat import Seat, SeatId


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


class Choice(NamedTuple):
    """What a seat should draw."""

    person: Person
    model: ModelKey
    work: Work | None  # None: the person's next job for this model


class Chooser:
    """The lanes, the seats and what runs on them."""

    def __init__(self, rules: Rules, seats: int, clock: FairClock) -> None:
        self.rules = rules
        self.seats = seats
        self.running: dict[JobId, Work] = {}
        self.places: dict[SeatId, Parking] = {}
        self._clock = clock
        self._lanes: dict[ModelKey, ModelLine] = {}
        self._touched: dict[Person, None] = {}  # whose places in the lanes are out of date

    def place(self, seat: Seat) -> Parking:
        """What is known of a seat."""
        place = self.places.get(seat.id)
        if place is None:
            place = self.places[seat.id] = Parking(seat)
        place.seat = seat
        return place

    def may_run(self, owner: UserId) -> bool:
        """Whether a person may have one seat more."""
        limit = self.rules.max_running
        if limit is None:
            return True
        return sum(work.person.owner == owner for work in self.running.values()) < limit

    def touch(self, person: Person) -> None:
        """The person's tag, jobs or right to a seat have changed."""
        self._touched[person] = None
        if len(self._touched) > 32:
            self._refresh()  # no decision waits for a thousand arrivals

    def bypass(self) -> float:
        """How much earlier a newcomer counts, on the clock."""
        weight = self._clock.weight
        return self.rules.express * self.seats / weight if weight else 0.0

    def common_debt(self) -> float:
        """By how much all who want a seat are ahead of the clock; infinity: nobody wants one."""
        self._refresh()
        now, first = self._clock.now, math.inf
        for place in self.places.values():
            for work in place.parked.values():
                first = min(first, work.due)
        for lane in self._lanes.values():
            if first <= now:
                break
            first = min(first, lane.first()[0])
        return max(first - now, 0.0)

    def choose(self, place: Parking) -> Choice | None:
        """What the seat should draw; None if there is nothing for it."""
        self._refresh()
        current = place.current
        parked = [work for work in place.parked.values() if self.may_run(work.person.owner)]
        if current is not None and current.left <= self.rules.nearly and current in parked:
            return Choice(current.person, current.job.needs, current)
        if len(place.parked) > self.rules.max_parked:
            # One of them has to end first: the sooner the better.
            parked.sort(key=lambda work: (work.left, work.job.id))
            return next((Choice(work.person, work.job.needs, work) for work in parked), None)
        return self._earliest(place, parked)

    def _earliest(self, place: Parking, parked: Sequence[Work]) -> Choice | None:
        """What is due first here, after the handicaps."""
        can_draw = place.seat.can_draw
        lanes = {model: lane for model, lane in self._lanes.items() if can_draw(model)}
        detours = self._detours(place, lanes, parked)
        fetched = self._fetched(place, lanes, detours)
        bypass = self.bypass()
        crowded = len(place.parked) == self.rules.max_parked
        found: dict[tuple[float, JobId], tuple[Person, ModelKey, Work | None]] = {}
        earliest = math.inf
        for work in parked:
            model, person = work.job.needs, work.person
            ahead = bypass if person.fresh > 0.0 and not detours[model] else 0.0
            due = work.due + detours[model] - ahead
            found[due, work.job.id] = person, model, work
            earliest = min(earliest, due)
        for model in sorted(lanes, key=detours.__getitem__):
            lane, detour = lanes[model], detours[model]
            if (not detour or model in fetched) and lane.newcomers:
                (long, job), person = lane.newcomers.first()
                # The last place for a parked job is kept for those who do not need it for long.
                if not (crowded and long):
                    due = person.due - bypass
                    found[due, job] = person, model, None
                    earliest = min(earliest, due)
            # Most lanes need not be asked: nobody there is due early enough.
            if not crowded and lane.bound()[0] + detour <= earliest:
                due, job, person = lane.first()
                found[due + detour, job] = person, model, None
                earliest = min(earliest, due + detour)
        return Choice(*found[min(found)]) if found else None

    def next_of(self, choice: Choice, seat: Seat) -> AnyJob:
        """The job that a person begins who was chosen for a model.

        One's own jobs may change places for a warm model, but not for ever.
        """
        person = choice.person
        if person.overtaken >= self.rules.look and seat.can_draw((first := person.first()).needs):
            return first
        return person.lines[choice.model][0]

    def _detours(
        self, place: Parking, lanes: Mapping[ModelKey, ModelLine], parked: Sequence[Work]
    ) -> Mapping[ModelKey, float]:
        """How much later a job is due here because of its model."""
        seat = place.seat
        swaps = {model: seat.swap_seconds(model) for model in lanes}
        for work in parked:
            if (model := work.job.needs) not in swaps:
                swaps[model] = seat.swap_seconds(model)
        if not any(swaps.values()) or seat.holds(swaps.keys()):
            return dict.fromkeys(swaps, 0.0)
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
                swaps[model] = patience / (1 if lane is None else 1 + len(lane.newcomers))
        return swaps

    def _fetched(
        self, place: Parking, lanes: Mapping[ModelKey, ModelLine], detours: Mapping[ModelKey, float]
    ) -> Collection[ModelKey]:
        """What this seat should load for newcomers, and no other has: if it is wanted least."""
        if len(self.places) < 2:
            return ()
        others = [other for other in self.places.values() if other is not place]
        missing = [
            model
            for model, lane in lanes.items()
            if lane.newcomers
            and detours[model]
            and not any(other.seat.is_warm(model) for other in others)
        ]
        if missing:
            need = self._need(place)
            if any(need < self._need(other) for other in others):
                return ()
        return missing

    def _need(self, place: Parking) -> float:
        """When the first is due who waits for a model that this seat alone has at hand."""
        need = math.inf
        others = [other for other in self.places.values() if other is not place]
        for model, lane in self._lanes.items():
            if place.seat.is_warm(model) and not any(o.seat.is_warm(model) for o in others):
                need = min(need, lane.first()[0])
        return need

    def _refresh(self) -> None:
        """Bring the lanes up to date."""
        changed = self._clock.changed
        if not self._touched and not changed:
            return
        for person in self._touched:
            if self._show(person):
                changed.add(person.group)
        self._touched.clear()
        for group in changed:
            for lane in self._lanes.values():
                lane.follow(group)
        changed.clear()

    def _show(self, person: Person) -> bool:
        """Find somebody's places again; whether their group must follow, too."""
        firsts: dict[ModelKey, AnyJob] = {}
        if self.may_run(person.owner):
            firsts = {model: line[0] for model, line in person.lines.items()}
        shown, forward = person.shown, person.tag < person.tag_shown
        was_newcomer, person.newcomer = person.newcomer, person.fresh > 0.0
        person.tag_shown = person.tag
        if was_newcomer and not person.newcomer:
            for model in shown:
                self._lanes[model].newcomers.drop(person)
        if not forward and firsts == shown:
            return False
        for model in shown.keys() - firsts.keys():
            self._lanes[model].drop(person)
            if not self._lanes[model]:
                del self._lanes[model]
        person.shown = firsts
        moved = False
        for model, job in firsts.items():
            if forward or shown.get(model) is not job:
                lane = self._lanes.get(model)
                if lane is None:
                    lane = self._lanes[model] = ModelLine(model, self.rules.fresh)
                moved |= lane.put(person)
        return moved
