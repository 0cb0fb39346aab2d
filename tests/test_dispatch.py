"""What people notice of chunks and pauses: nobody waits for a long job, and nothing is lost."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.app import App
from bot.dispatch.audience import Phase
from bot.dispatch.forecasts import NEWER_SECONDS
from bot.dispatch.seats import Drawing, WorkerSeat
from bot.studio.rights import Asker
from bot.telemetry.events import ChunkPaid, Event, JobEnded, Paused, Resumed
from generation.fleet.wire import Drawn, Finished, Midway, Render, Report, Stepped
from generation.job import JobId, UserId
from generation.queue.costs import CostModel
from generation.queue.fair_queue import SeatId
from storage.tickets import Request, RequestId, State
from tests.given.apps import a_wish, an_app, drawn
from tests.given.audiences import Content, Memo
from tests.given.builders import ANN, BEN, a_job
from tests.given.fakes import FakeWorker
from tests.given.waiting import eventually

LONG = {"steps": 120}  # a minute of the device, as the slow worker counts
SHORT = {"steps": 2}
PAST = 40  # steps, after which nobody is a newcomer any more
CLEO, DORA = UserId(303), UserId(404)


def paid(seen: list[Event], owner: UserId) -> float:
    """The device's seconds that a person was told to pay."""
    return sum(e.seconds for e in seen if isinstance(e, ChunkPaid) and e.job.owner == owner)


def paid_until_paused(seen: list[Event], owner: UserId) -> float:
    """The same before a job was first paused: until a test looks, it may have gone on."""
    first = next(n for n, event in enumerate(seen) if isinstance(event, Paused))
    return paid(seen[:first], owner)


def slow() -> FakeWorker:
    """A worker whose steps take half a second of the device, and little of the clock."""
    return FakeWorker(step_seconds=0.001, step_cost=0.5)


async def ask(app: App, words: str, owner: UserId, draft: dict[str, int]) -> Request:
    return await app.studio.requests.submit(a_wish(words, owner=owner, draft=draft))


async def both_begun(app: App, worker: FakeWorker) -> tuple[Request, Request]:
    """A long job of Ann's that is held up for a short one of Ben's, which stands at the gate."""
    long = await ask(app, "a long one", ANN, LONG)
    await eventually(lambda: _step(app, long) >= PAST)
    worker.gate.clear()
    short = await ask(app, "a short one", BEN, SHORT)
    worker.gate.set()
    await eventually(lambda: len(worker.orders) >= 2)
    return long, short


def _step(app: App, request: Request) -> int:
    standing = app.studio.open_requests.standing(request.id)
    return standing.step if standing is not None else 0


async def test_a_short_job_is_drawn_while_a_long_one_is_held_at_a_step(tmp_path: Path) -> None:
    worker, seen = slow(), list[Event]()
    memo = Memo()
    async with an_app(tmp_path, worker, watch=seen.append, audience=memo) as app:
        await both_begun(app, worker)
        await eventually(lambda: len(memo.outcomes) == 2)
    # Which of them is posted first depends on the disk.
    long, short = (order.job for order in worker.orders)
    assert [event for event in worker.log if event[0] != "began"] == [
        ("pause", long),
        ("drew", short),
        ("resume", long),
        ("drew", long),
    ]
    assert {type(e) for e in seen if isinstance(e, Paused | Resumed) and e.job.id == long} == {
        Paused,
        Resumed,
    }


async def test_everybody_pays_for_all_their_seconds_and_no_others(tmp_path: Path) -> None:
    worker, seen = slow(), list[Event]()
    memo = Memo()
    async with an_app(tmp_path, worker, watch=seen.append, audience=memo) as app:
        await both_begun(app, worker)
        await eventually(lambda: len(memo.outcomes) == 2)
        assert round(paid(seen, ANN), 6) == 60.0
        assert round(paid(seen, BEN), 6) == 1.0


async def test_a_paused_job_says_so_and_can_be_cancelled(tmp_path: Path) -> None:
    worker = slow()
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        long = await ask(app, "a long one", ANN, LONG)
        await eventually(lambda: _step(app, long) >= PAST)
        await ask(app, "another long one", BEN, LONG)
        await eventually(lambda: any(s.paused for s in app.studio.open_requests.standings()))
        paused = next(s for s in app.studio.open_requests.standings() if s.paused)
        await app.studio.requests.cancel(paused.request, by=Asker(id=ANN, guild=None))
        await eventually(lambda: len(memo.outcomes) == 2)
        states = {o.request.id: o.tickets[0].state for o in memo.outcomes}
        assert states[paused.request] is State.CANCELLED
        assert sorted(states.values()) == [State.CANCELLED, State.DRAWN]


async def test_when_the_worker_dies_the_paused_job_is_drawn_again_and_not_blamed(
    tmp_path: Path,
) -> None:
    worker = slow()
    worker.deaths["a short one"] = 2
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        long, short = await both_begun(app, worker)
        await eventually(lambda: len(memo.outcomes) == 2)
        tries = {o.request.id: o.tickets[0].tries for o in memo.outcomes}
        assert all(o.tickets[0].state is State.DRAWN for o in memo.outcomes)
        assert tries[short.id] == 3
        assert tries[long.id] <= 2
    assert worker.starts == 3


async def test_a_job_that_takes_every_worker_down_is_given_up_and_the_paused_one_lives(
    tmp_path: Path,
) -> None:
    worker = slow()
    worker.deaths["a short one"] = 100
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        long, short = await both_begun(app, worker)
        await eventually(lambda: len(memo.outcomes) == 2)
        states = {o.request.id: o.tickets[0].state for o in memo.outcomes}
        assert states == {long.id: State.DRAWN, short.id: State.QUARANTINED}


async def test_a_paused_job_is_drawn_after_a_restart(tmp_path: Path) -> None:
    worker = slow()
    async with an_app(tmp_path, worker) as app:
        long, _ = await both_begun(app, worker)
        worker.gate.clear()
    async with an_app(tmp_path, FakeWorker()) as app:
        assert app.replayed
        while await app.stores.tickets.waiting():  # noqa: ASYNC110  # a test polls
            await asyncio.sleep(0.01)
        (ticket,) = await app.stores.tickets.of_request(long.id)
        assert ticket.state is State.DRAWN


async def test_nobody_is_interrupted_when_nobody_else_waits(tmp_path: Path) -> None:
    worker = FakeWorker()
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        await ask(app, "a long one", ANN, LONG)
        await eventually(lambda: len(memo.outcomes) == 1)
    assert [what for what, _ in worker.log] == ["began", "drew"]


async def test_two_workers_draw_at_the_same_time(tmp_path: Path) -> None:
    first, second = FakeWorker(), FakeWorker()
    first.gate.clear()
    second.gate.clear()
    memo = Memo()
    async with an_app(tmp_path, first, second, audience=memo) as app:
        await ask(app, "one", ANN, SHORT)
        await ask(app, "two", BEN, SHORT)
        await eventually(lambda: first.orders and second.orders)
        first.gate.set()
        second.gate.set()
        await eventually(lambda: len(memo.outcomes) == 2)


async def test_a_paused_job_goes_on_at_the_seat_that_holds_it(tmp_path: Path) -> None:
    workers = [slow(), slow()]
    memo = Memo()
    async with an_app(tmp_path, *workers, audience=memo) as app:
        for owner in (ANN, BEN, CLEO, DORA):
            await ask(app, f"a long one of {owner}", owner, LONG)
        await eventually(lambda: len(memo.outcomes) == 4)
    began = [job for worker in workers for what, job in worker.log if what == "began"]
    assert len(began) == len(set(began)) == 4


async def test_no_more_than_four_jobs_are_held_paused(tmp_path: Path) -> None:
    worker, most = slow(), 0
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        for number in range(12):
            await ask(app, f"a long one {number}", UserId(1000 + number), {"steps": 60})
        while len(memo.outcomes) < 12:
            most = max(most, sum(s.paused for s in app.studio.open_requests.standings()))
            await asyncio.sleep(0.001)
    assert 1 <= most <= 4


async def test_a_job_that_was_drawn_before_its_pause_arrived_is_kept(tmp_path: Path) -> None:
    class Deaf(FakeWorker):
        """Hears a pause too late."""

        async def pause(self, job: JobId) -> None:
            self.log.append(("pause", job))

    worker = Deaf(step_seconds=0.001, step_cost=0.5)
    memo = Memo()
    async with an_app(tmp_path, worker, audience=memo) as app:
        await both_begun(app, worker)
        await eventually(lambda: len(memo.outcomes) == 2)
        assert all(o.tickets[0].state is State.DRAWN for o in memo.outcomes)
        await ask(app, "one more", ANN, SHORT)
        await eventually(lambda: len(memo.outcomes) == 3)


async def test_a_seat_that_joins_draws_and_one_that_leaves_loses_nothing(tmp_path: Path) -> None:
    here, there = slow(), slow()
    here.gate.clear()
    there.gate.clear()
    memo = Memo()
    async with an_app(tmp_path, here, audience=memo) as app:
        for owner in (ANN, BEN):
            await ask(app, f"a long one of {owner}", owner, LONG)
        far = WorkerSeat(id=SeatId("far"), worker=there, costs=CostModel(), size_of=lambda _: 0)
        near = app.studio.open_requests.standings()[0].share
        app.studio.join(far)
        assert app.studio.open_requests.standings()[0].share == 2 * near
        await eventually(lambda: here.orders and there.orders)
        app.studio.leave(far)
        await there.die()
        here.gate.set()
        there.gate.set()
        await eventually(lambda: len(memo.outcomes) == 2)
        assert there.starts == 1
        assert all(o.tickets[0].state is State.DRAWN for o in memo.outcomes)


async def test_a_watcher_is_told_of_a_job_that_was_cancelled_while_it_waited(
    tmp_path: Path,
) -> None:
    worker, seen = FakeWorker(), list[Event]()
    worker.gate.clear()
    async with an_app(tmp_path, worker, watch=seen.append) as app:
        await ask(app, "one", ANN, SHORT)
        await eventually(lambda: worker.orders)
        waiting = await ask(app, "two", ANN, SHORT)
        await app.studio.requests.cancel(waiting.id, by=Asker(id=ANN, guild=None))
        last = [event for event in seen if isinstance(event, JobEnded)][-1]
        assert (last.job.owner, last.state) == (ANN, State.CANCELLED)
        worker.gate.set()


async def test_no_forecast_is_made_anew_for_a_picture_that_is_only_being_saved(
    tmp_path: Path,
) -> None:
    async with an_app(tmp_path, FakeWorker(encode_seconds=1.0)) as app:
        await ask(app, "one", ANN, SHORT)
        open_requests = app.studio.open_requests
        await eventually(lambda: any(s.phase is Phase.KEEPING for s in open_requests.standings()))
        first = open_requests._forecast(None)
        await asyncio.sleep(2 * NEWER_SECONDS)
        open_requests.standings()
        assert open_requests._forecast(None) is first


@pytest.mark.parametrize("claim", [math.nan, math.inf, -math.inf, -5.0, 1e308])
async def test_a_picture_is_shown_and_the_books_stay_finite_whatever_seconds_are_claimed(
    tmp_path: Path, claim: float
) -> None:
    class Liar(FakeWorker):
        async def render(self, order: Render) -> AsyncIterator[Report]:
            async for report in super().render(order):
                match report:
                    case Stepped() | Finished():
                        yield replace(report, seconds=claim)
                    case Drawn():
                        yield replace(report, seconds=claim, loading_seconds=claim)
                    case _:
                        yield report

    worker, seen = Liar(), list[Event]()
    async with asyncio.timeout(60), an_app(tmp_path, worker, watch=seen.append) as app:
        for words in ("one", "two"):
            outcome = await drawn(app, a_wish(words))
            assert [ticket.state for ticket in outcome.tickets] == [State.DRAWN]
            assert math.isfinite(outcome.pictures[0].seconds)
        assert math.isfinite(paid(seen, ANN))


async def test_a_worker_is_told_how_long_its_job_should_take(tmp_path: Path) -> None:
    worker = FakeWorker()
    async with an_app(tmp_path, worker) as app:
        await drawn(app, a_wish())
        recipe = worker.orders[0].recipe
    assert worker.orders[0].expected > CostModel().predict(recipe) > 0.0  # and for its weights


# --- how far it is, in the worker's own count --------------------------------------------------


class InPieces(FakeWorker):
    """One whose work does not end with the last step: what follows is as many pieces again."""

    async def render(self, order: Render) -> AsyncIterator[Report]:
        async for report in super().render(order):
            if not isinstance(report, Stepped):
                yield report
                continue
            total = 2 * report.total
            yield replace(report, total=total)
            if report.done == report.total:
                for done in range(report.total + 1, total + 1):
                    yield replace(report, done=done, total=total)


class Seen(Content):
    """An audience that notes every step that it could show."""

    def __init__(self) -> None:
        self.app: App | None = None
        self.steps: list[tuple[int, int]] = []

    def changed(self, request: RequestId) -> None:
        standing = self.app.studio.open_requests.standing(request) if self.app else None
        if standing is not None and standing.phase is Phase.DRAWING:
            self.steps.append((standing.step, standing.steps))


async def test_people_are_told_the_count_of_the_worker_and_not_that_of_the_recipe(
    tmp_path: Path,
) -> None:
    audience = Seen()
    async with an_app(tmp_path, InPieces(), audience=audience) as app:
        audience.app = app
        await drawn(app, a_wish(draft={"steps": 3}))
    assert list(dict.fromkeys(audience.steps)) == [(done, 6) for done in range(1, 7)]


def test_what_a_job_still_needs_follows_the_count_of_its_worker() -> None:
    nobodys: Any = None
    drawing = Drawing(job=a_job(1, cost=12.0), lease=nobodys)
    assert drawing.left == 12.0  # nothing is known yet but the prediction
    drawing.stepped(1, 4, 5.0)
    assert drawing.left == 9.0
    drawing.stepped(2, 4, 6.0)
    assert drawing.left == 2.0  # at its own pace, without what came before the first step
    drawing.stepped(4, 4, 8.0)
    assert drawing.left == 0.0


# --- steps that take long ----------------------------------------------------------------------


class Filming(FakeWorker):
    """One whose steps take a minute each, in the middle of which it says that it could stop."""

    async def _drawn(self, order: Render, life: int) -> AsyncIterator[Report]:
        async for report in super()._drawn(order, life):
            if isinstance(report, Stepped) and order.recipe.prompt == "a film":
                began = report.seconds - self.step_cost
                for half in range(1, int(2 * self.step_cost)):
                    await self._device(order.job, life)
                    await self.gate.wait()
                    await asyncio.sleep(self.step_seconds)
                    yield Midway(job=order.job, seconds=began + half / 2)
            yield report


async def test_nobody_waits_for_the_end_of_a_step_that_takes_a_minute(tmp_path: Path) -> None:
    worker, seen, memo = Filming(step_seconds=0.001, step_cost=60.0), list[Event](), Memo()
    held = list[int]()  # the film's step whenever it is paused

    def watch(event: Event) -> None:
        seen.append(event)
        if isinstance(event, Paused):
            held.append(_step(app, film))

    async with an_app(tmp_path, worker, watch=watch, audience=memo) as app:
        film = await ask(app, "a film", ANN, {"steps": 3})
        await eventually(lambda: paid(seen, ANN) >= 40.0)  # no newcomer any more
        worker.gate.clear()
        await ask(app, "a short one", BEN, {"steps": 1})
        before = _step(app, film)
        worker.gate.set()
        await eventually(lambda: held)
        assert held[0] == before
        await eventually(lambda: len(memo.outcomes) == 2)
        assert round(paid(seen, ANN), 6) == 180.0
        assert round(paid(seen, BEN), 6) == 60.0


class Developing(FakeWorker):
    """One whose films are decoded for two minutes when their steps are done, piece by piece."""

    pieces, piece_cost = 240, 0.5

    async def _drawn(self, order: Render, life: int) -> AsyncIterator[Report]:
        film = order.recipe.prompt == "a film"
        async for report in super()._drawn(order, life):
            if isinstance(report, Drawn) and film:
                report = replace(report, seconds=report.seconds + self.pieces * self.piece_cost)
            yield report
            if isinstance(report, Stepped) and report.done == report.total and film:
                for piece in range(1, self.pieces + 1):
                    await self._device(order.job, life)
                    await self.gate.wait()
                    await asyncio.sleep(self.step_seconds)
                    yield Midway(job=order.job, seconds=report.seconds + piece * self.piece_cost)


async def test_nobody_waits_until_a_film_is_decoded(tmp_path: Path) -> None:
    worker, seen, memo = Developing(step_seconds=0.001, step_cost=8.0), list[Event](), Memo()
    async with an_app(tmp_path, worker, watch=seen.append, audience=memo) as app:
        await ask(app, "a film", ANN, {"steps": 3})
        await eventually(lambda: paid(seen, ANN) >= 3 * 8.0 + 16.0)  # its steps are done
        worker.gate.clear()
        short = await ask(app, "a short one", BEN, {"steps": 1})
        before = paid(seen, ANN)
        worker.gate.set()
        await eventually(lambda: any(isinstance(event, Paused) for event in seen))
        # A chunk, and what was on its way.
        assert paid_until_paused(seen, ANN) - before <= 2.0 + 2 * 0.5
        await eventually(lambda: len(memo.outcomes) == 2)
        # Which of them is posted first depends on the disk.
        assert [what for what, _ in worker.log if what == "drew"] == ["drew"] * 2
        assert worker.log.index(("drew", worker.orders[1].job)) < worker.log.index(
            ("drew", worker.orders[0].job)
        )
        assert round(paid(seen, ANN), 6) == 3 * 8.0 + 120.0
        assert short.id in {outcome.request.id for outcome in memo.outcomes}


def test_what_goes_on_behind_the_last_step_is_as_predicted_or_takes_as_long_again() -> None:
    nobodys: Any = None
    drawing = Drawing(job=a_job(1, cost=60.0), lease=nobodys)
    for done in (1, 2, 3, 4):
        drawing.stepped(done, 4, 10.0 * done)
    assert drawing.left == 0.0  # as most jobs end there
    drawing.midway(45.0)
    assert drawing.left == 15.0  # of 60 s, 40 of which were steps
    drawing.midway(70.0)
    assert drawing.left == 30.0  # more than was predicted, and who knows how much
