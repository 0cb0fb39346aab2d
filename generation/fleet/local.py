"""A worker on this machine: a child process, its pipes, and what is done when it dies.

    render() ----- Render --> stdin  |                     |
    render() <---- reports -- stdout |  generation.worker  |
    logging  <---- lines ---- stderr |                     |

The invariant: every `render` ends.  Either the worker ends its job, or the worker is gone and the
job raises WorkerDied at once (the end of its stdout is the news, no timer); a worker that lives
but no longer speaks is killed, which is the same news.

No process is left behind: the worker leaves when its stdin ends, and that happens however this
process ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from pathlib import Path

from generation.errors import WorkerDied
from generation.fleet.process import NOTHING, Limits, Process
from generation.fleet.wire import (
    Answer,
    Cancel,
    Describe,
    Described,
    Failed,
    Finished,
    GiveWay,
    Holding,
    Order,
    Pause,
    Prefetch,
    Question,
    Ready,
    Render,
    Report,
    Resume,
    Score,
    Scored,
    failure,
)
from generation.job import JobId
from generation.recipe import Recipe

PROGRAM = (sys.executable, "-m", "generation.worker")

FIRST_DELAY = 0.5  # seconds before the first start after a death; doubled for each further one
LONGEST_DELAY = 30.0


class LocalWorker:
    """A `Worker` that is a child process.

    `silence`: seconds that a running job may go without any report or piece of work, `stall`: the
    same where weights are there and each block counts; longer when its picture is predicted to
    take long (`generation.fleet.vigil`).  `patience`: seconds that a Ping may go unanswered.
    Beyond any of them, the process is killed.  `gone`: the statuses of a
    program that is only the way to a worker, when it has lost that way.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        digests: Path,
        device: str = "auto",
        *,
        env: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        program: Sequence[str] = PROGRAM,
        silence: float = 600.0,
        stall: float = 120.0,
        patience: float = 30.0,
        gone: Collection[int] = (),
        log: logging.Logger | None = None,
    ) -> None:
        self.device, self.arguments = device, tuple(arguments)
        self._command = [*program]
        for folder in folders:
            self._command += ["--models", str(folder)]
        self._command += ["--digests", str(digests), "--device", device, *arguments]
        self._env = dict(env or {})
        self._limits = Limits(silence=silence, stall=stall, patience=patience)
        self._gone = gone
        self._log = log or logging.getLogger("generation.worker")
        self._starting = asyncio.Lock()
        self._deaths = 0  # since a picture was last finished
        self._live: Process | None = None

    @property
    def ready(self) -> Ready | None:
        """What the worker said of itself; None while there is no live one."""
        live = self._live
        return live.ready if live is not None and live.death is None else None

    @property
    def holding(self) -> Holding:
        """The checkpoints at hand."""
        live = self._live
        if live is None or live.death is not None:
            return NOTHING
        return live.holding

    @property
    def pid(self) -> int | None:
        """The process id of the live worker."""
        live = self._live
        return live.process.pid if live is not None and live.death is None else None

    async def start(self) -> Ready:
        """Start and wait until it can draw; after a death, wait a little longer each time."""
        async with self._starting:
            if (ready := self.ready) is not None:
                return ready
            await self._end()
            if self._deaths:
                delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (self._deaths - 1))
                self._log.info("starting again in %.1f s", delay)
                await asyncio.sleep(delay)
            try:
                live = self._live = await Process.start(
                    self._command, self._env, self._log, self._limits, self._gone
                )
            except OSError as error:
                self._deaths += 1
                raise WorkerDied(f"it cannot be started: {error}") from error
            try:
                return await live.introduced()
            except WorkerDied:
                self._deaths += 1
                raise

    def render(self, order: Render) -> AsyncIterator[Report]:
        """Draw one job: Loading and Stepped as they come, then Drawn, then Finished.

        Several may run at once: the worker draws one at a time, in the order they came.
        """
        return self._reports(order)

    async def describe(self, order: Describe) -> Described:
        """Say what a picture shows, in the same line as what is drawn."""
        async with contextlib.aclosing(self._reports(order)) as reports:
            async for report in reports:
                if isinstance(report, Described):
                    return report
        raise WorkerDied("it ended a job without a word")  # it cannot: `_reports` raises

    async def score(self, order: Score) -> Scored:
        """Say how well words fit a picture, in the same line as what is drawn."""
        async with contextlib.aclosing(self._reports(order)) as reports:
            async for report in reports:
                if isinstance(report, Scored):
                    return report
        raise WorkerDied("it ended a job without a score")  # it cannot: `_reports` raises

    async def _reports(self, order: Render | Question) -> AsyncGenerator[Report, None]:
        live = self._live
        if live is None or live.death is not None or live.ready is None:
            raise WorkerDied("it is not running")
        await live.rid_of(order.job)
        if live.death is not None:
            raise type(live.death)(live.death.reason)
        reports = live.open(order.job)
        over = False
        try:
            await live.send(order)
            while not over:
                report = await reports.get()
                if isinstance(report, WorkerDied):
                    over = True
                    self._count_death(live)
                    raise type(report)(report.reason)
                if isinstance(report, Failed):
                    over = True
                    raise failure(report)
                if isinstance(report, Finished | Answer):
                    over = True
                    self._deaths = 0
                yield report
        finally:
            live.close(order.job)
            if not over and live.death is None:
                # Whoever listened has gone; the device need not go on for nobody.
                with contextlib.suppress(WorkerDied):
                    await live.send(Cancel(job=order.job))

    async def cancel(self, job: JobId) -> None:
        """End the job within one step; its `render` then raises Cancelled."""
        await self._tell(job, Cancel(job=job))

    async def pause(self, job: JobId) -> None:
        """Hold the job at its next step boundary."""
        await self._tell(job, Pause(job=job))

    async def resume(self, job: JobId) -> None:
        """Let a paused job go on."""
        await self._tell(job, Resume(job=job))

    async def prefetch(self, recipe: Recipe) -> None:
        """Have these weights read while something else is drawn."""
        live = self._live
        if live is not None and live.death is None:
            with contextlib.suppress(WorkerDied):
                await live.send(Prefetch(recipe=recipe))

    async def give_way(self, size: int) -> None:
        """Have so many bytes of the device left free while nothing is drawn.  A hint."""
        live = self._live
        if live is not None and live.death is None:
            with contextlib.suppress(WorkerDied):
                await live.send(GiveWay(size=size))

    async def stop(self) -> None:
        """End the worker, politely for a moment and then with SIGKILL."""
        await self._end()

    async def _tell(self, job: JobId, order: Order) -> None:
        live = self._live
        if live is not None and live.death is None and live.knows(job):
            with contextlib.suppress(WorkerDied):  # its render will say so
                await live.send(order)

    def _count_death(self, live: Process) -> None:
        if not live.death_counted:
            live.death_counted = True
            self._deaths += 1

    async def _end(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            if live.death is not None and live.ready is not None:
                self._count_death(live)
            await live.end()
