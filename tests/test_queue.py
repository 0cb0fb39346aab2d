"""Claims about whose turn it is."""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from generation.job import Job, JobId, UserId
from generation.queue import CREEP, Accounts, FairQueue, QueueFull
from tests.stored import ANN, BEN, CLEO, a_job

COSTS = st.floats(0.1, 100.0)
WEIGHTS = st.sampled_from([0.5, 1.0, 2.0, 4.0])


def ids(*jobs: Job | None) -> list[int]:
    return [job.id for job in jobs if job is not None]


def serve(queue: FairQueue, count: int = 10**9) -> list[int]:
    """Take and settle, one seat, exact predictions."""
    served: list[int] = []
    while len(served) < count and (job := queue.take()) is not None:
        served.append(job.id)
        queue.settle(job.id, job.cost)
    return served


def a_queue(*jobs: Job, weights: dict[UserId, float] | None = None) -> FairQueue:
    queue = FairQueue()
    for job in jobs:
        queue.put(job, weight=(weights or {}).get(job.owner, 1.0))
    return queue


def test_nobody_waits_behind_more_than_one_job_of_somebody_who_queues_fifty() -> None:
    queue = a_queue(*(a_job(n) for n in range(50)), a_job(50, BEN), a_job(51, BEN))
    assert serve(queue, 4) == [0, 50, 1, 51]


def test_an_expensive_job_counts_for_many_cheap_ones() -> None:
    queue = a_queue(a_job(1, ANN, 10.0), a_job(2, ANN), *(a_job(n, BEN) for n in range(3, 20)))
    assert serve(queue, 13).index(2) == 11  # after ten seconds of Ben's


def test_a_person_s_own_jobs_start_in_the_order_in_which_they_came() -> None:
    queue = a_queue(a_job(1, cost=9.0), a_job(2, cost=1.0), a_job(3, cost=5.0))
    assert serve(queue) == [1, 2, 3]


def test_ties_go_to_whoever_came_first() -> None:
    assert serve(a_queue(a_job(1, CLEO), a_job(2, ANN), a_job(3, BEN))) == [1, 2, 3]


def test_twice_the_weight_is_served_twice_as_much() -> None:
    jobs = [a_job(n, ANN if n % 2 else BEN) for n in range(80)]
    served = serve(a_queue(*jobs, weights={ANN: 2.0}), 30)
    assert sum(n % 2 for n in served) == 20


def test_a_newcomer_starts_level_with_whoever_is_served() -> None:
    queue = a_queue(*(a_job(n, ANN if n % 2 else BEN) for n in range(40)))
    serve(queue, 20)
    for number in range(40, 50):
        queue.put(a_job(number, CLEO))
    served = serve(queue, 9)
    assert sum(n >= 40 for n in served) == 3  # a third, at once and not more


def test_time_away_earns_no_credit() -> None:
    queue = a_queue(a_job(0, ANN), *(a_job(n, BEN) for n in range(1, 200)))
    serve(queue, 100)  # Ann had one of them and slept
    for number in range(200, 220):
        queue.put(a_job(number, ANN))
    served = serve(queue, 20)
    assert 9 <= sum(n >= 200 for n in served) <= 11


def test_debt_survives_leaving() -> None:
    queue = a_queue(a_job(1, ANN, 50.0), *(a_job(n, BEN) for n in range(2, 200)))
    assert serve(queue, 2) == [1, 2]  # Ann is fifty seconds ahead, and leaves
    queue.put(a_job(300, ANN))
    assert serve(queue, 60).index(300) >= 45


def test_what_was_not_used_is_given_back() -> None:
    queue = a_queue(a_job(1, ANN, 50.0), a_job(2, ANN), *(a_job(n, BEN) for n in range(3, 100)))
    job = queue.take()
    assert job is not None
    queue.settle(job.id, 1.0)  # it was thought to take fifty
    assert serve(queue, 3).index(2) <= 1


def test_what_was_used_beyond_the_prediction_is_paid() -> None:
    queue = a_queue(a_job(1, ANN), a_job(2, ANN), *(a_job(n, BEN) for n in range(3, 100)))
    job = queue.take()
    assert job is not None
    queue.settle(job.id, 50.0)
    assert serve(queue, 60).index(2) == 50


def test_a_job_that_was_put_back_is_its_owners_next_and_costs_nothing() -> None:
    queue = a_queue(a_job(1), a_job(2), a_job(3, BEN))
    before = queue.order()
    taken = [queue.take(), queue.take(), queue.take()]
    assert len(queue) == 0
    for job in taken:  # the worker died with all of them
        assert job is not None
        queue.put_back(job.id)
    assert queue.order() == before


def test_only_waiting_jobs_can_be_cancelled_here() -> None:
    queue = a_queue(a_job(1), a_job(2), a_job(3, BEN))
    running = queue.take()
    assert ids(running) == [1]
    assert queue.cancel(JobId(1)) is None
    assert ids(queue.cancel(JobId(2))) == [2]
    assert queue.cancel(JobId(2)) is None
    assert serve(queue) == [3]


def test_a_cancelled_job_is_not_paid_for() -> None:
    queue = a_queue(a_job(1, ANN, 99.0), a_job(2, ANN), a_job(3, BEN), a_job(4, BEN))
    queue.cancel(JobId(1))
    assert serve(queue) == [2, 3, 4]


def test_the_line_of_one_person_has_an_end() -> None:
    queue = FairQueue(max_jobs_per_user=3, max_seconds_per_user=100.0)
    for number in range(2):
        queue.put(a_job(number))
    queue.room_for(ANN, [1.0])
    queue.room_for(BEN, [1.0, 1.0, 1.0])
    with pytest.raises(QueueFull) as full:
        queue.room_for(ANN, [1.0, 1.0])
    assert (full.value.waiting, full.value.limit, full.value.what) == (4, 3, "jobs")


def test_the_line_of_one_person_has_an_end_in_seconds() -> None:
    queue = FairQueue(max_jobs_per_user=30, max_seconds_per_user=100.0)
    queue.put(a_job(1, cost=60.0))
    with pytest.raises(QueueFull) as full:
        queue.room_for(ANN, [41.0])
    assert (full.value.waiting, full.value.limit, full.value.what) == (101, 100, "seconds")
    queue.room_for(ANN, [40.0])


def test_a_bad_prediction_shuts_nobody_out() -> None:
    FairQueue(max_seconds_per_user=100.0).room_for(ANN, [1e9])


@pytest.mark.parametrize("cost", [0.0, -1.0, float("nan"), float("inf")])
def test_a_cost_that_would_break_the_accounts_is_refused(cost: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        FairQueue().put(a_job(1, cost=cost))
    queue = a_queue(a_job(1))
    queue.take()
    if cost != 0.0:
        with pytest.raises(ValueError, match="cannot be paid"):
            queue.settle(JobId(1), cost)
        queue.settle(JobId(1), 1.0)  # and the job is still there to be settled


def test_a_job_cannot_wait_twice() -> None:
    queue = a_queue(a_job(1))
    with pytest.raises(ValueError, match="already"):
        queue.put(a_job(1))
    queue.take()
    with pytest.raises(ValueError, match="already"):
        queue.put(a_job(1))


def test_unknown_jobs_are_key_errors() -> None:
    queue = a_queue(a_job(1))
    asks: list[Callable[[], object]] = [
        lambda: queue.settle(JobId(1), 1.0),
        lambda: queue.put_back(JobId(9)),
        lambda: queue.ahead_of(JobId(9)),
        lambda: queue.eta(JobId(9), seats=1, busy=[]),
    ]
    for ask in asks:
        with pytest.raises(KeyError):
            ask()


def test_the_eta_counts_the_seats_and_what_runs_on_them() -> None:
    queue = a_queue(a_job(1, cost=4.0), a_job(2, BEN, 6.0), a_job(3, CLEO, 8.0))
    assert [queue.eta(JobId(n), seats=1, busy=[]) for n in (1, 2, 3)] == [0.0, 4.0, 10.0]
    assert [queue.eta(JobId(n), seats=1, busy=[5.0]) for n in (1, 2, 3)] == [5.0, 9.0, 15.0]
    assert [queue.eta(JobId(n), seats=2, busy=[5.0]) for n in (1, 2, 3)] == [0.0, 4.0, 5.0]
    queue.take()
    assert queue.eta(JobId(1), seats=1, busy=[4.0]) == 0.0
    assert queue.ahead_of(JobId(1)) == 0
    assert queue.ahead_of(JobId(3)) == 1


# The bounds.


@given(
    data=st.data(),
    weights=st.tuples(WEIGHTS, WEIGHTS),
    costs=st.tuples(*[st.lists(COSTS, min_size=5, max_size=20)] * 2),
    errors=st.lists(st.floats(0.1, 10.0), min_size=1, max_size=9),
)
@settings(max_examples=150, deadline=None)
def test_two_who_keep_waiting_are_served_alike_up_to_one_job_each(
    data: st.DataObject,
    weights: tuple[float, float],
    costs: tuple[list[float], list[float]],
    errors: list[float],
) -> None:
    """
    Whatever others do, and however wrong the predictions are: on one seat, and over every interval
    in which both wait, what they were served per weight differs by at most max/w + max/w.
    """
    queue = FairQueue()
    measured: dict[int, float] = {}
    for number, cost in enumerate(costs[0] + costs[1]):
        owner, weight = (ANN, weights[0]) if number < len(costs[0]) else (BEN, weights[1])
        measured[number] = cost * errors[number % len(errors)]
        queue.put(a_job(number, owner, cost), weight=weight)
    bound = sum(
        max(measured[job.id] for job in queue.waiting_of(owner)) / weight
        for owner, weight in ((ANN, weights[0]), (BEN, weights[1]))
    )
    served = {ANN: 0.0, BEN: 0.0}
    gaps = [0.0]
    stranger = 1000
    while queue.waiting_of(ANN) and queue.waiting_of(BEN):
        if data.draw(st.booleans()):
            queue.put(a_job(stranger, UserId(stranger % 7 + 10), data.draw(COSTS)))
            stranger += 1
        job = queue.take()
        assert job is not None
        seconds = measured.get(job.id, job.cost)
        queue.settle(job.id, seconds)
        if job.owner in served:
            served[job.owner] += seconds
        gaps.append(served[ANN] / weights[0] - served[BEN] / weights[1])
    assert max(gaps) - min(gaps) <= bound * (1 + 1e-9)


@given(
    debt=st.floats(1.0, 300.0),
    crowd=st.integers(1, 6),
    costs=st.lists(COSTS, min_size=1, max_size=9),
)
@settings(max_examples=80, deadline=None)
def test_an_endless_stream_of_newcomers_starves_nobody(
    debt: float, crowd: int, costs: list[float]
) -> None:
    """
    `crowd` new accounts wait at every moment, each with one job.  Somebody with a debt is served
    after at most 4 * n * debt seconds, n being all who wait, plus one round of them.
    """
    victim = UserId(10**6)
    queue = FairQueue()
    queue.restore(Accounts(level=0.0, tags={victim: debt}))
    queue.put(a_job(0, victim))
    for number in range(1, crowd + 1):
        queue.put(a_job(number, UserId(number), costs[number % len(costs)]))
    n, largest, waited = crowd + 1, max(costs), 0.0
    limit = 4 * n * debt + n * (debt + largest)
    for number in range(crowd + 1, 10**6):
        job = queue.take()
        assert job is not None
        if job.owner == victim:
            break
        waited += job.cost
        assert waited <= limit
        queue.settle(job.id, job.cost)
        queue.put(a_job(number, UserId(number), costs[number % len(costs)]))


class Reference:
    """The same rules, said as plainly as possible: the account of everybody, looked through."""

    def __init__(self) -> None:
        self.level = 0.0
        self.tags: dict[UserId, float] = {}
        self.lines: dict[UserId, deque[Job]] = {}

    def put(self, job: Job) -> None:
        if not self.lines.get(job.owner):
            self.tags[job.owner] = max(self.tags.get(job.owner, 0.0), self.level)
        self.lines.setdefault(job.owner, deque()).append(job)

    def take(self, weights: dict[UserId, float]) -> Job | None:
        waiting = [line for line in self.lines.values() if line]
        if not waiting:
            return None
        line = min(waiting, key=lambda line: (self.tags[line[0].owner], line[0].id))
        job = line.popleft()
        price = job.cost / weights[job.owner]
        self.level = max(self.level + CREEP * price / len(waiting), self.tags[job.owner])
        self.tags[job.owner] += price
        return job


class Life(RuleBasedStateMachine):
    """Anything that can happen to a queue, beside the reference and a full account of the jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.queue, self.reference = FairQueue(), Reference()
        self.weights = {UserId(n): [1.0, 2.0, 0.5][n % 3] for n in range(5)}
        self.next = 0
        self.waiting: dict[int, Job] = {}
        self.running: dict[int, Job] = {}

    @rule(owner=st.integers(0, 4), cost=COSTS)
    def put(self, owner: int, cost: float) -> None:
        job = a_job(self.next, UserId(owner), cost)
        self.next += 1
        self.queue.put(job, weight=self.weights[job.owner])
        self.reference.put(job)
        self.waiting[job.id] = job

    @rule()
    def take(self) -> None:
        expected = self.queue.order()
        job = self.queue.take()
        assert job == self.reference.take(self.weights)
        assert (job is None) == (not self.waiting)  # a seat is never left empty while someone waits
        if job is not None:
            assert job == expected[0]
            self.running[job.id] = self.waiting.pop(job.id)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), seconds=st.floats(0.0, 200.0))
    def settle(self, data: st.DataObject, seconds: float) -> None:
        job = self.running.pop(data.draw(st.sampled_from(sorted(self.running))))
        self.queue.settle(job.id, seconds)
        self.reference.tags[job.owner] -= (job.cost - seconds) / self.weights[job.owner]

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        job = self.running.pop(data.draw(st.sampled_from(sorted(self.running))))
        self.queue.put_back(job.id)
        self.reference.tags[job.owner] -= job.cost / self.weights[job.owner]
        line = self.reference.lines[job.owner]
        self.reference.lines[job.owner] = deque(sorted([*line, job], key=lambda j: j.id))
        self.waiting[job.id] = job

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job = self.waiting.pop(data.draw(st.sampled_from(sorted(self.waiting))))
        assert self.queue.cancel(job.id) == job
        self.reference.lines[job.owner].remove(job)

    @rule()
    def crash_and_restart(self) -> None:
        """Whatever ran will run again; then no future differs from the one without a crash."""
        for number in list(self.running):
            job = self.running.pop(number)
            self.queue.put_back(job.id)  # what a crash means for those who live through it
            self.waiting[number] = job
            self.reference.tags[job.owner] -= job.cost / self.weights[job.owner]
            line = self.reference.lines[job.owner]
            self.reference.lines[job.owner] = deque(sorted([*line, job], key=lambda j: j.id))
        accounts = self.queue.accounts()
        self.queue = FairQueue()
        self.queue.restore(accounts)
        for number in sorted(self.waiting):
            job = self.waiting[number]
            self.queue.put(job, weight=self.weights[job.owner])

    @invariant()
    def every_job_is_in_one_place(self) -> None:
        order = self.queue.order()
        assert sorted(ids(*order)) == sorted(self.waiting)
        assert len(self.queue) == len(self.waiting)
        lines = [job for owner in self.weights for job in self.queue.waiting_of(owner)]
        assert sorted(ids(*lines)) == sorted(self.waiting)

    @invariant()
    def the_forecast_comes_true_if_nothing_else_happens(self) -> None:
        order = self.queue.order()
        assert serve(copy.deepcopy(self.queue)) == ids(*order)
        for place, job in enumerate(order[:3]):
            assert self.queue.ahead_of(job.id) == place

    @invariant()
    def the_memory_does_not_grow_with_the_past(self) -> None:
        assert len(self.queue._turns) <= 64 + 4 * 5


def test_the_queue_is_the_plain_rule_made_fast() -> None:
    run_state_machine_as_test(
        Life, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )


def test_after_a_restart_the_next_fifty_are_the_same() -> None:
    weights = {UserId(n): 1.0 + n % 2 for n in range(7)}
    jobs = [a_job(n, UserId(n % 7), 1.0 + n * 37 % 11) for n in range(120)]
    queue = a_queue(*jobs, weights=weights)
    running = [job for job in (queue.take(), queue.take(), queue.take()) if job is not None]
    served = serve(queue, 40)
    again = FairQueue()
    again.restore(queue.accounts())
    for job in jobs:
        if job.id not in served:
            again.put(job, weight=weights[job.owner])
    for job in running:
        queue.put_back(job.id)
    for life in (queue, again):
        life.put(a_job(500, UserId(99)))  # a newcomer finds the same clock
    assert serve(queue, 50) == serve(again, 50)


def test_a_place_is_held_across_a_restart_only_for_who_is_there_when_it_ends() -> None:
    queue = FairQueue()
    queue.restore(Accounts(level=100.0, tags={ANN: 40.0, BEN: 40.0}))
    for number in range(1, 50):
        queue.put(a_job(number, BEN if number < 25 else CLEO))
    assert max(serve(queue, 12)) == 12  # Ben was behind, and is still the first
    for number in range(50, 90):
        queue.put(a_job(number, ANN))  # she had been behind too, but came back hours later
    served = serve(queue, 70)
    assert served.index(25) < served.index(51)  # level with the clock, not behind it


def test_restless_people_do_not_fill_the_memory() -> None:
    queue = a_queue(a_job(0, BEN))
    for number in range(1, 1000):
        queue.put(a_job(number))
        queue.cancel(JobId(number))
    assert len(queue._turns) < 100
    assert serve(queue) == [0]


def test_accounts_of_those_who_owe_nothing_are_forgotten() -> None:
    queue = a_queue(*(a_job(n, UserId(n)) for n in range(100)), a_job(200, UserId(1000), 500.0))
    serve(queue)
    for number in range(300, 400):
        queue.put(a_job(number, UserId(0)))
    serve(queue, 90)
    assert set(queue.accounts().tags) == {UserId(0), UserId(1000)}


@pytest.mark.slow
def test_a_hundred_thousand_jobs_of_ten_thousand_people_are_no_work() -> None:
    queue = FairQueue()
    for number in range(100_000):
        queue.put(a_job(number, UserId(number * 7919 % 10_000), 1.0 + number * 31 % 97))
    begin = time.perf_counter()
    served = serve(queue, 50_000)
    assert len(served) / (time.perf_counter() - begin) > 5_000  # 60,000 on a quiet core
