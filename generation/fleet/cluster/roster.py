"""Who is in the cluster, seen from the bot: seats that join, and seats that leave.

    async for change in cluster.changes():
        match change:
            case Joined(worker=worker): ...   a seat like any other: start it, give it work
            case Left(worker=worker): ...     its job has raised WorkerDied; forget it

The invariant: a node joins only when it draws as this machine does (`versions`); and when a seat is
said to have left, its worker is stopped for good.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from generation.errors import WorkerDied
from generation.fleet.cluster import versions
from generation.fleet.cluster.source import TOKEN, URL, WeightsAddress
from generation.fleet.lines import Lines
from generation.fleet.local import LocalWorker
from generation.fleet.wire import Ready

log = logging.getLogger(__name__)

LOOKOUT = (sys.executable, "-m", "generation.fleet.cluster.lookout")
RELAY = (sys.executable, "-m", "generation.fleet.cluster.relay")

# How a relay ends that has lost the node: sysexits.h calls 69 "unavailable", and Ray itself ends a
# process with 1 that has lost its cluster.
GONE = 69
LOST = (GONE, 1)

FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0  # seconds until a lookout that ended is sent again
POLITE = 5.0  # seconds between the end of its stdin and SIGKILL
MEND = (
    "bring it to this version (git pull, then pip install -c constraints.txt .[cluster]) "
    "and start Ray there again"
)

TWICE = (
    "Ray offers its cards, on which the bot has workers of its own; stop Ray here and start it "
    "again with --num-gpus=0, or memory for one job is asked for twice"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A machine that offers seats, as the lookout saw it."""

    id: str  # new with each start of Ray there
    address: str
    gpus: int
    seats: int  # on its processor
    versions: str  # as `versions.say` says; "" when it could not
    trouble: str  # why it could not


class RayWorker(LocalWorker):
    """A `Worker` on a node: the local process is a relay that ends when the worker there does."""

    def __init__(
        self,
        name: str,
        node: str,
        device: str,
        relay: Sequence[str],
        env: Mapping[str, str],
        *,
        silence: float,
        patience: float,
    ) -> None:
        super().__init__(
            (),
            Path("digests.json"),  # in the cache of the node
            device,
            env=env,
            program=relay,
            silence=silence,
            patience=patience,
            gone=LOST,
            log=log.getChild(name.replace(".", "-")),
        )
        self.name, self.node = name, node
        self._left = False

    async def start(self) -> Ready:
        """Start it there.  Raises WorkerDied, at once when its node has left."""
        if self._left:
            raise WorkerDied("its node has left the cluster")
        return await super().start()

    async def leave(self) -> None:
        """Stop for good; what it was drawing raises WorkerDied."""
        self._left = True
        await self.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A seat that may be started."""

    worker: RayWorker


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A seat that is gone, with its node or because it no longer fits."""

    worker: RayWorker


class Cluster:
    """The seats on other machines.

    `address`: Ray's, as in "10.0.0.1:6379"; this machine must be in that cluster.  `open_door` is
    called with this machine's address there, and returns where nodes fetch weights, of which each
    keeps `bound` bytes.  `program` and `lookout`: others, for tests.
    """

    def __init__(
        self,
        address: str,
        open_door: Callable[[str], Awaitable[WeightsAddress]],
        *,
        bound: int,
        silence: float = 600.0,
        patience: float = 30.0,
        program: Sequence[str] = (),
        lookout: Sequence[str] = LOOKOUT,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._command = [*lookout, "--address", address]
        self._address, self._open_door, self._bound = address, open_door, bound
        self._silence, self._patience = silence, patience
        self._program = [word for part in program for word in ("--program", part)]
        self._env = {"RAY_COLOR_PREFIX": "0", **(env or {})}  # what Ray says goes to a log
        self._seats: dict[str, tuple[RayWorker, ...]] = {}  # by the id of their node
        self._refused: set[str] = set()
        self._lookout: asyncio.subprocess.Process | None = None
        self._closed = False

    async def changes(self) -> AsyncIterator[Joined | Left]:
        """What changes in the cluster, until `close`."""
        ours = await asyncio.to_thread(versions.here)
        delay = FIRST_DELAY
        while not self._closed:
            async for here, nodes in self._look():
                delay = FIRST_DELAY
                for change in await self._compare(here, nodes, ours):
                    yield change
            if not self._closed:
                log.warning("the cluster is out of sight; looking again in %.0f s", delay)
                await asyncio.sleep(delay)
                delay = min(2 * delay, LONGEST_DELAY)

    async def close(self) -> None:
        """Stop every seat and look no more."""
        self._closed = True
        if self._lookout is not None:
            await _dismiss(self._lookout)
        await asyncio.gather(*(w.leave() for seats in self._seats.values() for w in seats))
        self._seats.clear()

    async def _look(self) -> AsyncIterator[tuple[str, tuple[Node, ...]]]:
        """What one lookout sees until it ends."""
        pipe = asyncio.subprocess.PIPE
        lookout = self._lookout = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=_environ(self._env),
            limit=4 * 2**20,
        )
        assert lookout.stdout is not None, "it was started with a pipe"
        speaking = asyncio.create_task(_copy_log(lookout))
        try:
            while line := await lookout.stdout.readline():
                said = json.loads(line)
                yield said["here"], tuple(Node(**node) for node in said["nodes"])
        finally:
            await _dismiss(lookout)
            await speaking

    async def _compare(
        self, here: str, nodes: tuple[Node, ...], ours: versions.Versions
    ) -> list[Joined | Left]:
        # First of all: when it cannot be opened, nothing is changed, and the next look tries again.
        door = await self._open_door(here)
        changes: list[Joined | Left] = []
        alive = {node.id for node in nodes}
        for gone in self._seats.keys() - alive:
            for worker in self._seats.pop(gone):
                log.warning("%s has left", worker.name)
                await worker.leave()
                changes.append(Left(worker=worker))
        for node in nodes:
            if node.id in self._seats or node.id in self._refused:
                continue
            if why := _unlike(ours, node):
                self._refused.add(node.id)
                log.error("%s may not draw here: %s; %s", node.address, why, MEND)
                continue
            if node.address == here and node.gpus:
                log.warning("%s is this machine: %s", here, TWICE)
            self._seats[node.id] = self._seats_of(node, door)
            for worker in self._seats[node.id]:
                log.info("%s has joined", worker.name)
                changes.append(Joined(worker=worker))
        return changes

    def _seats_of(self, node: Node, door: WeightsAddress) -> tuple[RayWorker, ...]:
        relay = [*RELAY, "--address", self._address, "--node", node.id]
        relay += ["--bound", str(self._bound), *self._program]
        env = self._env | {URL: door.url, TOKEN: door.token}
        kinds = [("gpu", "cuda", i) for i in range(node.gpus)]
        kinds += [("cpu", "cpu", i) for i in range(node.seats)]
        return tuple(
            RayWorker(
                f"{node.address}/{node.id[:6]}/{kind}{number}",
                node.id,
                device,
                relay,
                env,
                silence=self._silence,
                patience=self._patience,
            )
            for kind, device, number in kinds
        )


def _unlike(ours: versions.Versions, node: Node) -> str:
    """Why the node may not draw with us, as a clause; "" when it may."""
    if node.trouble:
        return f"it could not say its versions ({node.trouble})"
    try:
        return ", ".join(versions.differing(ours, versions.parse(node.versions)))
    except ValueError as error:
        return str(error)


def _environ(more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **more}


async def _dismiss(lookout: asyncio.subprocess.Process) -> None:
    assert lookout.stdin is not None, "it was started with a pipe"
    lookout.stdin.close()
    try:
        await asyncio.wait_for(lookout.wait(), POLITE)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            lookout.kill()
        await lookout.wait()


async def _copy_log(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None, "it was started with a pipe"
    await Lines(_log_line).copy(process.stderr)


def _log_line(text: str) -> None:
    # What is indented is how Ray got there: pages of it.
    log.log(logging.DEBUG if text[0].isspace() else logging.INFO, "%s", text)
