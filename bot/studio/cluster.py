"""The machines beside this one: their seats join the studio when they come and leave when they go.

The invariant: without the setting `cluster` nothing here runs, and nothing of Ray is ever loaded by
this process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.dispatch.meanwhile import meanwhile
from bot.dispatch.seats import WorkerSeat
from bot.settings import Settings
from bot.studio.studio import Studio
from generation.catalog.catalog import Catalog
from generation.fleet.cluster.roster import Cluster, Joined, Left
from generation.fleet.cluster.weights_server import WeightsServer
from generation.fleet.worker import Worker

log = logging.getLogger(__name__)

# A seat by its name, for a worker.
Furnish = Callable[[str, Worker], WorkerSeat]


@asynccontextmanager
async def follow_cluster(
    settings: Settings, catalog: Catalog, digests: Path, studio: Studio, make_seat: Furnish
) -> AsyncIterator[None]:
    """Follow the cluster of the settings, if they name one, while the block runs."""
    if settings.cluster is None:
        yield
        return
    server = WeightsServer(catalog, digests, port=settings.cluster_port)
    cluster = Cluster(settings.cluster, server.open, bound=settings.cluster_cache_gib * 2**30)
    try:
        async with meanwhile(_follow(cluster, studio, make_seat), "cluster"):
            yield
    finally:
        await cluster.close()
        await server.close()


async def _follow(cluster: Cluster, studio: Studio, make_seat: Furnish) -> None:
    seats: dict[Worker, WorkerSeat] = {}
    while True:
        try:
            async for change in cluster.changes():
                match change:
                    case Joined(worker=worker):
                        seats[worker] = make_seat(worker.name, worker)
                        studio.join(seats[worker])
                    case Left(worker=worker):
                        studio.leave(seats.pop(worker))
            return
        except Exception:
            log.exception("the cluster cannot be followed; this machine draws on")
            await asyncio.sleep(30.0)
