"""Claims about whose turn it is."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from generation.job import Job, JobId, UserId
from generation.queue.fair_queue import Accounts, FairQueue, QueueFull, Rules, SeatId, TooLong
from tests.given.seats import (
    ANN,
    BEN,
    CLEO,
    DAN,
    FILM,
    FLOWER,
    HERE,
    SKETCH,
    THERE,
    Card,
    Drawing,
    a_job,
    a_warm_card,
)


def a_queue(*jobs: Job, **options: object) -> FairQueue:
    queue = FairQueue(**options)  # type: ignore[arg-type]
    for job in jobs:
        queue.put(job, 0.0)
    return queue


def a_drawing(*jobs: Job, card: Card | None = None, **options: object) -> Drawing:
    return Drawing(a_queue(*jobs, **options), card or a_warm_card())


def fifty(first: int = 1, owner: UserId = ANN, **fields: object) -> list[Job]:
    return [a_job(first + n, owner, **fields) for n in range(50)]  # type: ignore[arg-type]


# -- among people ----------------------------------------------------------------------------


def test_nobody_waits_behind_more_than_one_job_of_somebody_who_queues_fifty() -> None:
    drawing = a_drawing(*fifty(), a_job(100, BEN))
    assert drawing.all().index(100) <= 1


def test_an_expensive_job_counts_for_many_cheap_ones() -> None:
    films = [a_job(n, BEN, 20.0) for n in range(5)]
    drawing = a_drawing(*films, *fifty(10))
    drawing.until(80.0)
    assert drawing.served[BEN] == pytest.approx(drawing.served[ANN], abs=20.0)


def test_a_person_s_own_jobs_start_in_the_order_in_which_they_came() -> None:
    assert a_drawing(*(a_job(n) for n in (3, 1, 2))).all() == [1, 2, 3]


def test_ties_go_to_whoever_came_first() -> None:
    assert a_drawing(a_job(2, BEN), a_job(1, ANN), a_job(3, CLEO)).all() == [1, 2, 3]


def test_twice_the_weight_is_served_twice_as_much() -> None:
    drawing = a_drawing(*fifty(), *fifty(100, BEN, weight=2.0))
    drawing.until(60.0)
    assert drawing.served[BEN] == pytest.approx(2 * drawing.served[ANN], abs=3.0)


def test_a_group_gets_its_share_however_many_are_in_it() -> None:
    crowd = [job for n in range(9) for job in fifty(100 * n, UserId(10 + n), group=THERE)]
    drawing = a_drawing(*fifty(1000), *crowd)
    drawing.until(100.0)
    assert drawing.served[ANN] == pytest.approx(50.0, abs=5.0)


def test_the_relaxed_wait_long_and_are_served_all_the_same() -> None:
    drawing = a_drawing(*fifty(), *fifty(100, BEN, group=THERE, group_weight=0.1))
    drawing.until(44.0)
    assert drawing.served[BEN] == pytest.approx(4.0, abs=2.0)


def test_one_person_may_be_in_two_groups() -> None:
    drawing = a_drawing(*fifty(), *fifty(100, BEN), *fifty(200, ANN, group=THERE))
    drawing.until(40.0)
    assert drawing.served[BEN] == pytest.approx(10.0, abs=3.0)


def test_a_new_weight_holds_from_the_next_job_on() -> None:
    drawing = a_drawing(*fifty(), *fifty(100, BEN))
    drawing.until(20.0)
    drawing.queue.put(a_job(200, BEN, weight=3.0), drawing.now)
    drawing.until(60.0)
    assert drawing.served[BEN] - 10.0 == pytest.approx(30.0, abs=3.0)


# -- coming back -----------------------------------------------------------------------------


def test_a_newcomer_is_served_at_the_next_boundary() -> None:
    drawing = a_drawing(*fifty(cost=60.0), *fifty(100, BEN, cost=60.0))
    drawing.chunks(20)
    drawing.queue.put(a_job(200, CLEO), drawing.now)
    assert drawing.chunk() == a_job(200, CLEO)


def test_newcomers_hold_nobody_up_for_longer_than_the_express_window() -> None:
    drawing = a_drawing(a_job(0, ANN), a_job(1, ANN), rules=Rules(express=20.0))
    drawing.chunk()
    for number in range(10, 200):
        drawing.queue.put(a_job(number, UserId(number), 1.5), drawing.now)
        drawing.chunk()
    assert drawing.begun.index(1) < 60


def test_time_away_earns_no_credit() -> None:
    drawing = a_drawing(a_job(0, BEN), *fifty(100, ANN), *fifty(200, CLEO))
    drawing.until(60.0)
    for job in fifty(300, BEN):
        drawing.queue.put(job, drawing.now)
    before = dict(drawing.served)
    drawing.until(90.0)
    assert drawing.served[BEN] - before[BEN] <= 10.0 + 4.0


def test_debt_survives_leaving() -> None:
    film = a_job(0, BEN, 100.0)
    drawing = a_drawing(film)
    drawing.chunks(49)
    drawing.queue.put(a_job(1, ANN, 60.0), drawing.now)
    drawing.chunk()  # the last of Ben's film, which nobody was kept waiting by
    for job in fifty(100, BEN, cost=2.0):
        drawing.queue.put(job, drawing.now)
    assert drawing.queue.accounts().people[HERE, BEN].tag >= 0.0


def test_a_debtor_who_leaves_keeps_the_clock_from_racing() -> None:
    """
    Ben is in debt when he leaves.  The clock that Cleo is set to when she comes is the same as if
    he had stayed: his debt is not Ann's to pay.
    """
    tags = []
    for leaves in (True, False):
        queue = a_queue(a_job(1, ANN, 50.0), a_job(2, BEN, 50.0), a_job(3, BEN, 50.0))
        card = a_warm_card()
        queue.cancel(JobId(1))
        job = queue.take(card, 0.0)
        assert job is not None
        queue.put(a_job(4, ANN, 50.0), 0.0)
        queue.settle(job.id, 20.0, 20.0, left=None)
        if leaves:
            queue.cancel(JobId(3))
        assert queue.take(card, 20.0) == a_job(4, ANN, 50.0)
        queue.settle(JobId(4), 10.0, 30.0, left=40.0)
        queue.put(a_job(5, CLEO), 30.0)
        tags.append(queue.accounts().people[HERE, CLEO].tag)
    assert tags[0] == pytest.approx(tags[1])


def test_what_nobody_was_kept_waiting_by_is_forgiven() -> None:
    drawing = a_drawing(a_job(0, BEN, 300.0), *fifty(10, BEN))
    drawing.until(290.0)
    for job in fifty(100, ANN):
        drawing.queue.put(job, drawing.now)
    before = drawing.served[BEN]
    drawing.until(310.0)
    assert drawing.served[BEN] - before == pytest.approx(10.0, abs=3.0)


# -- paying ----------------------------------------------------------------------------------


def test_what_was_used_beyond_the_prediction_is_paid() -> None:
    drawing = a_drawing(*fifty(), *fifty(100, BEN))
    drawing.truth = lambda job: 5.0 * job.cost if job.owner == BEN else job.cost
    drawing.until(60.0)
    assert drawing.served[BEN] == pytest.approx(drawing.served[ANN], abs=8.0)


def test_whoever_needs_a_model_loaded_pays_for_it() -> None:
    queue = a_queue(a_job(1, ANN, model=SKETCH))
    card = Card(loaded=[FLOWER])
    queue.take(card, 0.0)
    queue.put(a_job(2, ANN), 0.0)
    queue.settle(JobId(1), 2.0, 2.0, left=None)
    assert queue.accounts().people[HERE, ANN].tag == pytest.approx(2.0)


def test_a_job_that_was_put_back_costs_nothing_and_keeps_its_place() -> None:
    queue = a_queue(a_job(1), a_job(2), a_job(3))
    before = queue.accounts()
    card = a_warm_card()
    assert queue.take(card, 0.0) == a_job(1)
    queue.settle(JobId(1), 2.0, 2.0, left=5.0)
    assert queue.take(card, 2.0) == a_job(1)
    queue.put_back(JobId(1), 3.0)
    assert queue.order() == (a_job(1), a_job(2), a_job(3))
    assert queue.accounts().people == before.people
    assert queue.take(a_warm_card("another"), 3.0) == a_job(1)


def test_what_was_paid_for_a_lost_picture_is_given_back() -> None:
    drawing = a_drawing(a_job(1, cost=6.0), *fifty(10, BEN, cost=6.0), *fifty(100, ANN, cost=6.0))
    drawing.until(60.0)
    paid = drawing.queue.accounts().people[HERE, ANN].tag
    drawing.queue.put(a_job(1, cost=6.0), drawing.now, refund=6.0)
    assert drawing.queue.accounts().people[HERE, ANN].tag == pytest.approx(paid - 6.0)
    assert drawing.queue.order()[0] == a_job(1, cost=6.0)


def test_a_parked_job_that_lost_its_worker_waits_for_any_seat() -> None:
    queue = a_queue(a_job(1, cost=60.0))
    card = a_warm_card()
    queue.take(card, 0.0)
    queue.settle(JobId(1), 2.0, 2.0, left=58.0)
    queue.put_back(JobId(1), 2.0)
    assert queue.take(a_warm_card("another"), 2.0) == a_job(1, cost=60.0)


def test_a_parked_job_may_end_without_being_taken_again() -> None:
    queue = a_queue(a_job(1, cost=60.0))
    card = a_warm_card()
    queue.take(card, 0.0)
    queue.settle(JobId(1), 2.0, 2.0, left=58.0)
    queue.settle(JobId(1), 0.5, 3.0, left=None)
    assert len(queue) == 0
    assert queue.take(card, 3.0) is None


@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan])
def test_a_time_that_would_break_the_accounts_is_refused(seconds: float) -> None:
    queue = a_queue(a_job(1))
    queue.take(a_warm_card(), 0.0)
    with pytest.raises(ValueError, match="cannot be paid"):
        queue.settle(JobId(1), seconds, 1.0, left=None)


# -- pausing ---------------------------------------------------------------------------------


def test_nobody_waits_for_a_film() -> None:
    drawing = a_drawing(a_job(1, cost=300.0))
    drawing.chunks(10)
    drawing.queue.put(a_job(2, BEN), drawing.now)
    assert drawing.chunk() == a_job(2, BEN)
    assert drawing.chunk() == a_job(1, cost=300.0)


def test_a_job_that_is_nearly_done_is_not_paused() -> None:
    drawing = a_drawing(a_job(1, cost=8.0))
    drawing.chunks(3)
    drawing.queue.put(a_job(2, BEN), drawing.now)
    assert drawing.chunk() == a_job(1, cost=8.0)


def test_a_job_keeps_its_turn_for_a_slice() -> None:
    drawing = a_drawing(a_job(1, cost=100.0), a_job(2, BEN, 100.0), rules=Rules(express=0.0))
    owners = [job.owner for _ in range(45) if (job := drawing.chunk())]
    assert owners == [ANN] * 15 + [BEN] * 15 + [ANN] * 15


def test_a_parked_job_goes_on_at_its_own_seat_only() -> None:
    queue = a_queue(a_job(1, cost=300.0), seats=2)
    one, other = a_warm_card("one"), a_warm_card("other")
    queue.take(one, 0.0)
    queue.settle(JobId(1), 2.0, 2.0, left=298.0)
    assert queue.take(other, 2.0) is None
    assert queue.take(one, 2.0) == a_job(1, cost=300.0)


def test_a_begun_job_goes_on_where_its_model_would_no_longer_be_begun() -> None:
    queue, card = a_queue(a_job(1, cost=9.0), a_job(2, BEN, cost=9.0)), Card()
    queue.take(card, 0.0)
    card.load(FLOWER)
    card.too_big = (FLOWER,)
    queue.settle(JobId(1), 3.0, 3.0, left=7.0)
    assert queue.take(card, 3.0) == a_job(1, cost=9.0)
    queue.settle(JobId(1), 7.0, 10.0, left=None)
    assert queue.take(card, 10.0) is None


def test_no_more_are_parked_than_a_seat_can_hold() -> None:
    drawing = a_drawing(rules=Rules(max_parked=2, slice=4.0))
    for number in range(8):
        drawing.queue.put(a_job(number, UserId(number), 40.0), drawing.now)
    open_jobs = set()
    while (job := drawing.chunk()) is not None:
        open_jobs.add(job.id)
        open_jobs -= set(drawing.ended)
        assert len(open_jobs) <= 3
    assert sorted(drawing.ended) == list(range(8))


def test_where_no_more_can_be_parked_the_one_that_ends_first_goes_on() -> None:
    """Ben's job was let in as a short one, and is none."""
    drawing = a_drawing(a_job(1, cost=300.0), rules=Rules(max_parked=1, fresh=10.0))
    drawing.truth = lambda job: 17.0 if job.id == 2 else job.cost
    drawing.chunks(10)
    drawing.queue.put(a_job(2, BEN, 9.0), drawing.now)
    drawing.chunks(6)
    drawing.queue.put(a_job(3, CLEO), drawing.now)
    assert [job.id for _ in range(4) if (job := drawing.chunk())] == [2, 2, 2, 3]


def test_the_last_place_for_a_parked_job_is_kept_for_short_ones() -> None:
    drawing = a_drawing(rules=Rules(max_parked=2, slice=4.0))
    for number in range(4):
        drawing.queue.put(a_job(number, UserId(number), 200.0), drawing.now)
    drawing.chunks(50)
    drawing.queue.put(a_job(10, UserId(9), 4.0), drawing.now)
    assert drawing.chunk() == a_job(10, UserId(9), 4.0)


# -- models ----------------------------------------------------------------------------------


def test_a_warm_model_goes_first_for_a_while() -> None:
    card = Card(loaded=[FLOWER])
    drawing = a_drawing(a_job(1, BEN, model=SKETCH), *fifty(10), card=card, rules=Rules(fresh=0.0))
    drawing.all()
    assert 0 < drawing.begun.index(1) < 20


def test_two_models_do_not_alternate() -> None:
    card = Card(loaded=[FLOWER], swaps={FLOWER: 4.0, SKETCH: 4.0})
    drawing = a_drawing(*fifty(100, BEN, model=SKETCH), *fifty(10), card=card)
    models = [job.needs for _ in range(100) if (job := drawing.chunk())]
    swaps = sum(a != b for a, b in pairwise(models))
    assert 1 <= swaps < 10


def test_the_more_newcomers_wait_for_a_model_the_sooner_it_is_loaded() -> None:
    waits = []
    for crowd in (1, 6):
        card = Card(loaded=[FLOWER], swaps={FLOWER: 6.0, SKETCH: 6.0})
        drawing = a_drawing(card=card)
        for job in (*fifty(10, ANN, cost=3.0), *fifty(100, BEN, cost=3.0)):
            drawing.queue.put(job, 0.0)
        drawing.chunks(20)
        asked = drawing.now
        for number in range(crowd):
            drawing.queue.put(
                a_job(1000 + number, UserId(1000 + number), model=SKETCH), drawing.now
            )
        while 1000 not in drawing.begun:
            drawing.chunk()
        waits.append(drawing.now - asked)
    assert waits[1] < waits[0]


def test_one_s_own_jobs_change_places_for_a_warm_model_but_not_for_ever() -> None:
    card = Card(loaded=[FLOWER])
    drawing = a_drawing(a_job(0, model=SKETCH), *fifty(), card=card, rules=Rules(look=8))
    assert drawing.all()[:9] == [1, 2, 3, 4, 5, 6, 7, 8, 0]


def test_what_does_not_fit_a_seat_waits_for_another() -> None:
    queue = a_queue(a_job(1, model=FILM), a_job(2, BEN), seats=2)
    small = a_warm_card("small", too_big=(FILM,))
    assert queue.take(small, 0.0) == a_job(2, BEN)
    assert queue.take(a_warm_card("large"), 0.0) == a_job(1, model=FILM)


def test_the_seat_that_is_needed_least_makes_room_for_a_newcomer_s_model() -> None:
    queue = a_queue(seats=3, rules=Rules(fresh=1.0))
    cards = [Card(id=SeatId(n), loaded=[m]) for n, m in (("a", FLOWER), ("b", FLOWER), ("c", FILM))]
    for number in range(3):
        queue.put(a_job(number, ANN, 30.0), 0.0)
        queue.put(a_job(10 + number, BEN, 30.0, model=FILM), 0.0)
    taken = {card.id: job for card in reversed(cards) if (job := queue.take(card, 0.0))}
    queue.put(a_job(100, CLEO, model=SKETCH), 1.0)
    after = []
    for card in reversed(cards):
        queue.settle(taken[card.id].id, 2.0, 2.0, left=28.0)
        after.append(queue.take(card, 2.0))
    # The film is at hand nowhere else.
    assert [job.needs for job in after if job] == [FILM, SKETCH, FLOWER]


# -- caps ------------------------------------------------------------------------------------


def test_the_line_of_one_person_has_an_end() -> None:
    queue = a_queue(*(a_job(n) for n in range(2)), a_job(2, group=THERE), max_jobs_per_user=4)
    queue.room_for(ANN, [1.0])
    queue.room_for(BEN, [1.0] * 4)
    with pytest.raises(QueueFull) as full:
        queue.room_for(ANN, [1.0, 1.0])
    assert (full.value.waiting, full.value.limit, full.value.what) == (5, 4, "jobs")


def test_the_line_of_one_person_has_an_end_in_seconds() -> None:
    queue = a_queue(a_job(1, cost=50.0), max_seconds_per_user=60.0)
    queue.room_for(ANN, [10.0])
    with pytest.raises(QueueFull) as full:
        queue.room_for(ANN, [10.5])
    assert (full.value.waiting, full.value.limit, full.value.what) == (61, 60, "seconds")


def test_one_job_may_take_what_a_person_may_have_waiting_and_no_more() -> None:
    queue = FairQueue(max_seconds_per_user=60.0)
    queue.room_for(ANN, [60.0])
    with pytest.raises(TooLong) as long:
        queue.room_for(ANN, [6554.0])
    assert (long.value.seconds, long.value.limit) == (6554.0, 60.0)


def test_nobody_has_more_seats_at_once_than_allowed() -> None:
    queue = a_queue(*fifty(), a_job(100, ANN, group=THERE), rules=Rules(max_running=1), seats=3)
    cards = [a_warm_card(name) for name in "abc"]
    assert queue.take(cards[0], 0.0) == a_job(1)
    assert queue.take(cards[1], 0.0) is None
    queue.put(a_job(200, BEN), 0.0)
    assert queue.take(cards[1], 0.0) == a_job(200, BEN)
    queue.settle(JobId(1), 1.0, 1.0, left=None)
    assert queue.take(cards[2], 1.0) is not None


def test_whoever_may_not_use_their_share_cannot_save_it_up() -> None:
    rules = Rules(max_running=1)
    queue = a_queue(
        *fifty(cost=2.0, weight=100.0), *fifty(100, BEN, cost=2.0), rules=rules, seats=2
    )
    cards, now = [a_warm_card("a"), a_warm_card("b")], 0.0
    for _ in range(40):
        taken = [job for card in cards if (job := queue.take(card, now))]
        now += 2.0
        for job in taken:
            queue.settle(job.id, 2.0, now, left=None)
    accounts = queue.accounts()
    assert accounts.groups[HERE] - accounts.people[HERE, ANN].tag <= (2 * 30.0 + 2.0) / 100.0


@pytest.mark.parametrize("cost", [0.0, -1.0, math.inf, math.nan])
def test_a_cost_or_weight_that_would_break_the_accounts_is_refused(cost: float) -> None:
    for job in (a_job(1, cost=cost), a_job(1, weight=cost), a_job(1, group_weight=cost)):
        with pytest.raises(ValueError, match="positive and finite"):
            FairQueue().put(job, 0.0)


# -- one by one ------------------------------------------------------------------------------


def test_only_waiting_and_parked_jobs_can_be_cancelled_here() -> None:
    queue = a_queue(a_job(1, cost=9.0), a_job(2), a_job(3))
    card = a_warm_card()
    assert queue.take(card, 0.0) == a_job(1, cost=9.0)
    assert queue.cancel(JobId(1)) is None
    assert queue.cancel(JobId(2)) == a_job(2)
    assert queue.cancel(JobId(2)) is None
    queue.settle(JobId(1), 2.0, 2.0, left=7.0)
    assert queue.cancel(JobId(1)) == a_job(1, cost=9.0)
    assert Drawing(queue, card).all() == [3]


def test_a_job_cannot_wait_twice() -> None:
    queue = a_queue(a_job(1))
    with pytest.raises(ValueError, match="here already"):
        queue.put(a_job(1), 0.0)
    queue.take(a_warm_card(), 0.0)
    with pytest.raises(ValueError, match="here already"):
        queue.put(a_job(1), 0.0)


def test_unknown_jobs_are_key_errors() -> None:
    queue = FairQueue()
    for call in (
        lambda: queue.settle(JobId(1), 1.0, 0.0, left=None),
        lambda: queue.put_back(JobId(1), 0.0),
        lambda: queue.share_of(JobId(1)),
    ):
        with pytest.raises(KeyError):
            call()


def test_soon_names_the_next_job_and_changes_nothing() -> None:
    queue = a_queue(a_job(1, cost=9.0), a_job(2, BEN, 9.0))
    card = a_warm_card()
    queue.take(card, 0.0)
    before = queue.accounts()
    assert queue.soon(card, 1.0) == a_job(2, BEN, 9.0)
    assert queue.accounts().people == before.people
    queue.settle(JobId(1), 9.0, 9.0, left=None)
    assert queue.take(card, 9.0) == a_job(2, BEN, 9.0)


def test_everybody_s_share_adds_up_to_the_seats() -> None:
    queue = a_queue(
        a_job(1, ANN), a_job(2, BEN, weight=3.0), a_job(3, CLEO, group=THERE, group_weight=0.5)
    )
    shares = [queue.share_of(JobId(n)) for n in (1, 2, 3)]
    assert shares == pytest.approx([1 / 6, 3 / 6, 2 / 6])
    queue.take(a_warm_card(), 0.0)
    assert queue.share_of(JobId(1)) == pytest.approx(1 / 6)


def test_a_clock_that_stands_still_or_goes_back_does_no_harm() -> None:
    queue = a_queue(*fifty(), *fifty(100, BEN))
    card, served = a_warm_card(), {ANN: 0, BEN: 0}
    for n in range(20):
        job = queue.take(card, 5.0 - n % 3)
        assert job is not None
        served[job.owner] += 1
        queue.settle(job.id, 1.0, 5.0 - n % 2, left=None)
    assert served == {ANN: 10, BEN: 10}


# -- a restart -------------------------------------------------------------------------------


def test_nothing_is_remembered_of_who_owes_nothing() -> None:
    drawing = a_drawing(*(a_job(n, UserId(n)) for n in range(100)))
    drawing.all()
    assert len(drawing.queue.accounts().people) <= 1
    drawing.queue.put(a_job(200, DAN), drawing.now)
    drawing.all()
    assert drawing.queue.accounts().people.keys() <= {(HERE, DAN)}


def test_a_place_is_held_across_a_restart_only_for_who_is_there_when_it_ends() -> None:
    drawing = a_drawing(*fifty(cost=40.0), *fifty(100, BEN, cost=2.0))
    drawing.until(31.0)  # Ann was served a slice
    accounts = drawing.queue.accounts()
    assert accounts.people[HERE, BEN].tag < accounts.groups[HERE]
    again = FairQueue()
    again.restore(accounts)
    again.put(a_job(1), 0.0)
    again.take(a_warm_card(), 0.0)
    again.put(a_job(2, BEN), 0.0)
    after = again.accounts()
    assert after.people[HERE, BEN].tag >= accounts.people[HERE, BEN].tag
    assert after.people[HERE, BEN].tag == pytest.approx(after.groups[HERE])


def test_an_empty_memory_is_a_fresh_start() -> None:
    queue = FairQueue()
    queue.restore(Accounts(groups={}, people={}))
    queue.put(a_job(1), 0.0)
    assert queue.take(a_warm_card(), 0.0) == a_job(1)


def test_a_seat_that_is_gone_is_dismissed_once_its_work_is_put_back() -> None:
    queue, seat = FairQueue(seats=2), Card()
    queue.put(a_job(1), 0.0)
    assert queue.take(seat, 0.0) is not None
    with pytest.raises(ValueError, match="has work"):
        queue.dismiss(seat.id)
    queue.put_back(JobId(1), 1.0)
    queue.dismiss(seat.id)
    assert queue.take(Card(SeatId("another")), 1.0) == a_job(1)
