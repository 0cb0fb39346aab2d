"""Claims about when a job comes, and about what is promised of it."""

from __future__ import annotations

import random
import time

import pytest

from generation.job import JobId, UserId
from generation.queue.fair_queue import FairQueue, SeatId
from generation.queue.forecast import Promises
from tests.given.seats import BEN, CLEO, FLOWER, SKETCH, Card, Drawing, a_job, a_warm_card


def a_crowd(queue: FairQueue, people: int, jobs: int, cost: float = 3.0) -> None:
    for number in range(jobs):
        queue.put(a_job(number, UserId(number % people), cost), 0.0)


# -- turns -----------------------------------------------------------------------------------


def test_the_forecast_comes_true_if_nothing_else_happens() -> None:
    drawing = Drawing(FairQueue(), Card(loaded=[FLOWER], swaps={FLOWER: 2.0, SKETCH: 3.0}))
    for number in range(30):
        model = SKETCH if number % 4 == 0 else FLOWER
        drawing.queue.put(a_job(number, UserId(number % 5), 1.0 + number % 3, model=model), 0.0)
    turns = drawing.queue.forecast([drawing.card], {}, 0.0)
    while (job := drawing.chunk()) is not None:
        if job.id in drawing.ended:
            assert turns[job.id].ready_in == pytest.approx(drawing.now, rel=0.2, abs=8.0)
    assert sorted(turns[job].ahead for job in turns) == list(range(30))


def test_what_runs_is_ready_when_its_seat_says() -> None:
    queue, card = FairQueue(), a_warm_card()
    queue.put(a_job(1, cost=20.0), 0.0)
    queue.put(a_job(2, cost=5.0), 0.0)
    assert queue.take(card, 0.0) is not None
    turns = queue.forecast([card], {card.id: (JobId(1), 7.0)}, 13.0)
    assert (turns[JobId(1)].ahead, turns[JobId(1)].starts_in) == (0, 0.0)
    assert turns[JobId(1)].ready_in == pytest.approx(7.0)
    assert turns[JobId(2)].starts_in == pytest.approx(7.0)
    assert turns[JobId(2)].ready_in == pytest.approx(12.0)


def test_a_paused_job_is_forecast_too() -> None:
    drawing = Drawing(FairQueue(), a_warm_card())
    drawing.queue.put(a_job(1, cost=100.0), 0.0)
    drawing.chunks(10)
    drawing.queue.put(a_job(2, BEN, 5.0), drawing.now)
    drawing.chunk()
    turns = drawing.queue.forecast([drawing.card], {}, drawing.now)
    assert turns[JobId(1)].ready_in == pytest.approx(83.0, abs=3.0)
    assert turns[JobId(2)].ready_in == pytest.approx(3.0, abs=3.0)


def test_twice_the_seats_halve_the_wait() -> None:
    ends = []
    for count in (1, 2):
        queue = FairQueue(seats=count)
        a_crowd(queue, 20, 100)
        seats = [a_warm_card(f"card {number}") for number in range(count)]
        ends.append(max(turn.ready_in for turn in queue.forecast(seats, {}, 0.0).values()))
    assert ends[1] == pytest.approx(ends[0] / 2, rel=0.05)


def test_a_newcomer_is_forecast_before_those_who_were_served() -> None:
    drawing = Drawing(FairQueue(), a_warm_card())
    a_crowd(drawing.queue, 3, 60)
    drawing.chunks(30)
    drawing.queue.put(a_job(100, CLEO), drawing.now)
    drawing.queue.put(a_job(101, UserId(77)), drawing.now)
    assert drawing.queue.forecast([drawing.card], {}, drawing.now)[JobId(101)].ahead <= 1
    assert JobId(101) in [job.id for job in drawing.queue.order()][:2]


def test_a_forecast_changes_nothing() -> None:
    drawing = Drawing(FairQueue(), Card(loaded=[FLOWER]))
    a_crowd(drawing.queue, 7, 40)
    drawing.chunks(9)
    before = drawing.queue.accounts()
    drawing.queue.forecast([drawing.card], {}, drawing.now)
    assert drawing.queue.accounts() == before
    assert len(drawing.queue) == 40 - len(drawing.ended)


def test_every_job_has_a_turn_however_many_wait_and_while_no_seat_is_there() -> None:
    queue = FairQueue()
    a_crowd(queue, 50, 1000)
    for seats in ([a_warm_card()], []):
        turns = queue.forecast(seats, {}, 0.0)
        assert sorted(turn.ahead for turn in turns.values()) == list(range(1000))
        ordered = sorted(turns.values(), key=lambda turn: turn.ahead)
        assert ordered[-1].ready_in == pytest.approx(3000.0, rel=0.02)


def test_ten_thousand_waiting_jobs_are_forecast_while_nobody_notices() -> None:
    queue = FairQueue(seats=2)
    a_crowd(queue, 1000, 10_000)
    seats = [Card(id=SeatId(name), loaded=[FLOWER]) for name in "ab"]
    began = time.process_time()
    queue.forecast(seats, {}, 0.0)
    assert time.process_time() - began < 1.0  # 0.05 on a quiet core


# -- promises --------------------------------------------------------------------------------


def test_nothing_is_added_before_anything_was_learnt() -> None:
    assert Promises().p90(10.0) == 10.0


def test_nine_of_ten_promises_are_kept() -> None:
    dice = random.Random(1)
    promises, kept = Promises(), 0
    for number in range(2200):
        actual = 10.0 * dice.lognormvariate(0.0, 0.5)
        kept += number >= 200 and actual <= promises.p90(10.0)
        promises.kept(10.0, actual)
    assert 0.87 <= kept / 2000 <= 0.93


def test_a_promise_is_never_shorter_than_the_forecast() -> None:
    promises = Promises()
    for _ in range(50):
        promises.kept(10.0, 2.0)
    assert promises.p90(10.0) == 10.0


def test_what_is_long_past_is_forgotten() -> None:
    promises = Promises()
    for _ in range(300):
        promises.kept(10.0, 90.0)
    for _ in range(200):
        promises.kept(10.0, 11.0)
    assert promises.p90(10.0) == pytest.approx(11.0)


def test_what_cannot_be_true_is_not_learnt() -> None:
    promises = Promises()
    for predicted, actual in ((0.0, 5.0), (5.0, float("inf")), (5.0, float("nan")), (-1.0, 1.0)):
        promises.kept(predicted, actual)
    assert promises.p90(10.0) == 10.0


def test_promises_survive_a_restart() -> None:
    promises = Promises()
    for number in range(1, 30):
        promises.kept(10.0, float(number))
    again = Promises.load(promises.dump())
    assert again.p90(10.0) == promises.p90(10.0) > 10.0


@pytest.mark.parametrize("text", [None, "", "{", "[1, null]", "7", '{"a": 1}'])
def test_promises_that_cannot_be_read_are_learnt_again(text: str | None) -> None:
    assert Promises.load(text).p90(10.0) == 10.0
