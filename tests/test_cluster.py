"""Claims about a real Ray cluster: a head and two nodes, as processes on this machine.

`make test-cluster` runs them; without the extra `cluster` they are skipped.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from bot.app import BUILT_IN, open_app
from bot.cli.direct import ConsoleAudience
from bot.dispatch.audience import Progress
from bot.settings import Settings
from bot.telemetry.events import Event, Picked
from generation.catalog.catalog import Catalog
from generation.errors import Cancelled, WorkerDied
from generation.fleet.cluster.roster import Cluster, Joined, Left, RayWorker
from generation.fleet.cluster.weights_server import WeightsServer
from generation.fleet.local import LocalWorker
from generation.fleet.wire import Drawn, Finished, Render, Report, Stepped
from generation.fleet.worker import Worker
from generation.job import JobId
from tests.given.apps import a_wish
from tests.given.builders import a_recipe
from tests.given.ray_nodes import RayNode, RayNodes, freeze, thaw

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="Ray's clusters run on Linux"),
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="the extra `cluster` is not installed"
    ),
]

SCRIPTED = (sys.executable, str(Path(__file__).parent / "given" / "scripted_worker.py"))
LONG = 60.0  # seconds that anything may take on a busy machine


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayNodes]:
    nodes = RayNodes(tmp_path_factory.mktemp("ray"))
    yield nodes
    nodes.end()


@dataclass
class Bot:
    """The bot's side of the cluster."""

    nodes: RayNodes
    cluster: Cluster
    catalog: Catalog
    server: WeightsServer
    joined: list[RayWorker]
    left: list[RayWorker]

    async def seats(self, count: int) -> list[RayWorker]:
        """The living seats, once there are so many."""
        await until(lambda: len(self.here()) == count)
        return self.here()

    def here(self) -> list[RayWorker]:
        return [worker for worker in self.joined if worker not in self.left]

    def order(self, job: int, prompt: str = "picture", **recipe: object) -> Render:
        weights = recipe.pop("checkpoint", None) or self.catalog.models()[0].weights
        return Render(
            job=JobId(job),
            recipe=a_recipe(checkpoint=weights, prompt=prompt, **recipe),
            inputs=(),
            preview_every=0,
        )


Open = Callable[..., contextlib.AbstractAsyncContextManager[Bot]]


@pytest.fixture
def bot(nodes: RayNodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, nodes.env[name])

    @contextlib.asynccontextmanager
    async def opened(
        program: tuple[str, ...] = SCRIPTED, models: Path | None = None, patience: float = 30.0
    ) -> AsyncIterator[Bot]:
        folders = (models, BUILT_IN) if models else (BUILT_IN,)
        catalog = Catalog(folders, tmp_path / "digests.json")
        catalog.scan()
        server = WeightsServer(catalog, tmp_path / "digests.json")
        cluster = Cluster(
            nodes.address,
            server.open,
            bound=2**30,
            patience=patience,
            program=program,
            env={"RAY_gcs_rpc_server_reconnect_timeout_s": "3"},
        )
        side = Bot(nodes, cluster, catalog, server, [], [])
        following = asyncio.create_task(follow(side))
        try:
            yield side
        finally:
            await cluster.close()
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            await server.close()

    return opened


async def follow(bot: Bot) -> None:
    async for change in bot.cluster.changes():
        match change:
            case Joined(worker=worker):
                bot.joined.append(worker)
            case Left(worker=worker):
                bot.left.append(worker)


async def until(true: Callable[[], bool], limit: float = LONG) -> None:
    async with asyncio.timeout(limit):
        while not true():  # noqa: ASYNC110  # what is waited for happens in other processes
            await asyncio.sleep(0.05)


async def drawn(worker: Worker, order: Render) -> list[Report]:
    return [report async for report in worker.render(order)]


async def drawn_here(order: Render, models: Path, folder: Path) -> Finished:
    """The same by a worker of this machine."""
    worker = LocalWorker((models,), folder / "here.json", "cpu")
    await worker.start()
    try:
        last = (await drawn(worker, order))[-1]
    finally:
        await worker.stop()
    assert isinstance(last, Finished)
    return last


async def ended(stream: AsyncIterator[Report]) -> None:
    async for _ in stream:
        pass


def two_nodes(nodes: RayNodes) -> None:
    """Two living nodes with a seat each."""
    living = [node for node in nodes.nodes[1:] if node.process.is_running()]
    for node in living:
        if node.seats != 1 or node in living[2:]:  # left by a test that failed
            node.kill()
    for _ in range(2 - len([node for node in living if node.process.is_running()])):
        nodes.add()


def home_of(worker: RayWorker, nodes: RayNodes) -> RayNode:
    """The node on which a worker lives, told by its child process."""
    wanted = worker.node
    return next(n for n in nodes.nodes[1:] if n.process.is_running() and n.find(wanted))


def workers_on(node: RayNode) -> list[psutil.Process]:
    """What draws there: the actor and its child."""
    return node.find("ray::Host") + node.find("generation.worker") + node.find("scripted_worker")


async def test_nodes_that_join_become_seats_and_all_of_them_draw(
    nodes: RayNodes, bot: Open
) -> None:
    two_nodes(nodes)
    async with bot() as side:
        one, other = await side.seats(2)
        await asyncio.gather(one.start(), other.start())
        for job in range(3):
            both = await asyncio.gather(
                drawn(one, side.order(job)), drawn(other, side.order(job + 100))
            )
            for reports in both:
                assert [type(r) for r in reports] == [Stepped, Drawn, Finished]
        assert one.ready is not None
        assert one.ready.environment.hardware == "scripted"
        nodes.add()
        third = (await side.seats(3))[-1]
        await third.start()
        assert len(await drawn(third, side.order(9))) == 3
        home_of(third, nodes).kill()
        await until(lambda: side.left == [third])
        with pytest.raises(WorkerDied, match="left the cluster"):
            await third.start()
        assert len(await drawn(one, side.order(10))) == 3  # the others did not notice


async def test_a_cancelled_job_ends_and_the_seat_goes_on(nodes: RayNodes, bot: Open) -> None:
    two_nodes(nodes)
    async with bot() as side:
        worker = (await side.seats(2))[0]
        await worker.start()
        stream = worker.render(side.order(1, "wait"))
        assert isinstance(await anext(stream), Stepped)
        await worker.pause(JobId(1))
        await worker.resume(JobId(1))
        await worker.cancel(JobId(1))
        with pytest.raises(Cancelled):
            await anext(stream)
        assert len(await drawn(worker, side.order(2))) == 3


async def test_a_wish_is_granted_although_its_node_is_killed_in_mid_job(
    nodes: RayNodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole bot, with a queue, leases and storage; no seat but those of the cluster."""
    two_nodes(nodes)
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, nodes.env[name])
    settings = Settings(data=tmp_path / "data", assist="off", cluster=nodes.address, cluster_port=0)
    seen: list[Event] = []
    killed: list[RayNode] = []

    def picked() -> list[str]:
        return [event.seat for event in seen if isinstance(event, Picked)]

    def kill_who_draws(standing: Progress) -> None:
        if standing.step and not killed:
            node = picked()[-1].split("/")[1]
            killed.append(next(n for n in nodes.nodes[1:] if n.find(node)))
            killed[0].kill()

    wish = a_wish("a red flower", draft={"steps": 60})
    async with open_app(settings, workers=(), watch=seen.append) as app:
        console = ConsoleAudience(app.studio)
        async with app.at_work(console):
            outcome = await console.draw(wish, kill_who_draws)
        (picture,) = outcome.pictures
    first, second = picked()
    assert first != second
    order = Render(job=JobId(1), recipe=picture.recipe, inputs=(), preview_every=0)
    here = await drawn_here(order, BUILT_IN, tmp_path)
    assert picture.pixels_sha256 == here.pixels_sha256
    assert picture.latents_sha256 == here.latents_sha256


@pytest.mark.parametrize("whom", ["scripted_worker", "ray::Host"])
async def test_a_killed_worker_is_noticed_at_once_and_its_seat_is_soon_as_good_as_new(
    nodes: RayNodes, bot: Open, whom: str
) -> None:
    two_nodes(nodes)
    async with bot() as side:
        worker = (await side.seats(2))[0]
        await worker.start()
        stream = worker.render(side.order(1, "wait"))
        await anext(stream)
        home_of(worker, nodes).find(whom)[0].kill()
        how = "SIGKILL" if whom == "scripted_worker" else "the way to it is gone"
        with pytest.raises(WorkerDied, match=how):
            await ended(stream)
        await worker.start()
        assert len(await drawn(worker, side.order(2))) == 3


async def test_a_node_that_hangs_is_given_up_and_what_it_says_late_is_not_heard(
    nodes: RayNodes, bot: Open
) -> None:
    two_nodes(nodes)
    async with bot(patience=6.0) as side:
        one, other = await side.seats(2)
        await asyncio.gather(one.start(), other.start())
        stream = one.render(side.order(1, "wait"))
        await anext(stream)
        frozen = workers_on(home_of(one, nodes))
        assert len(frozen) == 2
        freeze(frozen)
        with pytest.raises(WorkerDied, match="no answer for 6 s"):
            await anext(stream)
        assert len(await drawn(other, side.order(2))) == 3
        thaw(frozen)  # it comes back after its job was given to another
        await asyncio.to_thread(psutil.wait_procs, frozen, LONG)
        assert not any(process.is_running() for process in frozen)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        await one.start()
        assert len(await drawn(one, side.order(3))) == 3


async def test_weights_that_a_node_lacks_are_fetched_once_for_all_its_seats(
    nodes: RayNodes, bot: Open, tmp_path: Path
) -> None:
    two_nodes(nodes)
    model = a_model_of_the_owner(tmp_path)
    nodes.add(seats=2)
    async with bot(models=model.parent) as side:
        everybody = await side.seats(4)
        seats = [w for w in everybody if sum(w.node == other.node for other in everybody) == 2]
        wanted = side.catalog.find("dreamer").weights
        await asyncio.gather(*(worker.start() for worker in seats))
        order = side.order(1, checkpoint=wanted)
        both = await asyncio.gather(
            drawn(seats[0], order), drawn(seats[1], replace(order, job=JobId(2)))
        )
        assert [type(reports[-1]) for reports in both] == [Finished, Finished]
        files = [f for f in model.rglob("*") if f.is_file() and f.name != "atelier.toml"]
        assert side.server.given == len(files)
        home = home_of(seats[0], nodes)
        cached = nodes.cache_of(home) / "weights" / wanted.sha256
        assert len([f for f in cached.rglob("*") if f.is_file()]) == len(files) + 1
    home.kill()


async def test_each_card_of_a_node_is_a_seat_that_sees_no_other_card(
    nodes: RayNodes, bot: Open
) -> None:
    """The cards are only said to be there: what is claimed is who gets which."""
    two_nodes(nodes)
    node = nodes.add(seats=0, gpus=2)
    async with bot() as side:
        seats = [worker for worker in await side.seats(4) if "gpu" in worker.name]
        await asyncio.gather(*(worker.start() for worker in seats))
        workers = node.find("scripted_worker")
        assert all("--device cuda" in " ".join(worker.cmdline()) for worker in workers)
        seen = sorted(worker.environ()["CUDA_VISIBLE_DEVICES"] for worker in workers)
        assert seen == ["0", "1"]
    node.kill()


async def test_a_picture_with_fetched_weights_is_the_one_that_is_drawn_here(
    nodes: RayNodes, bot: Open, tmp_path: Path
) -> None:
    two_nodes(nodes)
    model = a_model_of_the_owner(tmp_path)
    async with bot(program=(), models=model.parent) as side:
        worker = (await side.seats(2))[0]
        await worker.start()
        order = side.order(1, checkpoint=side.catalog.find("dreamer").weights)
        there = (await drawn(worker, order))[-1]
    here = await drawn_here(order, model.parent, tmp_path)
    assert isinstance(there, Finished)
    assert there.pixels_sha256 == here.pixels_sha256


async def test_when_the_bot_goes_its_workers_on_the_nodes_go_too(
    nodes: RayNodes, bot: Open
) -> None:
    two_nodes(nodes)
    async with bot() as side:
        worker = (await side.seats(2))[0]
        await worker.start()
        node = home_of(worker, nodes)
        there = workers_on(node)
        assert worker.pid is not None
        os.kill(worker.pid, 9)  # as its pipes do when the bot is killed: no goodbye
        _, alive = await asyncio.to_thread(psutil.wait_procs, there, LONG)
        assert alive == []


async def test_the_bot_outlives_the_head_of_the_cluster(nodes: RayNodes, bot: Open) -> None:
    """The last one: it takes the cluster down."""
    two_nodes(nodes)
    async with bot() as side:
        worker = (await side.seats(2))[0]
        await worker.start()
        stream = worker.render(side.order(1, "wait"))
        await anext(stream)
        nodes.head.kill()
        with pytest.raises(WorkerDied):
            await ended(stream)


def a_model_of_the_owner(folder: Path) -> Path:
    """A checkpoint that no node has: the starter with one more word in its card and index."""
    model = folder / "models" / "dreamer"
    shutil.copytree(BUILT_IN / "starter", model)
    index = model / "model_index.json"
    index.write_text(index.read_text() + "\n")
    return model
