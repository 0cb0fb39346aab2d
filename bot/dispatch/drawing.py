"""The drawings: every job that a seat has begun, each carried out by a task of its own.

    Render -> Loading, Stepped, Midway ... -> Drawn -> Finished   file, database, outbox
                    |                    +---> Failed     failed, or cancelled
                    +-> the worker dies, or weights do not come: it waits again, or is given up

Invariant: a job that left the queue is either put back, or ends in exactly one of drawn, failed,
cancelled and quarantined, in the database.  A storage that cannot be written for a while (a full
disk) holds pictures back, it does not lose them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from bot.dispatch.lifecycle import Lifecycle
from bot.dispatch.saving import Saver
from bot.dispatch.seats import Drawing, WorkerSeat, believable
from generation.errors import (
    Cancelled,
    GenerationError,
    OutOfReach,
    Quarantined,
    RenderFailed,
    WorkerDied,
    WorkerLost,
)
from generation.fleet.wire import Drawn, Finished, Loading, Midway, Render, Stepped
from generation.job import Job, JobId
from storage.errors import Ended, StorageError
from storage.tickets import Lease, State

log = logging.getLogger(__name__)

MAX_TRIES = 3  # a job that takes the worker down this often is given up
MAX_EPOCHS = 40  # a lease begins and ends: after 20 tries it is, too, whoever was at fault
AVOID_SECONDS = 1800.0  # in which a seat is not asked for a model whose weights did not come
AVOID_ADAPTER_SECONDS = 30.0  # the same for an adapter: the job goes elsewhere, others may come


class Drawings:
    """The jobs that have begun.  `preview_every`: steps between two previews; 0: none."""

    def __init__(self, lifecycle: Lifecycle, saver: Saver, *, preview_every: int) -> None:
        self._jobs, self.saver = lifecycle, saver
        self._preview_every = preview_every
        self._seat_of: dict[JobId, WorkerSeat] = {}
        self._stopping: set[JobId] = set()  # begun, and cancelled
        self._unheard: set[JobId] = set()  # cancelled, and nobody was there who could end them
        # Drawn, and nobody saw whether kept.
        self._unkept: dict[JobId, tuple[WorkerSeat, Drawing]] = {}

    def begin(self, seat: WorkerSeat, job: Job, tasks: asyncio.TaskGroup) -> None:
        """Let a seat draw the job."""
        # The order goes down the wire while the disk confirms that it did: a crash between the
        # two finds the ticket still waiting, and draws it again.
        lease = asyncio.create_task(self.saver.start(job, seat.id))
        near = job.needs in seat.worker.holding.in_memory
        drawing = Drawing(job=job, lease=lease, near=near)
        self._seat_of[job.id] = seat
        self._jobs.began(seat, drawing)
        tasks.create_task(self._guarded(seat, drawing), name=f"draw {job.id}")

    # -- cancelling ------------------------------------------------------------------------

    async def cancel(self, waiting: Sequence[JobId], running: Sequence[JobId]) -> None:
        """End jobs whose tickets waited, and have ended, or ran, and are to be ended here.

        What waits ends at once, what a worker has within one step.
        """
        for job in waiting:
            # A seat may have taken it in this very moment, when its ticket did not know yet.
            if job not in self._seat_of and (left := self._jobs.withdrawn(job)) is not None:
                self._jobs.ended(left, State.CANCELLED, 0.0)
        # What runs by its ticket and waits here was put back when the studio stumbled.
        astray = [job for job in running if job not in self._seat_of]
        stray = [left for job in astray if (left := self._jobs.withdrawn(job)) is not None]
        await self.stop((*running, *waiting))
        for left in stray:
            await self._end_cancelled(left, 0.0)

    async def stop(self, jobs: Sequence[JobId]) -> None:
        """End running or paused jobs within one step."""
        begun = [(job, self._seat_of[job]) for job in jobs if job in self._seat_of]
        # All at once, before anything is awaited: one may just be on its way back into the queue.
        self._stopping.update(job for job, _ in begun)
        self._unheard.update(job for job in jobs if job in self._unkept)
        for job, seat in begun:
            await seat.worker.cancel(job)

    async def close(self) -> None:
        """Note the cancellations that were told, and that no worker has carried out any more."""
        for job in self._unheard:
            try:
                await self.saver.end_cancelled(job)
            except StorageError:
                log.exception("job %d will be drawn although it was cancelled", job)

    async def pick_up(self) -> None:
        """After a stumble: nothing is drawn again that was cancelled, or that storage has kept."""
        for job in tuple(self._unheard):
            if (left := self._jobs.withdrawn(job)) is not None:
                await self._end_cancelled(left, 0.0)
        while self._unkept:
            job, (seat, drawing) = next(iter(self._unkept.items()))
            state = await self.saver.state(job)
            del self._unkept[job]
            if state.open and job in self._unheard:
                await self._end_cancelled(drawing.job, drawing.seconds)
            elif state.open:
                self._jobs.waits_again(seat, drawing)
            else:
                self._jobs.ended(drawing.job, state, drawing.seconds)

    async def _end_cancelled(self, job: Job, seconds: float) -> None:
        await self.saver.end(job, State.CANCELLED, Cancelled(), None)
        self._unheard.discard(job.id)
        self._jobs.ended(job, State.CANCELLED, seconds)

    # -- one job ---------------------------------------------------------------------------

    async def _guarded(self, seat: WorkerSeat, drawing: Drawing) -> None:
        """Draw; and if that ends in a bug of ours, let it cost this job and no other."""
        job = drawing.job.id
        try:
            try:
                await self._draw(seat, drawing)
            except Exception as error:
                await self._ended_badly(seat, drawing, error)
        except Exception as bug:
            log.exception("job %d met a bug", job)
            with contextlib.suppress(Exception):
                await self._ended_badly(seat, drawing, bug)
        except asyncio.CancelledError:
            # The bot is going down: the job waits for the next start.
            if job in self._stopping:
                self._unheard.add(job)
            self.abandon(seat, drawing)
            raise
        finally:
            drawing.lease.cancel()
            self._seat_of.pop(job, None)
            self._stopping.discard(job)
            seat.forget(drawing)

    async def _draw(self, seat: WorkerSeat, drawing: Drawing) -> None:
        order = await self._order(seat, drawing.job)
        await seat.clear()
        ready = seat.worker.ready
        if ready is None:
            raise WorkerDied("it died before it had the job")
        if drawing.job.id in self._stopping:
            raise Cancelled  # the worker was told before it knew the job
        drawing.handed_over = True
        async for report in seat.worker.render(order):
            match report:
                case Loading():
                    self._jobs.loading(drawing, report)
                case Stepped():
                    self._jobs.stepped(drawing, report)
                    if report.done < report.total:  # else there is nothing left to pause
                        self._could_change(seat, drawing)
                case Midway():
                    drawing.midway(report.seconds)
                    self._could_change(seat, drawing)
                case Drawn():
                    self._jobs.freed(seat, drawing, report)
                case Finished():
                    await self.saver.keep(drawing.lease, drawing.job, ready.environment, report)
                    self._jobs.ended(drawing.job, State.DRAWN, drawing.seconds)

    async def _order(self, seat: WorkerSeat, job: Job) -> Render:
        return Render(
            job=job.id,
            recipe=job.recipe,
            inputs=await self.saver.inputs(job),
            preview_every=self._preview_every,
            expected=believable(job.cost + seat.reading_seconds(job.needs)),
        )

    def _could_change(self, seat: WorkerSeat, drawing: Drawing) -> None:
        """Another job could have the device now, and may have it if it is to."""
        chunk_over = seat.recheck or drawing.unpaid >= self._jobs.queue.rules.chunk
        if seat.running is drawing and chunk_over:
            seat.at_boundary = True
            seat.news.set()

    def abandon(self, seat: WorkerSeat, drawing: Drawing) -> None:
        """Listen to the job no more."""
        drawing.lease.cancel()
        self._seat_of.pop(drawing.job.id, None)
        if drawing.freed:
            self._unkept[drawing.job.id] = (seat, drawing)
        else:
            self._jobs.waits_again(seat, drawing)
        seat.forget(drawing)

    # -- one that came to no good ----------------------------------------------------------

    async def _ended_badly(self, seat: WorkerSeat, drawing: Drawing, error: Exception) -> None:
        job = drawing.job
        if isinstance(error, WorkerDied | OutOfReach) and job.id not in self._stopping:
            lease, again = await self._given_up(seat, drawing, error)
            if again:
                return
        else:
            self._jobs.freed(seat, drawing)
            lease = await self._lease_of(drawing)
        tries = max(lease.tries, lease.epoch // 2) if lease is not None else 1
        stopped = job.id in self._stopping
        if type(error) is WorkerDied and not stopped:
            # After each try the device stood still.  Were that free, everything of this kind that
            # one person has would be tried before the others have their turn.
            drawing.seconds += (lease.tries if lease is not None else 1) * seat.starting
        self._jobs.freed(seat, drawing)
        state, reason = _ending(error, tries, stopped=stopped)
        if state is not State.CANCELLED:
            log.error("job %d ended as %s", job.id, state.value, exc_info=reason)
        await self.saver.end(job, state, reason, lease)
        self._jobs.ended(job, state, drawing.seconds)

    async def _given_up(
        self, seat: WorkerSeat, drawing: Drawing, why: WorkerDied | OutOfReach
    ) -> tuple[Lease | None, bool]:
        """The lease that a job still has whose seat failed it, and whether it waits again."""
        job, had_device = drawing.job, seat.running is drawing
        if had_device and isinstance(why, WorkerDied):
            self._jobs.worker_ended(seat, str(why))
        # Whoever was only paused there, or is drawn, or never came so far, did nothing; and
        # nobody takes down a whole machine, nor keeps weights away from it.
        innocent = isinstance(why, WorkerLost | OutOfReach)
        blamed = had_device and drawing.handed_over and not innocent
        hopeless = isinstance(why, OutOfReach) and not self._avoid(seat, job, why)
        lease = await self._lease_of(drawing)
        if lease is not None:
            hopeless |= (blamed and lease.tries >= MAX_TRIES) or lease.epoch >= MAX_EPOCHS
        if hopeless:
            return lease, False
        log.warning("job %d: %s; it will be drawn again", job.id, why)
        if lease is not None:
            await self.saver.put_back(lease, blamed=blamed)
        if job.id in self._stopping:
            return None, False  # cancelled while that was written
        self._jobs.waits_again(seat, drawing)
        return None, True

    def _avoid(self, seat: WorkerSeat, job: Job, why: OutOfReach) -> bool:
        """Leave the model to other seats for a while.  Returns whether there are any."""
        # An adapter that does not come says little of the model's other pictures.
        whole = why.name == job.recipe.leading.name
        seconds = AVOID_SECONDS if whole else AVOID_ADAPTER_SECONDS
        asyncio.get_running_loop().call_later(seconds, self._jobs.seats.look)
        return seat.avoid(job.needs, seconds)

    async def _lease_of(self, drawing: Drawing) -> Lease | None:
        try:
            return await drawing.lease
        except Ended:
            return None  # it was cancelled in that moment
        except Exception as refused:
            log.warning("job %d: its start was not recorded: %s", drawing.job.id, refused)
            return None


def _ending(error: Exception, tries: int, *, stopped: bool) -> tuple[State, Exception]:
    """How a job that will not be tried again has ended, and what to record of it."""
    match error:
        case Cancelled():
            return State.CANCELLED, error
        case Ended():  # that is what its start was told
            return State.CANCELLED, Cancelled("it was cancelled as it began")
        case WorkerDied() | OutOfReach() if stopped:
            return State.CANCELLED, Cancelled("its seat failed it while it was being cancelled")
        case WorkerDied():
            return State.QUARANTINED, Quarantined(error.reason, tries)
        case GenerationError() | StorageError():
            return State.FAILED, error
        case _:
            return State.FAILED, RenderFailed(repr(error))
