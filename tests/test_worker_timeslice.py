"""Claims about the baton: one holder, in order, and never a job that waits for nothing."""

from __future__ import annotations

import random
import threading
import time

import pytest

from generation.errors import Cancelled
from generation.worker.baton import Baton, Turn

LIMIT = 60.0  # seconds; only what hangs takes longer


class Drawing(threading.Thread):
    """A job of `steps` steps that writes down each of them."""

    def __init__(self, baton: Baton, name: str, log: list[str], steps: int = 3) -> None:
        super().__init__(name=name, daemon=True)
        self.place: Turn = baton.place()
        self.log, self.steps = log, steps
        self.may_step = threading.Semaphore(0)
        self.stepped = threading.Semaphore(0)
        self.passed = threading.Semaphore(0)  # the boundary behind a step
        self.was_away = 0
        self.cancelled = False

    def run(self) -> None:
        try:
            self.place.enter()
            for step in range(1, self.steps + 1):
                self.may_step.acquire(timeout=LIMIT)
                self.log.append(f"{self.name}{step}")
                self.stepped.release()
                self.was_away += self.place.boundary()
                self.passed.release()
        except Cancelled:
            self.cancelled = True
        finally:
            self.place.leave()

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.may_step.release()
            assert self.stepped.acquire(timeout=LIMIT)

    def ended(self) -> None:
        self.join(LIMIT)
        assert not self.is_alive()


def started(baton: Baton, log: list[str], *names: str, paused: str = "") -> list[Drawing]:
    drawings = [Drawing(baton, name, log) for name in names]
    for drawing in drawings:
        if drawing.name == paused:
            drawing.place.pause()
    for drawing in reversed(drawings):  # their threads' order is no matter
        drawing.start()
    return drawings


def test_jobs_are_drawn_one_after_the_other_in_the_order_they_came() -> None:
    log: list[str] = []
    drawings = started(Baton(), log, "a", "b", "c")
    for drawing in drawings:
        drawing.step(3)
        drawing.ended()
    assert log == ["a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3"]
    assert not any(drawing.was_away for drawing in drawings)


def test_a_paused_job_gives_way_and_goes_on_before_those_who_wait() -> None:
    log: list[str] = []
    a, b, c = started(Baton(), log, "a", "b", "c", paused="a")
    b.step()
    a.place.resume()
    b.step(2)
    b.ended()
    a.step(3)
    a.ended()
    c.step(3)
    c.ended()
    assert log == ["b1", "b2", "b3", "a1", "a2", "a3", "c1", "c2", "c3"]


def test_at_the_boundary_the_baton_is_given_away_and_said_to_have_been() -> None:
    log: list[str] = []
    a, b = started(Baton(), log, "a", "b")
    a.step()
    assert a.passed.acquire(timeout=LIMIT)
    a.place.pause()
    a.step()  # the pause is honoured at the boundary after it
    b.step(3)
    b.ended()
    a.place.resume()
    a.step()
    a.ended()
    assert log == ["a1", "a2", "b1", "b2", "b3", "a3"]
    assert a.was_away == 1


def test_cancelling_ends_a_running_a_waiting_and_a_paused_job() -> None:
    log: list[str] = []
    a, b, c = started(Baton(), log, "a", "b", "c")
    b.place.cancel()
    b.ended()
    c.place.pause()
    c.place.cancel()
    c.ended()
    a.step()
    a.place.cancel()
    a.may_step.release()
    a.ended()
    assert (a.cancelled, b.cancelled, c.cancelled) == (True, True, True)
    assert log[0] == "a1"
    assert len(log) <= 2


def test_time_away_is_not_counted() -> None:
    baton = Baton()
    place, other = baton.place(), baton.place()
    place.enter()
    place.pause()
    counted: list[float] = []

    def draw_meanwhile() -> None:
        other.enter()  # which it can only while the first is away
        for _ in range(2):
            counted.append(place.seconds)
            time.sleep(0.05)
        place.resume()
        other.leave()

    meanwhile = threading.Thread(target=draw_meanwhile, daemon=True)
    meanwhile.start()
    assert place.boundary()
    place.leave()
    meanwhile.join(LIMIT)
    assert 0 < counted[0] == counted[1] <= place.seconds


def test_leaving_twice_or_without_the_baton_harms_nobody() -> None:
    baton = Baton()
    a, b = baton.place(), baton.place()
    a.enter()
    b.leave()
    a.leave()
    a.leave()
    b.enter()
    b.leave()


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_asked_of_it_there_is_never_more_than_one_holder(seed: int) -> None:
    dice = random.Random(seed)
    baton = Baton()
    inside: list[str] = []
    crowded: list[str] = []

    def draw(place: Turn, name: str) -> None:
        try:
            place.enter()
            for _ in range(8):
                inside.append(name)
                if len(inside) > 1:
                    crowded.append(name)
                time.sleep(0.0005)
                inside.remove(name)
                place.boundary()
        except Cancelled:
            pass
        finally:
            place.leave()

    places = [baton.place() for _ in range(6)]
    threads = [
        threading.Thread(target=draw, args=(place, str(n)), daemon=True)
        for n, place in enumerate(places)
    ]
    for thread in threads:
        thread.start()
    for _ in range(60):
        place = dice.choice(places)
        dice.choice([place.pause, place.resume, place.resume])()
        time.sleep(0.0005)
    dice.choice(places).cancel()
    for place in places:
        place.resume()
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
    assert not crowded
