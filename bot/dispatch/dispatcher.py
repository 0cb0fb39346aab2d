"""The dispatcher: gives every seat the job whose turn it is, a chunk at a time.

    queue --take--> seat --Stepped, a chunk's worth--> settle, take again:
                                     the same job       it goes on, and never noticed
                                     another one        Pause, then Render or Resume
                    seat --Drawn-->  settle, take again (encoding and saving take no seat)

It decides, and nothing else: one loop per seat asks the fair queue, and what that answers is
carried out as it stands.  What a job goes through is told in `bot.dispatch.lifecycle`, how one is
drawn and kept stands in `bot.dispatch.drawing`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from bot.dispatch.drawing import Drawings
from bot.dispatch.errands import Errands
from bot.dispatch.lifecycle import Lifecycle
from bot.dispatch.seats import Describing, WorkerSeat
from generation.errors import WorkerDied
from generation.fleet.wire import Ready
from generation.job import AnyJob, Errand, Job

log = logging.getLogger(__name__)

MAX_STARTS = 3  # that fail in a row; then others try what fits on this device only


class Dispatcher:
    """Runs the seats.  Whose turn it is never depends on what a clock on a wall tells."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        drawings: Drawings,
        errands: Errands,
        *,
        worker_ready: Callable[[Ready], None],
    ) -> None:
        self._queue, self._seats = lifecycle.queue, lifecycle.seats
        self._jobs, self._drawings, self._errands = lifecycle, drawings, errands
        self._worker_ready = worker_ready

    async def serve(self, seat: WorkerSeat) -> None:
        """Keep one seat busy, until it is gone."""
        # A machine that comes back under its old name: the jobs that it had are put back first.
        while (before := self._seats.find(seat.id)) is not None:
            await before.over.wait()
        self._seats.add(seat)
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    await self._make_ready(seat)
                    if seat.gone:
                        return
                    await self._drawings.saver.room()
                    if seat.gone or seat.worker.ready is None:
                        continue  # that took a while
                    await self._decide(seat, tasks)
                    await seat.news.wait()
                    seat.news.clear()
        finally:
            for drawing in seat.drawings():  # of tasks that were cancelled before their first step
                self._drawings.abandon(seat, drawing)
            self._seats.remove(seat)
            self._queue.dismiss(seat.id)
            self._seats.look()  # what only this one could draw is now for the others to try

    async def _make_ready(self, seat: WorkerSeat) -> None:
        failed = 0
        while seat.worker.ready is None:
            # Its jobs hear of the death too; until all are put back, none may be taken again.
            while seat.running is not None or seat.parked:
                await seat.news.wait()
                seat.news.clear()
            if seat.gone:
                return
            try:
                asked = time.monotonic()
                ready = await seat.worker.start()
            except WorkerDied as death:
                log.error("the worker of %s did not start: %s", seat.id, death.reason)
                failed += 1
                if failed >= MAX_STARTS:
                    # What fits only here is not to wait for a device that is never ready.
                    seat.memory = 0.0
                    self._seats.look()
                # start() waits longer after each failure; this is for one that fails at once.
                await asyncio.sleep(0.5)
            else:
                seat.starting = time.monotonic() - asked
                seat.memory, seat.prefetched = ready.memory_bytes, None
                self._worker_ready(ready)

    async def _decide(self, seat: WorkerSeat, tasks: asyncio.TaskGroup) -> None:
        """Ask the queue, and carry out what it says."""
        before = seat.running
        if before is not None:
            if isinstance(before, Describing) or not seat.at_boundary:
                return
            self._jobs.paid(seat, before, left=before.left)
        seat.at_boundary = seat.recheck = False
        job = self._queue.take(seat, time.monotonic())
        if before is None or job is None or job.id != before.job.id:
            await self._change(seat, job, tasks)
        if job is not None:
            await self._look_ahead(seat)

    async def _change(self, seat: WorkerSeat, job: AnyJob | None, tasks: asyncio.TaskGroup) -> None:
        """Let another job have the device."""
        # The books first, all of them: a pipe can be slow, and whatever happens meanwhile (a
        # cancellation, a death, the end of either job) must find every job where it belongs.
        paused = self._jobs.paused(seat) if seat.running is not None else None
        resumed = job if isinstance(job, Job) and job.id in seat.parked else None
        if resumed is not None:
            self._jobs.resumed(seat, resumed)
        elif isinstance(job, Errand):
            self._errands.begin(seat, job, tasks)
        elif job is not None:
            self._drawings.begin(seat, job, tasks)
        if paused is not None:
            await seat.worker.pause(paused.id)
        if resumed is not None:
            await seat.worker.resume(resumed.id)

    async def _look_ahead(self, seat: WorkerSeat) -> None:
        """Have the next job's weights read while this one is drawn."""
        coming = self._queue.soon(seat, time.monotonic())
        if not isinstance(coming, Job):
            return  # a captioner is read when it is its turn
        if coming.needs == seat.prefetched or seat.is_warm(coming.needs):
            return
        seat.prefetched = coming.needs
        if coming.needs not in seat.worker.holding.in_memory:
            await seat.worker.prefetch(coming.recipe)
