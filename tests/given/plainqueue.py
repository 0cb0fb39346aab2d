"""The rules of the queue said as plainly as possible: every clock moved, everybody looked through.

Written apart from `generation/queue/fair_queue.py`, for it to be compared with: lists instead of
rankings, lags instead of due times, and clocks that are moved one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from generation.job import GroupId, Job, JobId, UserId
from generation.queue.fair_queue import Rules
from tests.given.seats import Card

EVEN = 1e-9


@dataclass(eq=False)
class Clock:
    weight: float
    reading: float = 0.0


@dataclass(eq=False)
class Work:
    job: Job
    card: Card
    left: float
    tag: float
    slice: float = 0.0
    settled: float = 0.0
    ahead: float = 0.0
    ticked: float = 0.0
    since: float = 0.0
    running: bool = False


@dataclass(eq=False)
class Person:
    key: tuple[GroupId, UserId]
    weight: float
    tag: float
    fresh: float
    jobs: list[Job] = field(default_factory=list)
    work: dict[JobId, Work] = field(default_factory=dict)
    passed: int = 0

    @property
    def here(self) -> bool:
        return bool(self.jobs or self.work)


class PlainQueue:
    def __init__(self, rules: Rules, seats: int) -> None:
        self.rules, self.seats = rules, seats
        self.clocks: dict[GroupId, Clock] = {}
        self.people: dict[tuple[GroupId, UserId], Person] = {}
        self.cards: list[Card] = []  # that have asked
        self.current: dict[str, JobId] = {}  # by card
        self.early = 0.0
        self.now = 0.0
        self.given_away = 0.0  # forgiven debts, less credit that nobody could take over
        self.swaps: dict[tuple[str, str], float] = {}

    # -- clocks --------------------------------------------------------------------------------

    def members(self, group: GroupId) -> float:
        return sum(p.weight for p in self.people.values() if p.key[0] == group)

    def total(self) -> float:
        return sum(clock.weight for clock in self.clocks.values())

    def lag(self, person: Person, tag: float) -> float:
        """In seconds of the common clock; positive: it is owed."""
        clock = self.clocks[person.key[0]]
        return (clock.reading - tag) * self.members(person.key[0]) / clock.weight

    def owed(self, person: Person) -> float:
        return (self.clocks[person.key[0]].reading - person.tag) * person.weight

    def advance(self, seconds: float) -> None:
        while self.people:
            ghosts = [p for p in self.people.values() if not p.here]
            needs = [max(-self.lag(p, p.tag), 0.0) * self.total() for p in ghosts]
            step = min([seconds, *needs])
            total = self.total()
            for name, clock in self.clocks.items():
                clock.reading += step * clock.weight / (total * self.members(name))
            seconds -= step
            gone = [p for p, need in zip(ghosts, needs, strict=True) if need <= step + EVEN * total]
            for person in gone:
                self.remove(person)
            if not gone:
                return
        self.given_away -= seconds

    def remove(self, person: Person) -> None:
        del self.people[person.key]
        if not any(other.key[0] == person.key[0] for other in self.people.values()):
            del self.clocks[person.key[0]]

    def deliver(self, seconds: float) -> None:
        self.early -= seconds
        if self.early < 0.0:
            self.advance(-self.early)
            self.early = 0.0

    def tick(self, now: float) -> None:
        if now <= self.now:
            return
        self.now = now
        for work in self.works():
            if work.running:
                part = max(min(now - work.since, work.ahead) - work.ticked, 0.0)
                work.ticked += part
                self.deliver(part)

    def works(self) -> list[Work]:
        return [work for p in self.people.values() for work in p.work.values()]

    # -- what happens --------------------------------------------------------------------------

    def put(self, job: Job, now: float) -> None:
        self.tick(now)
        key = (job.share.group, job.owner)
        clock = self.clocks.setdefault(job.share.group, Clock(job.share.group_weight))
        clock.weight = job.share.group_weight
        if key not in self.people:
            self.people[key] = Person(key, job.share.weight, clock.reading, self.rules.fresh)
        person = self.people[key]
        debt = (person.tag - clock.reading) * person.weight
        person.tag = clock.reading + debt / job.share.weight
        person.weight = job.share.weight
        person.jobs = sorted([*person.jobs, job], key=lambda j: j.id)

    def settle(self, job: Job, seconds: float, now: float, left: float | None) -> None:
        self.tick(now)
        person = self.people[job.share.group, job.owner]
        work = person.work[job.id]
        content = not person.jobs or not self.may_run(person)
        work.running = False
        person.tag += (seconds - work.ahead) / person.weight
        self.deliver(seconds - work.ticked)
        work.ahead = work.ticked = 0.0
        work.settled += seconds
        work.slice += seconds
        person.fresh -= seconds
        if content and (excess := self.owed(person) - 2 * self.rules.slice) > 0.0:
            person.tag += excess / person.weight
            self.given_away -= excess
        if left is None:
            person.fresh = 0.0
            self.end(person, job)
            return
        work.left = left
        if work.slice >= self.rules.slice:
            work.slice, work.tag = 0.0, person.tag
        self.current[work.card.id] = job.id

    def end(self, person: Person, job: Job) -> None:
        work = person.work.pop(job.id, None)
        if work and self.current.get(work.card.id) == job.id:
            del self.current[work.card.id]
        person.jobs = [other for other in person.jobs if other.id != job.id]
        if not person.here and (owed := self.owed(person)) >= -EVEN:
            self.remove(person)
            self.advance(max(owed, 0.0))

    def cancel(self, job: Job) -> None:
        self.end(self.people[job.share.group, job.owner], job)

    def put_back(self, job: Job, now: float) -> None:
        self.tick(now)
        person = self.people[job.share.group, job.owner]
        work = person.work.pop(job.id)
        if self.current.get(work.card.id) == job.id:
            del self.current[work.card.id]
        person.tag -= (work.settled + work.ahead) / person.weight
        self.early += work.settled + work.ticked
        person.jobs = sorted([*person.jobs, job], key=lambda j: j.id)

    # -- the choice ----------------------------------------------------------------------------

    def may_run(self, person: Person) -> bool:
        limit = self.rules.max_running
        running = [w for w in self.works() if w.running and w.job.owner == person.key[1]]
        return limit is None or len(running) < limit

    def choices(self, card: Card, now: float) -> set[JobId]:
        """The jobs that this seat may take: the best one, and whatever is as good as it."""
        self.tick(now)
        if card not in self.cards:
            self.cards.append(card)
        self.forgive()
        parked = [w for w in self.works() if w.card is card and not w.running]
        ready = [w for w in parked if self.may_run(self.people[_key(w.job)])]
        current = self.current.pop(card.id, None)
        for work in ready:
            if work.job.id == current and work.left <= self.rules.nearly:
                return {work.job.id}
        if len(parked) > self.rules.max_parked:
            best = min((w.left for w in ready), default=math.inf)
            return {w.job.id for w in ready if w.left <= best + EVEN}
        scores = list(self.scores(card, parked, ready))
        best = min((score for score, _ in scores), default=math.inf)
        return {job for score, job in scores if score <= best + 1e-6}

    def forgive(self) -> None:
        lags = [self.lag(p, p.tag) for p in self.people.values() if p.jobs and self.may_run(p)]
        lags += [self.lag(self.people[_key(w.job)], w.tag) for w in self.works() if not w.running]
        if lags and max(lags) < 0.0:
            seconds = -max(lags) * self.total()
            self.given_away += seconds
            self.advance(seconds)

    def scores(
        self, card: Card, parked: list[Work], ready: list[Work]
    ) -> Iterator[tuple[float, JobId]]:
        bypass = self.rules.express * self.seats / self.total() if self.people else 0.0
        people = [p for p in self.people.values() if p.jobs and self.may_run(p)]
        models = {job.needs for p in people for job in p.jobs if card.can_draw(job.needs)}
        detour = self.detours(card, models | {w.job.needs for w in ready}, people)
        for work in ready:
            person = self.people[_key(work.job)]
            express = person.fresh > 0.0 and not detour(work.job.needs)
            lag = self.lag(person, work.tag)
            yield detour(work.job.needs) - lag - (bypass if express else 0.0), work.job.id
        full = len(parked) == self.rules.max_parked
        for model in models:
            mine = {
                p: next(j for j in p.jobs if j.needs == model) for p in people if _wants(p, model)
            }
            new = sorted(
                (job.cost > self.rules.fresh, job.id, p) for p, job in mine.items() if p.fresh > 0.0
            )
            if new and (not detour(model) or self.gives_way(card, model, people)):
                long, _, person = new[0]
                if not (full and long):
                    yield (
                        -self.lag(person, person.tag) - bypass,
                        self.next_of(person, model, card).id,
                    )
            for person in () if full else mine:
                score = detour(model) - self.lag(person, person.tag)
                yield score, self.next_of(person, model, card).id

    def next_of(self, person: Person, model: str, card: Card) -> Job:
        if person.passed >= self.rules.look and card.can_draw(person.jobs[0].needs):
            return person.jobs[0]
        return next(job for job in person.jobs if job.needs == model)

    def detours(self, card: Card, models: set[str], people: list[Person]) -> Callable[[str], float]:
        cold = {model for model in models if not card.is_warm(model)}  # type: ignore[arg-type]
        if not cold or card.holds(models):  # type: ignore[arg-type]
            return lambda _: 0.0
        for model in cold:
            self.swaps[card.id, model] = card.swap_seconds(model)  # type: ignore[arg-type]
        trip = sum(self.swaps.get((card.id, model), 0.0) for model in models)
        patience = self.rules.affinity * self.seats * trip / self.total()

        def detour(model: str) -> float:
            new = sum(p.fresh > 0.0 and _wants(p, model) for p in people)
            return patience / (1 + new) if model in cold else 0.0

        return detour

    def gives_way(self, card: Card, model: str, people: list[Person]) -> bool:
        others = [other for other in self.cards if other is not card]
        if not others or any(other.is_warm(model) for other in others):  # type: ignore[arg-type]
            return False
        need = self.need(card, people)
        return all(need <= self.need(other, people) + 1e-6 for other in others)

    def need(self, card: Card, people: list[Person]) -> float:
        """How much is owed to whoever waits for a model of this seat alone."""
        need = -math.inf
        for person in people:
            for model in {job.needs for job in person.jobs}:
                if [c for c in self.cards if c.is_warm(model)] == [card]:
                    need = max(need, self.lag(person, person.tag))
        return need

    def took(self, job: Job, card: Card, now: float) -> None:
        person = self.people[_key(job)]
        work = person.work.get(job.id)
        if work is None:
            person.passed = 0 if job == person.jobs[0] else person.passed + 1
            person.jobs.remove(job)
            work = person.work[job.id] = Work(job, card, left=job.cost, tag=person.tag)
        work.running, work.since, work.ticked = True, now, 0.0
        work.ahead = min(self.rules.chunk, work.left) + card.swap_seconds(job.needs)
        person.tag += work.ahead / person.weight


def _key(job: Job) -> tuple[GroupId, UserId]:
    return (job.share.group, job.owner)


def _wants(person: Person, model: str) -> bool:
    return any(job.needs == model for job in person.jobs)
