"""Claims about a start with much to do; in processor time: a busy machine must not matter."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.dispatch.audience import Outcome, Shown
from bot.studio.delivery import AT_ONCE
from generation.draft import complete
from generation.job import GroupId, Share, UserId
from storage.tickets import Tickets
from tests.given.apps import an_app
from tests.given.audiences import Quiet
from tests.given.builders import a_draft
from tests.given.fakes import FakeWorker
from tests.given.stored import asked, opened

PEOPLE, REQUESTS, PICTURES = 500, 2500, 4


async def ten_thousand_wait(folder: Path) -> None:
    """As many as 500 people with five requests of four pictures, in twenty servers."""
    async with an_app(folder, FakeWorker()) as app:
        model = app.catalog.models()[0].model
    base = complete(a_draft(prompt="a red flower " * 20, steps=25), model, seed=0, device="cpu")
    async with opened(folder / "data" / "atelier.sqlite3") as database:
        tickets = Tickets(database)
        for number in range(REQUESTS):
            owner = UserId(number % PEOPLE + 1)
            share = Share(group=GroupId(f"guild {owner % 20}"))
            recipes = [replace(base, seed=number * PICTURES + n) for n in range(PICTURES)]
            await tickets.add(asked(owner, share=share), recipes, [1.0] * PICTURES)


@pytest.mark.slow
async def test_with_ten_thousand_waiting_pictures_the_first_is_drawn_within_three_seconds(
    tmp_path: Path,
) -> None:
    await ten_thousand_wait(tmp_path)
    worker = FakeWorker()
    worker.gate.clear()
    wall, busy = time.perf_counter(), time.process_time()
    async with an_app(tmp_path, worker) as app:
        while not worker.orders:  # noqa: ASYNC110  # a fake has no event for it
            await asyncio.sleep(0.001)
        wall, busy = time.perf_counter() - wall, time.process_time() - busy
        assert app.replayed == REQUESTS * PICTURES
    print(f"10,000 waiting: the first order after {wall:.2f} s, {busy:.2f} s of the processor")
    assert busy < 3.0


class Crowded(Quiet):
    """An audience that notes how many results are in its hands at once."""

    def __init__(self) -> None:
        self.now = self.most = self.shown = 0
        self.full = asyncio.Event()  # as many as there should be at once have been in its hands

    async def deliver(self, outcome: Outcome, *, perhaps_posted: bool) -> Shown | None:
        assert not perhaps_posted
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now >= AT_ONCE:
            self.full.set()
        await self.full.wait()
        await asyncio.sleep(0.03)  # time for one too many
        self.now -= 1
        self.shown += 1
        return Shown(message=outcome.request.id, channel=0)


async def test_after_a_day_without_discord_only_a_few_results_are_in_memory_at_once(
    tmp_path: Path,
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        pass
    async with opened(tmp_path / "data" / "atelier.sqlite3") as database:
        tickets, model = Tickets(database), app.catalog.models()[0].model
        recipe = complete(a_draft(prompt="a red flower"), model, seed=0, device="cpu")
        for number in range(60):
            request, _ = await tickets.add(asked(UserId(number + 1)), [recipe], [1.0])
            await tickets.cancel(request.id)
    crowded = Crowded()
    async with an_app(tmp_path, FakeWorker(), audience=crowded) as app:
        async with asyncio.timeout(60):
            while await app.stores.tickets.undelivered():  # noqa: ASYNC110  # a poll
                await asyncio.sleep(0.01)
    assert crowded.shown == 60
    assert crowded.most == AT_ONCE
