"""The queue beside its plain twin, through anything that can happen; and what it promises."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from generation.job import GroupId, Job, JobId, UserId
from generation.queue.fair_queue import FairQueue, Rules, SeatId
from tests.given.plainqueue import PlainQueue
from tests.given.seats import FILM, FLOWER, SKETCH, Card, Drawing, a_job, a_warm_card

MODELS = (FLOWER, SKETCH, FILM)
SWAPS = {FLOWER: 1.5, SKETCH: 1.5, FILM: 8.0}
COSTS = st.sampled_from([0.5, 1.7, 3.4, 9.0, 33.0, 120.0])


class Life(RuleBasedStateMachine):
    """Two seats, six people in three groups; every call goes to the queue and to its twin."""

    @initialize(
        express=st.sampled_from([0.0, 20.0, 120.0]),
        affinity=st.sampled_from([0.0, 1.0, 5.0]),
        slice_=st.sampled_from([4.0, 30.0]),
        max_parked=st.sampled_from([1, 2, 4]),
        max_running=st.sampled_from([None, None, 1]),
        seats=st.sampled_from([1, 2]),
    )
    def begin(
        self,
        express: float,
        affinity: float,
        slice_: float,
        max_parked: int,
        max_running: int | None,
        seats: int,
    ) -> None:
        self.limits = Rules(
            express=express,
            affinity=affinity,
            slice=slice_,
            max_parked=max_parked,
            max_running=max_running,
            look=2,
        )
        self.queue = FairQueue(rules=self.limits, seats=seats)
        self.plain = PlainQueue(self.limits, seats)
        self.cards = [Card(id=SeatId(f"card {n}"), swaps=SWAPS) for n in range(seats)]
        self.running: dict[str, Job] = {}
        self.parked: dict[str, list[Job]] = {card.id: [] for card in self.cards}
        self.waiting: dict[JobId, Job] = {}
        self.left: dict[JobId, float] = {}
        self.now, self.next = 0.0, 0
        self.longest = 2.0 + max(SWAPS.values())  # chunk
        self.crowded = 0.0  # seconds that were given to whoever had to end first
        self.shares: dict[tuple[GroupId, UserId], float] = {}  # the largest so far

    # -- what can happen -----------------------------------------------------------------------

    @rule(
        who=st.integers(0, 5),
        model=st.sampled_from(MODELS),
        cost=COSTS,
        count=st.integers(1, 3),
        heavier=st.booleans(),
    )
    def put(self, who: int, model: object, cost: float, count: int, heavier: bool) -> None:
        for _ in range(count):
            job = a_job(
                self.next,
                UserId(who),
                cost,
                model=model,  # type: ignore[arg-type]
                group=GroupId(f"group {who % 3}"),
                weight=[1.0, 2.0, 4.0][who // 2] * (2.0 if heavier else 1.0),
                group_weight=[1.0, 0.1, 3.0][who % 3],
            )
            self.next += 1
            self.queue.put(job, self.now)
            self.plain.put(job, self.now)
            self.waiting[job.id] = job

    @rule(data=st.data(), drift=st.sampled_from([0.3, 1.0, 1.0, 3.0]), stands=st.booleans())
    def chunk(self, data: st.DataObject, drift: float, stands: bool) -> None:
        """A seat draws; what it took is not what was predicted, and the clock may stand still."""
        card = data.draw(st.sampled_from(self.cards))
        if card.id not in self.running:
            self.take(card)
            return
        job = self.running.pop(card.id)
        predicted = self.left.setdefault(job.id, job.cost)
        drawn = min(2.0, predicted)
        seconds = drawn * drift + card.load(job.needs)
        self.now += 0.0 if stands else seconds
        self.longest = max(self.longest, seconds, drawn + max(SWAPS.values()))
        over = predicted - drawn <= 1e-9
        self.left[job.id] = predicted - drawn
        left = None if over else predicted - drawn
        self.queue.settle(job.id, seconds, self.now, left=left)
        self.plain.settle(job, seconds, self.now, left)
        if not over:
            self.parked[card.id].append(job)
        self.take(card)

    @rule(data=st.data(), count=st.integers(1, 20))
    def chunks(self, data: st.DataObject, count: int) -> None:
        for _ in range(count):
            self.chunk(data, 1.0, False)

    @precondition(lambda self: any(self.running.values()) or any(self.parked.values()))
    @rule(data=st.data())
    def worker_dies(self, data: st.DataObject) -> None:
        card = data.draw(st.sampled_from(self.cards))
        lost = [
            *self.parked[card.id],
            *([self.running.pop(card.id)] if card.id in self.running else []),
        ]
        self.parked[card.id] = []
        card.loaded = []
        for job in lost:
            self.queue.put_back(job.id, self.now)
            self.plain.put_back(job, self.now)
            self.waiting[job.id] = job
            self.left.pop(job.id, None)

    @precondition(lambda self: self.waiting or any(self.parked.values()))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        parked = [job for jobs in self.parked.values() for job in jobs]
        job = data.draw(st.sampled_from([*self.waiting.values(), *parked]))
        assert self.queue.cancel(job.id) == job
        self.plain.cancel(job)
        self.waiting.pop(job.id, None)
        for jobs in self.parked.values():
            jobs[:] = [other for other in jobs if other.id != job.id]

    def take(self, card: Card) -> None:
        allowed = self.plain.choices(card, self.now)
        expected = self.queue.soon(card, self.now)
        job = self.queue.take(card, self.now)
        if job is None:
            assert not allowed  # a seat is never left empty while it could draw something
            return
        assert job.id in allowed
        assert isinstance(job, Job)
        assert expected is not None
        self.plain.took(job, card, self.now)
        if job.id in self.waiting:
            del self.waiting[job.id]
        else:
            self.parked[card.id].remove(job)  # on this seat and no other
        self.running[card.id] = job
        assert len(self.parked[card.id]) <= self.limits.max_parked
        if len(self.parked[card.id]) + 1 >= self.limits.max_parked:
            self.crowded = 3.0 * 120.0

    # -- what always holds ---------------------------------------------------------------------

    @invariant()
    def every_job_is_in_one_place(self) -> None:
        if not hasattr(self, "queue"):
            return
        parked = [job for jobs in self.parked.values() for job in jobs]
        assert len(self.queue) == len(self.waiting) + len(parked)
        assert sorted(job.id for job in self.queue.order()) == sorted(self.waiting)
        mine = [job for who in range(6) for job in self.queue.waiting_of(UserId(who))]
        assert sorted(job.id for job in mine) == sorted(
            [*self.waiting, *(job.id for job in parked)]
        )

    @invariant()
    def it_keeps_the_same_accounts_as_its_twin(self) -> None:
        if not hasattr(self, "queue"):
            return
        accounts = self.queue.accounts()
        assert accounts.people.keys() == self.plain.people.keys()
        for key, person in self.plain.people.items():
            unpaid = sum(work.settled + work.ahead for work in person.work.values())
            clock = self.plain.clocks[key[0]].reading
            lag = accounts.groups[key[0]] - accounts.people[key].tag
            assert lag == pytest.approx(clock - person.tag + unpaid / person.weight, abs=1e-4)

    @invariant()
    def what_was_served_was_paid_by_somebody(self) -> None:
        """The clocks are never ahead of the service, but for what was forgiven."""
        if not hasattr(self, "queue"):
            return
        owed = sum(self.plain.owed(person) for person in self.plain.people.values())
        works = [work for work in self.plain.works() if work.running]
        ahead = sum(work.ahead - work.ticked for work in works)
        assert owed + ahead - self.plain.early == pytest.approx(self.plain.given_away, abs=1e-3)

    @invariant()
    def nobody_gets_far_ahead(self) -> None:
        """Bound B1 of docs/fairness.md."""
        if not hasattr(self, "queue") or not self.plain.people:
            return
        rules, seats = self.limits, self.plain.seats
        for person in self.plain.people.values():
            group = self.plain.clocks[person.key[0]]
            share = person.weight / self.plain.members(person.key[0])
            share *= group.weight / self.plain.total()
            share = self.shares[person.key] = max(self.shares.get(person.key, 0.0), share)
            omega = seats * (rules.express + rules.affinity * sum(SWAPS.values()))
            turn = rules.slice + rules.nearly + self.longest
            bound = share * omega + seats * turn + self.longest + self.crowded
            assert -self.plain.owed(person) <= bound + 1e-6


def test_the_queue_is_the_plain_rules_made_fast() -> None:
    run_state_machine_as_test(
        Life, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )


@pytest.mark.slow
def test_the_queue_is_the_plain_rules_made_fast_for_a_long_time() -> None:
    run_state_machine_as_test(
        Life, settings=settings(max_examples=200, stateful_step_count=60, deadline=None)
    )


WEIGHTS = st.sampled_from([0.5, 1.0, 2.0, 4.0])
LISTS = st.lists(st.floats(0.5, 60.0), min_size=1, max_size=9)


@given(weights=st.tuples(WEIGHTS, WEIGHTS), costs=st.tuples(LISTS, LISTS), others=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_two_who_keep_waiting_are_served_alike(
    weights: tuple[float, float], costs: tuple[list[float], list[float]], others: int
) -> None:
    """Bound B3: what they get, by weight, differs by two slices at most, and never drifts."""
    # With a place for everybody's job: who has to wait until another's has ended, waits longer.
    drawing = Drawing(FairQueue(rules=Rules(express=0.0, max_parked=2 + others)), a_warm_card())
    number = 0
    for person in range(2 + others):
        weight = weights[person] if person < 2 else 1.0
        for n in range(200):
            job = a_job(number, UserId(person), costs[person % 2][n % len(costs[person % 2])])
            job = replace(job, share=replace(job.share, weight=weight))
            drawing.queue.put(job, 0.0)
            number += 1
    rules = drawing.queue.rules
    bound = sum((rules.slice + rules.nearly + 2 * rules.chunk) / weight for weight in weights)
    for _ in range(250):
        drawing.chunk()
        parts = [drawing.served.get(UserId(n), 0.0) / weights[n] for n in range(2)]
        assert abs(parts[0] - parts[1]) <= bound
        if min(len(drawing.queue.waiting_of(UserId(n))) for n in range(2)) < 2:
            break


@given(crowd=st.integers(1, 5), cost=st.floats(0.5, 14.0), express=st.floats(0.0, 120.0))
@settings(max_examples=40, deadline=None)
def test_an_endless_stream_of_newcomers_starves_nobody(
    crowd: int, cost: float, express: float
) -> None:
    """Bound B4: whoever comes without debt waits a time that no later arrival can lengthen."""
    card = Card(loaded=[FLOWER], swaps=SWAPS)
    drawing = Drawing(FairQueue(rules=Rules(express=express)), card)
    number = 1
    for _ in range(crowd):
        drawing.queue.put(a_job(number, UserId(number), cost), 0.0)
        number += 1
    drawing.chunks(3)
    came = drawing.now
    drawing.queue.put(a_job(0, UserId(0), 2.0, model=FILM), came)
    rules = drawing.queue.rules
    omega = rules.express + rules.affinity * sum(SWAPS.values())
    longest = rules.chunk + max(SWAPS.values())
    bound = 2 * omega + 2 * crowd * (rules.slice + rules.nearly + longest) + longest
    while 0 not in drawing.begun:
        assert drawing.now - came <= bound
        while number - len(drawing.ended) <= crowd:
            drawing.queue.put(a_job(number, UserId(number), cost), drawing.now)
            number += 1
        drawing.chunk()


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_after_a_restart_the_next_fifty_are_the_same(data: st.DataObject) -> None:
    """Whatever was begun has to begin again; who was a newcomer is not known any more."""
    rules = Rules(fresh=0.0, look=999)
    drawing = Drawing(FairQueue(rules=rules), Card(swaps=SWAPS))
    # No two weights have a common measure: rounding, which a restart changes, must break no tie.
    jobs = [
        a_job(
            number,
            owner := UserId(data.draw(st.integers(0, 6))),
            data.draw(COSTS),
            model=data.draw(st.sampled_from(MODELS)),
            group=GroupId(f"group {number % 3}"),
            group_weight=(2 + number % 3) ** 0.3,
            weight=(5 + owner) ** 0.4,
        )
        for number in range(30)
    ]
    for job in jobs:
        drawing.queue.put(job, drawing.now)
        drawing.chunk()  # so that no two are owed exactly the same
    drawing.chunks(data.draw(st.integers(0, 60)))
    before = drawing.queue
    again = FairQueue(rules=rules)
    again.restore(before.accounts())
    for job in jobs:
        if job.id not in drawing.ended:
            again.put(job, 0.0)
    for number in drawing.left.keys() - set(drawing.ended):
        before.put_back(number, drawing.now)
    fifty = []
    for queue in (before, again):
        life = Drawing(queue, Card(swaps=SWAPS), now=drawing.now)
        life.chunks(50)
        fifty.append(life.begun)
    assert fifty[0] == fifty[1]


def test_saved_accounts_are_read_back_as_they_were() -> None:
    drawing = Drawing(FairQueue(), a_warm_card())
    for number in range(40):
        drawing.queue.put(a_job(number, UserId(number % 7), 5.0), 0.0)
    drawing.chunks(30)
    accounts = drawing.queue.accounts()
    again = FairQueue()
    again.restore(accounts)
    assert again.accounts() == accounts
