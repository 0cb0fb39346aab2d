"""The dispatcher: takes the next job from the queue, has a worker draw it, and keeps the result.

    queue --take--> worker --Drawn--> (the seat is free: take the next one)
                          --Finished--> file, then database, then outbox

Invariant: a job that left the queue is either put back, or ends in exactly one of drawn, failed,
cancelled and quarantined, in the database.  A storage that cannot be written for a while (a full
disk) holds pictures back, it does not lose them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

from bot.audience import Audience
from bot.board import Board
from generation.costs import CostModel
from generation.errors import (
    Cancelled,
    GenerationError,
    Quarantined,
    RenderFailed,
    WorkerDied,
)
from generation.fleet import Worker
from generation.fleet.wire import Drawn, Finished, Loading, Ready, Render, Stepped
from generation.job import Job, JobId
from generation.picture import Picture
from generation.queue import FairQueue
from generation.recipe import Sha256
from storage.accounts import Ledger
from storage.errors import Ended, Missing, StorageError
from storage.files import Files
from storage.tickets import State, Tickets

log = logging.getLogger(__name__)

MAX_TRIES = 3  # a job that takes the worker down this often is given up
MAX_UNSAVED = 4  # finished pictures held in memory while storage refuses; then drawing waits
RETRY_SECONDS = (1.0, 5.0, 15.0, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelves:
    """The parts of storage that a dispatcher writes to."""

    tickets: Tickets
    files: Files
    ledger: Ledger


class Dispatcher:
    """One loop per worker seat."""

    def __init__(
        self,
        *,
        queue: FairQueue,
        costs: CostModel,
        board: Board,
        shelves: Shelves,
        audience: Audience,
        clock: Callable[[], float],
        preview_every: int,
        request_ended: Callable[[], None],
        worker_ready: Callable[[Ready], None],
    ) -> None:
        self._queue, self._costs, self._board = queue, costs, board
        self._shelves, self._audience = shelves, audience
        self._clock = clock
        self._preview_every = preview_every
        self._request_ended = request_ended
        self._worker_ready = worker_ready
        self.retry_seconds: Sequence[float] = RETRY_SECONDS
        self._arrived = asyncio.Event()
        self._workers: dict[JobId, Worker] = {}
        self._stopping: set[JobId] = set()  # cancelled before the worker had them
        self._unsaved = asyncio.Semaphore(MAX_UNSAVED)
        self._accounts_dirty = asyncio.Event()

    def arrived(self) -> None:
        """There is something in the queue."""
        self._arrived.set()

    async def cancel(self, job: JobId) -> None:
        """End a running job within one step."""
        if worker := self._workers.get(job):
            self._stopping.add(job)
            await worker.cancel(job)

    async def serve(self, worker: Worker) -> None:
        """Keep one worker busy, for ever."""
        async with asyncio.TaskGroup() as drawing:
            while True:
                job = await self._next(worker)
                seat_free = asyncio.Event()
                drawing.create_task(self._guarded(worker, job, seat_free), name=f"draw {job.id}")
                await seat_free.wait()

    async def save_accounts(self) -> None:
        """Write the fairness state whenever it changed, at most once a second."""
        while True:
            await self._accounts_dirty.wait()
            self._accounts_dirty.clear()
            try:
                await self._shelves.ledger.save(self._queue.accounts())
                await self._shelves.ledger.save_costs(self._costs.dump())
            except StorageError:
                log.exception("the accounts could not be saved; trying again")
                self._accounts_dirty.set()
            await asyncio.sleep(1.0)

    async def _next(self, worker: Worker) -> Job:
        while True:
            while worker.ready is None:
                try:
                    self._worker_ready(await worker.start())
                except WorkerDied as death:
                    log.error("the worker did not start: %s", death.reason)
                    # start() waits longer after each failure; this is for one that fails at once.
                    await asyncio.sleep(0.5)
            async with self._unsaved:
                if (job := self._queue.take()) is not None:
                    self._accounts_dirty.set()
                    return job
            self._arrived.clear()
            if not len(self._queue):
                await self._arrived.wait()

    async def _guarded(self, worker: Worker, job: Job, seat_free: asyncio.Event) -> None:
        """Draw; and if that ends in a bug of ours, let it cost this job and no other."""
        try:
            await self._draw(worker, job, seat_free)
        except Exception:
            log.exception("job %d was dropped by a bug; a restart draws it again", job.id)
            self._close(job.id)

    async def _draw(self, worker: Worker, job: Job, seat_free: asyncio.Event) -> None:
        began = self._clock()
        self._workers[job.id] = worker
        self._board.began(job)
        self._everybody_moved()
        settled = False
        # The order goes down the wire while the disk confirms that it did: a crash between the
        # two finds the ticket still waiting, and draws it again.
        starting = asyncio.create_task(self._shelves.tickets.started(job.id))
        try:
            inputs = await self._inputs(job)
            order = Render(
                job=job.id,
                recipe=job.recipe,
                inputs=inputs,
                preview_every=self._preview_every,
            )
            async for report in worker.render(order):
                match report:
                    case Loading():
                        self._board.loading(job.id, report.name)
                        self._changed(job.id)
                    case Stepped():
                        self._board.stepped(job.id, report.step, report.preview)
                        self._changed(job.id)
                    case Drawn():
                        self._settle(job, report.seconds + report.loading_seconds)
                        settled = True
                        self._costs.learn(job.recipe, report.seconds, steps=job.recipe.steps)
                        self._board.drawn(job.id)
                        seat_free.set()
                    case Finished():
                        await starting
                        await self._keep(worker, job, report)
        except asyncio.CancelledError:
            # The bot is going down: the job waits for the next start.
            if not settled:
                self._queue.put_back(job.id)
            raise
        except Exception as error:
            await self._ended_badly(job, error, starting, settled=settled, began=began)
        finally:
            self._workers.pop(job.id, None)
            self._stopping.discard(job.id)
            starting.cancel()
            seat_free.set()

    async def _inputs(self, job: Job) -> tuple[bytes, ...]:
        return tuple(
            [
                await asyncio.to_thread(self._shelves.files.read, source.sha256)
                for source in job.recipe.inputs
            ]
        )

    def _settle(self, job: Job, seconds: float) -> None:
        self._queue.settle(job.id, seconds)
        self._accounts_dirty.set()

    async def _keep(self, worker: Worker, job: Job, report: Finished) -> None:
        assert worker.ready is not None, "it has just sent a report"
        picture = Picture(
            recipe=job.recipe,
            environment=worker.ready.environment,
            png=report.png,
            pixels_sha256=Sha256(report.pixels_sha256),
            latents_sha256=Sha256(report.latents_sha256),
            seconds=report.seconds,
        )

        async def write() -> None:
            png = await asyncio.to_thread(self._shelves.files.keep, picture.png)
            await self._shelves.tickets.drawn(
                job.id, picture, png_sha256=png, drawn_at=self._clock()
            )

        async with self._unsaved:
            await self._until_stored(write)
        self._close(job.id)

    async def _ended_badly(
        self,
        job: Job,
        error: Exception,
        starting: asyncio.Task[int],
        *,
        settled: bool,
        began: float,
    ) -> None:
        tries = 1
        try:
            tries = await starting
        except StorageError as refused:
            log.warning("job %d: its start was not recorded: %s", job.id, refused)
        stopped = job.id in self._stopping
        if isinstance(error, WorkerDied) and tries < MAX_TRIES and not stopped:
            log.warning("job %d: %s; it will be drawn again", job.id, error.reason)
            await self._draw_again(job, settled=settled)
            return
        if not settled:
            self._settle(job, self._clock() - began)
        state, error = _ending(error, tries, stopped=stopped)
        if state is not State.CANCELLED:
            log.error("job %d ended as %s", job.id, state.value, exc_info=error)
        reason = f"{type(error).__name__}: {error}"
        await self._until_stored(lambda: self._shelves.tickets.ended(job.id, state, reason))
        self._close(job.id)

    async def _draw_again(self, job: Job, *, settled: bool) -> None:
        await self._until_stored(lambda: self._shelves.tickets.put_back(job.id))
        if settled:
            self._queue.put(job)
        else:
            # The worker's death is not the person's to pay for.
            self._queue.put_back(job.id)
        self._board.back(job)
        self._arrived.set()
        self._changed(job.id)

    async def _until_stored(self, write: Callable[[], Coroutine[None, None, None]]) -> None:
        """Repeat a write until storage takes it: a full disk is somebody's to clear, not ours."""
        attempt = 0
        while True:
            try:
                await write()
                return
            except (Ended, Missing) as settled:
                # Somebody else had the last word, such as a cancellation.
                log.info("not stored: %s", settled)
                return
            except StorageError:
                pause = self.retry_seconds[min(attempt, len(self.retry_seconds) - 1)]
                log.exception("storage refuses; trying again in %.0f s", pause)
                await asyncio.sleep(pause)
                attempt += 1

    def _close(self, job: JobId) -> None:
        self._changed(job)
        self._board.ended(job)
        self._request_ended()

    def _everybody_moved(self) -> None:
        for request in self._board.requests():
            self._audience.changed(request)

    def _changed(self, job: JobId) -> None:
        if (request := self._board.request_of(job)) is not None:
            self._audience.changed(request)


def _ending(error: Exception, tries: int, *, stopped: bool) -> tuple[State, Exception]:
    """How a job that will not be tried again has ended, and what to record of it."""
    match error:
        case Cancelled():
            return State.CANCELLED, error
        case WorkerDied() if stopped:
            return State.CANCELLED, Cancelled("the worker died while it was being cancelled")
        case WorkerDied():
            return State.QUARANTINED, Quarantined(tries, error.reason)
        case GenerationError() | StorageError():
            return State.FAILED, error
        case _:
            return State.FAILED, RenderFailed(repr(error))
