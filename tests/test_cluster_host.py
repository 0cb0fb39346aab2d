"""Claims about the far end of the line, without Ray: a host, its worker, and weights it lacks."""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from generation.catalog.catalog import Catalog
from generation.fleet.cluster.source import WeightsAddress
from generation.fleet.cluster.weights_server import WeightsServer
from generation.fleet.wire import (
    Cancel,
    Drawn,
    Failed,
    Finished,
    Frame,
    Heard,
    Order,
    Pause,
    Ping,
    Prefetch,
    Ready,
    Render,
    Resume,
    Stepped,
    Stop,
    encode,
    read,
)
from generation.job import JobId
from generation.recipe import Weights
from tests.given.bad_cable import BadCable
from tests.given.builders import a_digest, a_model_folder, a_recipe
from tests.given.waiting import eventually

if sys.platform == "win32":
    pytest.skip("nodes of a cluster run on Linux", allow_module_level=True)

from generation.fleet.cluster.cache import Pinned
from generation.fleet.cluster.host import END, FRAME, Host, cache_folder

SCRIPTED = (sys.executable, str(Path(__file__).parent / "given" / "scripted_worker.py"))
LONG = 60.0  # seconds; only what hangs takes longer


class Line:
    """A host, and everything that it has said."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.frames: list[Frame] = []
        self.lines = b""
        self.status: int | None = None
        self._news = asyncio.Condition()

    async def listen(self) -> None:
        async for item in self.host.reports():
            async with self._news:
                if item[:1] == FRAME:
                    self.frames.append(read(io.BytesIO(item[1:])))
                elif item[:1] == END:
                    self.status = int(item[1:])
                else:
                    self.lines += item[1:]
                self._news.notify_all()

    async def say(self, order: Order) -> None:
        await self.host.take(encode(order))

    async def hear(self, kind: type[Frame], count: int = 1) -> None:
        """Until so many frames of this kind have come."""
        async with asyncio.timeout(LONG), self._news:
            await self._news.wait_for(
                lambda: sum(isinstance(frame, kind) for frame in self.frames) >= count
            )

    async def end(self) -> None:
        async with asyncio.timeout(LONG), self._news:
            await self._news.wait_for(lambda: self.status is not None)


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """The bot's catalog, with one model that no node has."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "node"))
    catalog = Catalog([a_model_folder(tmp_path / "owner", "dreamer").parent], tmp_path / "d.json")
    catalog.scan()
    return catalog


@pytest.fixture
async def door(owner: Catalog, tmp_path: Path) -> AsyncIterator[WeightsAddress]:
    server = WeightsServer(owner, tmp_path / "d.json")
    yield await server.open("127.0.0.1")
    await server.close()


@asynccontextmanager
async def a_line(
    url: str, token: str = "", *, bound: int = 2**30, program: Sequence[str] = SCRIPTED
) -> AsyncIterator[Line]:
    line = Line(Host("cpu", (), url, token, bound, program))
    listening = asyncio.create_task(line.listen())
    try:
        await eventually(lambda: line.host._child is not None)
        yield line
    finally:
        await line.say(Stop())
        await asyncio.wait_for(listening, LONG)


def an_order(owner: Catalog, job: int = 1, prompt: str = "picture") -> Render:
    weights = owner.find("dreamer").weights
    recipe = a_recipe(checkpoint=weights, prompt=prompt)
    return Render(job=JobId(job), recipe=recipe, inputs=(), preview_every=0)


async def test_a_render_waits_for_its_weights_and_a_ping_does_not(
    owner: Catalog, door: WeightsAddress
) -> None:
    cable = BadCable(door.url, ["cut 0"] * 4)
    async with cable.laid() as url, a_line(url, door.token) as line:
        await line.say(an_order(owner))
        await line.say(Ping())
        await line.hear(Finished)
        kinds = [type(frame).__name__ for frame in line.frames]
        assert kinds.index("Heard") < kinds.index("Stepped")
        assert cable.connections > 4


async def test_weights_are_held_until_the_job_has_ended(
    owner: Catalog, door: WeightsAddress
) -> None:
    async with a_line(door.url, door.token) as line:
        order = an_order(owner, prompt="wait")
        await line.say(order)
        await line.hear(Stepped)
        held = line.host._cache
        held.discard(order.recipe.checkpoint.sha256)
        assert (held.weights / order.recipe.checkpoint.sha256).is_dir()
        await line.say(Cancel(job=order.job))
        await line.hear(Failed)
        held.discard(order.recipe.checkpoint.sha256)
        assert not (held.weights / order.recipe.checkpoint.sha256).exists()


async def test_a_job_that_is_cancelled_while_its_weights_come_ends_at_once(
    owner: Catalog,
) -> None:
    async with a_line("http://127.0.0.1:1") as line:
        await line.say(an_order(owner))
        await eventually(lambda: JobId(1) in line.host._stops)
        await line.say(Cancel(job=JobId(1)))
        await line.hear(Failed)
        assert line.frames[-1] == Failed(job=JobId(1), kind="Cancelled", facts=())


async def test_a_pause_that_overtakes_the_weights_reaches_the_worker_after_the_job(
    owner: Catalog, door: WeightsAddress, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    program = (sys.executable, "-c", f"import sys\n{TAPE}", str(seen))
    async with a_line(door.url, door.token, program=program) as line:
        order = an_order(owner)
        for each in (order, Pause(job=order.job), Resume(job=order.job)):
            await line.say(each)
        await eventually(lambda: seen.exists() and b'"Resume"' in seen.read_bytes())
    with seen.open("rb") as tape:
        heard = [read(tape) for _ in range(4)]
    assert heard == [order, Pause(job=order.job), Resume(job=order.job), Stop()]


TAPE = """
with open(sys.argv[1], "wb") as tape:
    while data := sys.stdin.buffer.read1(65536):
        tape.write(data)
        tape.flush()
        if b'"Stop"' in data:
            break
"""


async def test_prefetched_weights_need_no_second_journey(
    owner: Catalog, door: WeightsAddress
) -> None:
    cable = BadCable(door.url, [])
    async with cable.laid() as url, a_line(url, door.token) as line:
        await line.say(Prefetch(recipe=an_order(owner).recipe))
        place = cache_folder() / "weights" / owner.find("dreamer").weights.sha256
        await eventually(place.is_dir)
        journeys = cable.connections
        await line.say(an_order(owner))
        await line.hear(Finished)
        assert cable.connections == journeys


async def test_a_hint_waits_until_nobody_waits_for_weights(
    owner: Catalog, door: WeightsAddress, tmp_path: Path
) -> None:
    a_model_folder(tmp_path / "owner", "later")
    owner.scan()
    async with a_line(door.url, door.token) as line:
        fetched, obtain = [], line.host._cache.obtain

        def note(weights: Weights, *given: Any) -> Pinned:
            fetched.append(weights.name)
            return obtain(weights, *given)

        line.host._cache.obtain = note  # type: ignore[assignment, method-assign]
        later = a_recipe(checkpoint=owner.find("later").weights)
        await line.say(Prefetch(recipe=later))  # as the bot does: just before the order
        await line.say(an_order(owner))
        await line.hear(Finished)
        place = cache_folder() / "weights" / later.checkpoint.sha256
        async with asyncio.timeout(LONG):
            while not place.is_dir():  # noqa: ASYNC110  # nobody says so
                await asyncio.sleep(0.02)
        assert fetched == ["dreamer", "later"]


async def test_weights_that_the_owner_of_the_node_put_there_are_used(
    owner: Catalog, tmp_path: Path
) -> None:
    own = cache_folder() / "own"
    shutil.copytree(tmp_path / "owner", own / "mine")
    async with a_line("http://127.0.0.1:1") as line:  # there is nobody to ask
        await line.say(an_order(owner))
        await line.hear(Finished)


async def test_weights_that_nobody_has_end_the_job_and_not_the_seat(
    owner: Catalog, door: WeightsAddress
) -> None:
    async with a_line(door.url, door.token) as line:
        missing = Weights(name="gone", sha256=a_digest("b"))
        recipe = a_recipe(checkpoint=missing)
        await line.say(Render(job=JobId(1), recipe=recipe, inputs=(), preview_every=0))
        await line.hear(Failed)
        failed = Failed(job=JobId(1), kind="MissingWeights", facts=("gone", missing.sha256))
        assert line.frames[-1] == failed
        await line.say(an_order(owner, job=2))
        await line.hear(Drawn)


async def test_a_node_without_room_ends_the_job_in_a_sentence(
    owner: Catalog, door: WeightsAddress
) -> None:
    async with a_line(door.url, door.token, bound=10) as line:
        await line.say(an_order(owner))
        await line.hear(Failed)
        assert isinstance(line.frames[-1], Failed)
        assert line.frames[-1].kind == "OutOfReach"  # others may have room


async def test_a_seat_whose_bot_gives_no_weights_leaves_the_job_to_others_and_goes_on(
    owner: Catalog,
) -> None:
    async with a_line("http://127.0.0.1:1") as line:
        line.host._cache.give_up = 0.2
        await line.hear(Ready)
        await line.say(Prefetch(recipe=an_order(owner).recipe))  # a hint: nobody hears of it
        await line.say(an_order(owner))
        await line.hear(Failed)
        assert [type(frame) for frame in line.frames] == [Ready, Failed]
        assert isinstance(line.frames[-1], Failed)
        assert line.frames[-1].kind == "OutOfReach"
        await line.say(Ping())
        await line.hear(Heard)


async def test_a_disk_that_cannot_be_written_leaves_the_job_to_others(
    owner: Catalog, door: WeightsAddress
) -> None:
    async with a_line(door.url, door.token) as line:
        parts = cache_folder() / "parts"
        parts.rmdir()
        parts.symlink_to("/dev/full")
        await line.say(an_order(owner))
        await line.hear(Failed)
        assert isinstance(line.frames[-1], Failed)
        assert line.frames[-1].kind == "OutOfReach"


async def test_a_cancellation_that_comes_just_after_the_weights_reaches_the_worker(
    owner: Catalog, door: WeightsAddress
) -> None:
    async with a_line(door.url, door.token) as line:
        order = an_order(owner, prompt="wait")
        have = line.host._have

        async def have_and_hear(*given: Any) -> list[Pinned]:
            held = await have(*given)
            await line.say(Cancel(job=order.job))
            return held

        # The moment in between.
        line.host._have = have_and_hear  # type: ignore[assignment, method-assign]
        await line.say(order)
        await line.hear(Failed)
        assert line.frames[-1] == Failed(job=order.job, kind="Cancelled", facts=())


async def test_how_the_worker_ended_is_the_last_word(owner: Catalog, door: WeightsAddress) -> None:
    async with a_line(door.url, door.token) as line:
        await line.say(an_order(owner, prompt="die"))
        await line.end()
        assert line.status == -9
