"""A death at any step of the ladder: shown once, or held, and no progress message left behind.

The real delivery and the real poster over a real database; a fake Discord outlives them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bot.chat.announcer import Announcer
from bot.studio.abilities import ResultReach
from bot.studio.delivery import Delivery
from bot.studio.known import KnownMessages
from bot.studio.studio import Studio
from bot.telemetry.events import nobody
from storage import failpoints
from storage.files import Files
from storage.stores import Stores
from storage.tickets import RequestId, Tickets
from tests.given.builders import noisy_png
from tests.given.fake_discord import Death, FakeDiscord
from tests.given.stored import ANN, a_picture, a_recipe, asked, opened

HERE = 77
DIRECT = ANN + 10**6
NOON = 1_700_000_000.0


class Ladder:
    """A drawn request in a database, and lives of the bot that try to show it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.discord = FakeDiscord()
        self.now = NOON
        self.request = RequestId(0)
        self.progress = 0

    async def prepare(self) -> None:
        """One picture is drawn; its progress message stands in the channel."""
        async with opened(self.folder / "db.sqlite3") as database:
            tickets = Tickets(database)
            files = Files(self.folder / "files")
            usual = asked(ANN)
            wish = replace(usual, origin=replace(usual.origin, channel=HERE, reply_to=42))
            request, (ticket,) = await tickets.add(wish, [a_recipe()], [1.0])
            lease = await tickets.started(ticket.job.id, "seat", at=NOON)
            png = files.keep(noisy_png(16), ".png")
            await tickets.drawn(
                ticket.job.id, lease.epoch, a_picture(), png_sha256=png, drawn_at=NOON
            )
            self.request = request.id
            self.progress = self.discord.post(HERE, content="Drawn, saving it…").id
            await tickets.say_progress_is(request.id, self.progress)

    async def live(self) -> str:
        """A life of the bot: until all is said or held, or its death.  How it ended."""
        async with opened(self.folder / "db.sqlite3") as database:
            tickets = Tickets(database)
            # Of the studio, the announcer needs this much here.
            rules = SimpleNamespace(spoils=lambda *_: False)
            parts = {"messages": KnownMessages(tickets), "servers": rules}
            parts["offers"] = SimpleNamespace(painter=False, reach=ResultReach())
            studio = cast(Studio, SimpleNamespace(**parts))
            announcer = Announcer(self.discord.client(), studio, progress_seconds=1.0)
            announcer.arrived()
            delivery = Delivery(
                Stores.on(database, Files(self.folder / "files")),
                watch=nobody,
                clock=lambda: self.now,
            )
            delivery.retry_seconds = (0.0,)
            life = asyncio.create_task(delivery.run(announcer))
            try:
                began = False
                while not life.done():
                    began = began or delivery.busy
                    sent = await tickets.sent(self.request)
                    if not sent.open:
                        return "told"
                    if (
                        sent.held
                        and began
                        and not await tickets.due(self.now)
                        and not delivery.busy
                    ):
                        await asyncio.sleep(0.01)  # a death is heard of a little later
                        return "dead" if life.done() else "held"
                    await asyncio.sleep(0)
                return "dead"
            finally:
                life.cancel()
                await asyncio.gather(life, return_exceptions=True)
                await delivery.close()

    def audit(self, ended: str) -> None:
        """What is left in Discord after a life in peace."""
        shown = self.discord.results(self.request)
        assert len(shown) == (1 if ended == "told" else 0), [m.content for m in shown]
        for message in self.discord.messages.values():
            assert "saving it" not in message.content
            assert "keep trying" not in message.content


def in_peace(_: FakeDiscord) -> None:
    """Everything is taken."""


def no_reference(there: FakeDiscord) -> None:
    there.refuse(HERE, code=160002, reference=True)


def too_large(there: FakeDiscord) -> None:
    there.refuse(HERE, status=413, code=40005, times=2)


def closed(there: FakeDiscord) -> None:
    there.refuse(HERE)


def no_files_at_all(there: FakeDiscord) -> None:
    there.refuse(HERE, files=True)
    there.refuse(HERE, "PATCH", files=True)


def closed_everywhere(there: FakeDiscord) -> None:
    no_files_at_all(there)
    there.refuse(DIRECT, code=50007)


def gone(there: FakeDiscord) -> None:
    there.messages.clear()
    for method in ("POST", "PATCH", "GET", "DELETE"):
        there.refuse(HERE, method, status=404, code=10003)


def a_storm(there: FakeDiscord) -> None:
    there.refuse(HERE, status=502, code=0, times=2)
    there.refuse(HERE, "DELETE", status=502, code=0, times=1)


WORLDS: dict[Callable[[FakeDiscord], None], tuple[str, int]] = {
    in_peace: ("told", HERE),
    no_reference: ("told", HERE),
    too_large: ("told", HERE),
    closed: ("told", HERE),
    no_files_at_all: ("told", DIRECT),
    closed_everywhere: ("held", 0),
    gone: ("told", DIRECT),
    a_storm: ("told", HERE),
}


# Dozens of deaths each; those that go furthest up the ladder are in every run.
DEADLY = [
    pytest.param(
        world, marks=() if world in (no_files_at_all, closed_everywhere) else pytest.mark.slow
    )
    for world in WORLDS
]


@asynccontextmanager
async def a_ladder(folder: Path, world: Callable[[FakeDiscord], None]) -> AsyncIterator[Ladder]:
    ladder = Ladder(folder)
    await ladder.prepare()
    world(ladder.discord)
    try:
        yield ladder
    finally:
        failpoints.listen(lambda _: None)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
async def test_it_is_shown_once_in_the_first_place_that_takes_it_or_held(
    tmp_path: Path, world: Callable[[FakeDiscord], None]
) -> None:
    ended, place = WORLDS[world]
    async with a_ladder(tmp_path / "ladder", world) as ladder:
        assert await ladder.live() == ended
        ladder.audit(ended)
        assert [m.place for m in ladder.discord.results(ladder.request)] == [place][
            : ended == "told"
        ]


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("world", DEADLY, ids=lambda world: world.__name__)
async def test_a_death_at_any_call_to_discord_shows_it_once_all_the_same(
    tmp_path: Path, world: Callable[[FakeDiscord], None], late: bool
) -> None:
    ended, _ = WORLDS[world]
    for call in range(1, 60):
        async with a_ladder(tmp_path / str(call), world) as ladder:
            ladder.discord.dies_at, ladder.discord.late = call, late
            died = await ladder.live() == "dead"
            assert not died or await ladder.live() == ended
            ladder.audit(ended)
        if not died:
            assert call > 2
            return
    raise AssertionError("it never comes to an end")


@pytest.mark.parametrize("world", DEADLY, ids=lambda world: world.__name__)
async def test_a_death_at_any_instant_of_the_database_shows_it_once_all_the_same(
    tmp_path: Path, world: Callable[[FakeDiscord], None]
) -> None:
    ended, _ = WORLDS[world]
    for moment in range(1, 60):
        async with a_ladder(tmp_path / str(moment), world) as ladder:
            passed: list[str] = []

            def die(name: str, passed: list[str] = passed, moment: int = moment) -> None:
                passed.append(name)
                if len(passed) == moment:
                    raise Death

            failpoints.listen(die)
            died = await ladder.live() == "dead"
            failpoints.listen(lambda _: None)
            assert not died or await ladder.live() == ended, passed
            ladder.audit(ended)
        if len(passed) < moment:
            assert "delivering.committed" in passed
            return
    raise AssertionError("it never comes to an end")


async def test_what_is_held_waits_longer_each_time_and_is_shown_when_it_may_be(
    tmp_path: Path,
) -> None:
    async with a_ladder(tmp_path / "ladder", closed_everywhere) as ladder:
        assert await ladder.live() == "held"
        calls = ladder.discord.calls
        waits: list[float] = []
        async with opened(ladder.folder / "db.sqlite3") as database:
            tickets = Tickets(database)
            for _ in range(6):
                due = await tickets.next_due()
                assert due is not None
                waits.append(due - ladder.now)
                ladder.now = due
                await tickets.hold(ladder.request, "closed", at=ladder.now)
        assert waits == sorted(waits)
        assert waits[0] >= 600.0
        assert waits[-1] >= 86_400.0
        assert ladder.discord.calls == calls
        ladder.discord.rules.clear()
        assert await ladder.live() == "told"
        ladder.audit("told")
        assert ladder.progress not in ladder.discord.messages


async def test_events_and_questions_never_make_a_hammer_of_it(tmp_path: Path) -> None:
    async with (
        a_ladder(tmp_path / "ladder", in_peace) as ladder,
        opened(ladder.folder / "db.sqlite3") as database,
    ):
        tickets, tries = Tickets(database), 0
        for second in range(3600):
            now = NOON + second
            if ladder.request in await tickets.due(now):
                tries += 1
                await tickets.hold(ladder.request, "closed", at=now)
            if second % 10 == 0:
                await tickets.sooner([ladder.request], now=now)
        assert 5 <= tries <= 15
