"""The far end of the line, on the node: runs a worker there, and has its weights ready.

    frames from the bot --take--> [weights here?] --> stdin  |                   |
    frames to the bot <--reports------------------- stdout   | generation.worker |
                      <--------------- lines ------ stderr   |                   |

Ray makes an actor of `Host` and does not look inside.  What goes through Ray is bytes: frames of
`generation.fleet.wire`, with one byte before each that says what follows.

The invariant: an order reaches the worker unchanged, and after the orders of the same job that
came before it; a Render, a question or a Prefetch only when the node has the weights, and they
stay on its disk until the job has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import cast

import generation
from generation.catalog.catalog import Catalog
from generation.errors import (
    GenerationError,
    MissingWeights,
    OutOfReach,
    RenderFailed,
    UnusableWeights,
    WeightsChanged,
)
from generation.fleet.cluster.cache import Pinned, WeightsCache
from generation.fleet.cluster.source import Lost, Source
from generation.fleet.wire import (
    Answer,
    BrokenFrame,
    Cancel,
    Describe,
    Failed,
    Finished,
    Frame,
    Loading,
    Order,
    Pause,
    Prefetch,
    Question,
    Render,
    Resume,
    Score,
    encode,
    read,
    read_async,
)
from generation.job import JobId
from generation.recipe import Weights

log = logging.getLogger(__name__)

PACKAGE = Path(generation.__file__).parent
PROGRAM = (sys.executable, "-m", "generation.worker")
LAST_WORDS = 2.0  # seconds that stderr may stay open after the worker's end
TELL_EVERY = 5.0  # seconds between two Loading reports of one fetch
HINT_DELAY = 0.1  # seconds in which the order follows before which the bot gave a hint

FRAME, LINE, END = b"f", b"l", b"x"  # what an item of `reports` is


class Host:
    """One worker on this node, for one bot.

    `device` and `arguments` go to the worker; `url` and `token` are the bot's weights, of which
    `bound` bytes are kept here.
    """

    def __init__(
        self,
        device: str,
        arguments: Sequence[str],
        url: str,
        token: str,
        bound: int,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self._cache = WeightsCache(cache_folder(), Source(url, token), bound=bound)
        folders = (self._cache.own, PACKAGE / "starter" / "models", self._cache.weights)
        self._catalog = Catalog(folders, self._cache.digests)
        self._command = [*program]
        for folder in folders:
            self._command += ["--models", str(folder)]
        self._command += ["--digests", str(self._cache.digests), "--device", device, *arguments]
        self._out: asyncio.Queue[bytes] = asyncio.Queue()
        self._child: asyncio.subprocess.Process | None = None
        self._preparing: dict[JobId, list[Order]] = {}  # with what came for them meanwhile
        self._nobody_waits = asyncio.Event()
        self._nobody_waits.set()
        self._stops: dict[JobId, threading.Event] = {}
        self._held: dict[JobId, list[Pinned]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def reports(self) -> AsyncIterator[bytes]:
        """Start the worker, and say what it says until it ends; the last item is its status.

        Read to the end, it leaves no process and no open pipe behind.
        """
        pipe = asyncio.subprocess.PIPE
        self._child = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
            limit=4 * 2**20,
        )
        listening = self._go(self._listen(self._child))
        while (item := await self._out.get())[:1] != END:
            yield item
        yield item
        await listening  # END can be said before the worker is dead

    async def take(self, data: bytes) -> None:
        """One order from the bot, as a frame."""
        order = cast(Order, read(io.BytesIO(data)))  # the relay passes on nothing else
        match order:
            case Render() | Describe() | Score():
                self._preparing[order.job] = [order]
                self._nobody_waits.clear()
                self._go(self._prepare(order))
            case Prefetch():
                self._go(self._prefetch(order))
            case Cancel() | Pause() | Resume() if order.job in self._preparing:
                if isinstance(order, Cancel):
                    self._stops[order.job].set()  # and the worker is told, should it be too late
                self._preparing[order.job].append(order)
            case _:
                await self._send(order)

    async def _prepare(self, order: Render | Question) -> None:
        """Have the weights here, then hand the order on, and what came after it."""
        stop = self._stops[order.job] = threading.Event()
        waiting = self._preparing[order.job]
        try:
            self._held[order.job] = await self._have(_weights(order), order.job, stop)
            while waiting:
                await self._send(waiting.pop(0))
        except Exception as error:  # whatever it was, the job must hear of its end
            self._say(_failed(order.job, error))
            self._release(order.job)
        finally:
            del self._preparing[order.job], self._stops[order.job]
            if not self._preparing:
                self._nobody_waits.set()

    async def _prefetch(self, order: Prefetch) -> None:
        # One fetch at a time: whoever waits for weights must not wait for those of a later job.
        await asyncio.sleep(HINT_DELAY)
        await self._nobody_waits.wait()
        with contextlib.suppress(GenerationError):  # the job itself will say so
            for held in await self._have(_weights(order), None, threading.Event()):
                held.close()
            await self._send(order)

    async def _have(
        self, wanted: Sequence[Weights], job: JobId | None, stop: threading.Event
    ) -> list[Pinned]:
        """Hold all of these weights, and fetch what is lacking."""
        held: list[Pinned] = []
        loop = asyncio.get_running_loop()
        told = time.monotonic()
        try:
            for weights in wanted:

                def tell(name: str = weights.name) -> None:
                    nonlocal told
                    if job is not None and time.monotonic() - told > TELL_EVERY:
                        told = time.monotonic()
                        loop.call_soon_threadsafe(self._say, Loading(job=job, name=name))

                try:
                    one = await asyncio.to_thread(self._one, weights, stop, tell)
                except (Lost, OSError) as error:
                    # A full disk, a closed port: no fault of the job's, and elsewhere it can be
                    # drawn.
                    raise OutOfReach(weights.name, f"a node cannot get it: {error}") from error
                if one is not None:
                    held.append(one)
            return held
        except BaseException:
            for each in held:
                each.close()
            raise

    def _one(
        self, weights: Weights, stop: threading.Event, tell: Callable[[], None]
    ) -> Pinned | None:
        """Hold one; None when it lies where nobody removes it."""
        held = self._cache.hold(weights.sha256)
        try:
            path = self._catalog.locate(weights)
        except (MissingWeights, WeightsChanged):
            if held is not None:
                held.close()
                self._cache.discard(weights.sha256)  # no longer what it was
            return self._cache.obtain(weights, stop, tell)
        if held is None and self._cache.weights in path.parents:
            return self._cache.obtain(weights, stop, tell)  # fetched a moment ago
        return held

    async def _send(self, order: Order) -> None:
        stdin = self._child.stdin if self._child is not None else None
        if stdin is not None:
            with contextlib.suppress(OSError, RuntimeError):  # its end is on its way up
                stdin.write(encode(order))
                await stdin.drain()

    def _say(self, frame: Frame) -> None:
        self._out.put_nowait(FRAME + encode(frame))

    def _release(self, job: JobId) -> None:
        for held in self._held.pop(job, ()):
            held.close()

    async def _listen(self, child: asyncio.subprocess.Process) -> None:
        """Pass on every report; at the end of stdout, the status."""
        assert child.stdout is not None, "it was started with a pipe"
        lines = asyncio.create_task(self._copy_lines(child))
        try:
            while True:
                frame = await read_async(child.stdout)
                if isinstance(frame, Finished | Answer | Failed):
                    self._release(frame.job)
                self._say(frame)
        except asyncio.IncompleteReadError:
            pass
        except BrokenFrame as error:
            await self._end(f"the worker spoke nonsense: {error}", 1)
        status = await child.wait()
        await asyncio.wait({lines}, timeout=LAST_WORDS)  # a grandchild can hold stderr open
        self._out.put_nowait(END + str(status).encode())

    async def _copy_lines(self, child: asyncio.subprocess.Process) -> None:
        assert child.stderr is not None, "it was started with a pipe"
        while chunk := await child.stderr.read(2**16):
            self._out.put_nowait(LINE + chunk)

    async def _end(self, reason: str, status: int) -> None:
        """Give this seat up."""
        self._out.put_nowait(LINE + f"{reason}\n".encode())
        self._out.put_nowait(END + str(status).encode())
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self._child.kill()

    def _go(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _weights(order: Render | Question | Prefetch) -> Sequence[Weights]:
    """Those that the order needs."""
    return (order.weights,) if isinstance(order, Describe | Score) else order.recipe.weights


def cache_folder() -> Path:
    """Where this machine keeps what it has fetched."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "atelier"


def _failed(job: JobId, error: Exception) -> Failed:
    facts: tuple[str, ...] = ()
    if not isinstance(error, GenerationError):
        error = RenderFailed(f"on the node: {error!r}"[:300])
    match error:
        case RenderFailed():
            facts = (error.reason,)
        case MissingWeights():
            facts = (error.name, error.sha256)
        case UnusableWeights():
            facts = (error.name, error.reason)
    return Failed(job=job, kind=type(error).__name__, facts=facts)
