"""The dispatcher: gives every seat the job whose turn it is, a chunk at a time.

    queue --take--> seat --Stepped, a chunk's worth--> settle, take again:
                                     the same job       it goes on, and never noticed
                                     another one        Pause, then Render or Resume
                    seat --Drawn-->  settle, take again (encoding and saving take no seat)
                    seat --Finished--> file, then database, then outbox

One loop per seat decides; a task per job listens to its worker.  What the fair queue answers is
carried out as it stands: who comes next is decided there and nowhere else.

Invariant: a job that left the queue is either put back, or ends in exactly one of drawn, failed,
cancelled and quarantined, in the database.  A storage that cannot be written for a while (a full
disk) holds pictures back, it does not lose them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bot.dispatch.audience import Audience
from bot.dispatch.meter import Meter
from bot.dispatch.open_requests import OpenRequests
from bot.dispatch.saving import Saver
from bot.dispatch.seats import Drawing, WorkerSeat, believable
from bot.telemetry.events import ChunkPaid, JobEnded, Paused, Picked, Resumed, Watch, WorkerEnded
from generation.errors import (
    Cancelled,
    GenerationError,
    OutOfReach,
    Quarantined,
    RenderFailed,
    WorkerDied,
    WorkerLost,
)
from generation.fleet.wire import Drawn, Finished, Loading, Ready, Render, Stepped
from generation.job import Job, JobId
from generation.queue.fair_queue import FairQueue
from generation.queue.forecast import ExpectedTurn
from storage.errors import Ended, StorageError
from storage.stores import Stores
from storage.tickets import Lease, State

log = logging.getLogger(__name__)

MAX_TRIES = 3  # a job that takes the worker down this often is given up
MAX_EPOCHS = 40  # a lease begins and ends: after 20 tries it is, too, whoever was at fault
SPARED = 1800.0  # seconds that a seat is not asked again for a model whose weights did not come
SPARED_A_LITTLE = 30.0  # the same, when it was an adapter: the job goes elsewhere, others may come
MAX_STARTS = 3  # that fail in a row; then others try what fits on this device only
FORECAST_SECONDS = 1.0  # how old an answer to "when?" may be
NEWER_SECONDS = 0.1  # and the answer for a job that has come since


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who is told what."""

    audience: Audience
    watch: Watch
    request_ended: Callable[[], None]
    worker_ready: Callable[[Ready], None]


class Dispatcher:
    """Runs the seats.  `clock` tells Unix time; whose turn it is never depends on it."""

    def __init__(
        self,
        *,
        queue: FairQueue,
        open_requests: OpenRequests,
        meter: Meter,
        stores: Stores,
        listeners: Listeners,
        clock: Callable[[], float],
        preview_every: int,
    ) -> None:
        self._queue, self._open_requests, self._meter = queue, open_requests, meter
        self.saver = Saver(stores.tickets, stores.files, clock=clock)
        self._tickets = stores.tickets
        self._to = listeners
        self._preview_every = preview_every
        self._seats: dict[str, WorkerSeat] = {}
        self._seat_of: dict[JobId, WorkerSeat] = {}
        self._stopping: set[JobId] = set()  # begun, and cancelled
        self._unheard: set[JobId] = set()  # cancelled, and nobody was there who could end them
        self._unkept: dict[
            JobId, tuple[WorkerSeat, Drawing]
        ] = {}  # drawn, and nobody saw whether kept
        self._forecast: tuple[float, Mapping[JobId, ExpectedTurn]] = (-FORECAST_SECONDS, {})
        open_requests.ask_forecast(self.forecast)

    def arrived(self) -> None:
        """There is something in the queue: idle seats look at once, others after their step."""
        for seat in self._seats.values():
            seat.curious = True
            if seat.running is None:
                seat.news.set()

    def has(self, job: JobId) -> bool:
        """Whether some seat has begun it."""
        return job in self._seat_of

    async def cancel(self, jobs: Iterable[JobId]) -> None:
        """End running or paused jobs within one step."""
        told = tuple(jobs)
        begun = [(job, self._seat_of[job]) for job in told if job in self._seat_of]
        # All at once, before anything is awaited: one may just be on its way back into the queue.
        self._stopping.update(job for job, _ in begun)
        self._unheard.update(job for job in told if job in self._unkept)
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
            if (found := self._queue.cancel(job)) is not None:
                await self._end_unheard(found)
                self._close(found, State.CANCELLED, 0.0)
        while self._unkept:
            job, (seat, run) = next(iter(self._unkept.items()))
            state = await self._tickets.state(job)
            if state.open and job in self._unheard:
                await self._end_unheard(run.job)
                state = State.CANCELLED
            del self._unkept[job]
            if state.open:
                self._wait_again(seat, run)
            else:
                self._close(run.job, state, run.seconds)

    async def _end_unheard(self, job: Job) -> None:
        await self.saver.end(job, State.CANCELLED, "Cancelled: ", None)
        self._unheard.discard(job.id)

    def forecast(self, wanted: JobId | None = None) -> Mapping[JobId, ExpectedTurn]:
        """When each job comes, at most a second old; younger when `wanted` has come since."""
        asked, known = self._forecast
        limit = FORECAST_SECONDS if wanted is None or wanted in known else NEWER_SECONDS
        if time.monotonic() - asked >= limit:
            seats = tuple(self._seats.values())
            busy = {s.id: (s.running.job.id, s.running.left) for s in seats if s.running}
            known = self._queue.forecast(seats, busy, time.monotonic())
            self._forecast = (time.monotonic(), known)
        return known

    async def serve(self, seat: WorkerSeat) -> None:
        """Keep one seat busy, until it is gone."""
        # A machine that comes back under its old name: the jobs that it had are put back first.
        while (before := self._seats.get(seat.id)) is not None:
            await before.over.wait()
        self._seats[seat.id] = seat
        seat.over.clear()
        seat.peers = self._seats.values()
        try:
            async with asyncio.TaskGroup() as drawing:
                while True:
                    await self._make_ready(seat)
                    if seat.gone:
                        return
                    async with self.saver.room():
                        if seat.gone or seat.worker.ready is None:
                            continue  # that took a while
                        await self._decide(seat, drawing)
                    await seat.news.wait()
                    seat.news.clear()
        finally:
            for run in seat.runs():  # of tasks that were cancelled before their first step
                self._abandon(seat, run)
            del self._seats[seat.id]
            self._queue.dismiss(seat.id)
            seat.over.set()
            self.arrived()  # what only this one could draw is now for the others to try

    # -- whose turn it is ------------------------------------------------------------------

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
                seat.starting = time.monotonic() - asked
                seat.memory, seat.prefetched = ready.memory_bytes, None
                self._to.worker_ready(ready)
            except WorkerDied as death:
                log.error("the worker of %s did not start: %s", seat.id, death.reason)
                failed += 1
                if failed >= MAX_STARTS:
                    # What fits only here is not to wait for a device that is never ready.
                    seat.memory = 0.0
                    self.arrived()
                # start() waits longer after each failure; this is for one that fails at once.
                await asyncio.sleep(0.5)

    async def _decide(self, seat: WorkerSeat, drawing: asyncio.TaskGroup) -> None:
        """Ask the queue, and carry out what it says."""
        before = seat.running
        if before is not None:
            if not seat.at_boundary:
                return
            self._pay(seat, before, left=before.left)
        seat.at_boundary = seat.curious = False
        job = self._queue.take(seat, time.monotonic())
        if before is None or job is None or job.id != before.job.id:
            await self._change(seat, job, drawing)
        if job is not None:
            await self._look_ahead(seat)

    async def _change(self, seat: WorkerSeat, job: Job | None, drawing: asyncio.TaskGroup) -> None:
        """Let another job have the device."""
        # The books first, all of them: a pipe can be slow, and whatever happens meanwhile (a
        # cancellation, a death, the end of either job) must find every job where it belongs.
        before, resumed = seat.running, job is not None and job.id in seat.parked
        if before is not None:
            seat.park()
            self._open_requests.paused(before.job.id)
            self._to.watch(Paused(job=before.job, seat=seat.id))
        if job is not None and resumed:
            seat.unpark(job.id)
            self._open_requests.resumed(job.id)
            self._to.watch(Resumed(job=job, seat=seat.id))
        elif job is not None:
            self._begin(seat, job, drawing)
        if before is not None:
            await seat.worker.pause(before.job.id)
        if job is not None and resumed:
            await seat.worker.resume(job.id)

    def _begin(self, seat: WorkerSeat, job: Job, drawing: asyncio.TaskGroup) -> None:
        # The order goes down the wire while the disk confirms that it did: a crash between the
        # two finds the ticket still waiting, and draws it again.
        lease = asyncio.create_task(self.saver.start(job, seat.id))
        run = Drawing(job=job, lease=lease, near=job.model in seat.worker.holding.in_memory)
        seat.begin(run)
        self._seat_of[job.id] = seat
        waited = self._open_requests.began(job)
        self._to.watch(Picked(job=job, seat=seat.id, waited=waited))
        self._everybody_moved()
        drawing.create_task(self._guarded(seat, run), name=f"draw {job.id}")

    async def _look_ahead(self, seat: WorkerSeat) -> None:
        """Have the next job's weights read while this one is drawn."""
        coming = self._queue.soon(seat, time.monotonic())
        if coming is None or coming.model == seat.prefetched or seat.is_warm(coming.model):
            return
        seat.prefetched = coming.model
        if coming.model not in seat.worker.holding.in_memory:
            await seat.worker.prefetch(coming.recipe)

    def _pay(
        self, seat: WorkerSeat, run: Drawing, *, left: float | None, loading_seconds: float = 0.0
    ) -> None:
        """Settle what the device has done for a job since it was last paid for."""
        seconds, run.paid = run.unpaid, max(run.seconds, run.paid)
        run.loading += loading_seconds
        self._queue.settle(run.job.id, seconds, time.monotonic(), left=left)
        self._meter.served(run.job, seconds, loading_seconds, ended=left is None)
        self._to.watch(
            ChunkPaid(job=run.job, seat=seat.id, seconds=seconds, swap_seconds=loading_seconds)
        )

    # -- one job ---------------------------------------------------------------------------

    async def _guarded(self, seat: WorkerSeat, run: Drawing) -> None:
        """Draw; and if that ends in a bug of ours, let it cost this job and no other."""
        try:
            try:
                await self._draw(seat, run)
            except Exception as error:
                await self._ended_badly(seat, run, error)
        except Exception as bug:
            log.exception("job %d met a bug", run.job.id)
            with contextlib.suppress(Exception):
                await self._ended_badly(seat, run, bug)
        except asyncio.CancelledError:
            # The bot is going down: the job waits for the next start.
            if run.job.id in self._stopping:
                self._unheard.add(run.job.id)
            self._abandon(seat, run)
            raise
        finally:
            run.lease.cancel()
            self._seat_of.pop(run.job.id, None)
            self._stopping.discard(run.job.id)
            seat.forget(run)

    async def _draw(self, seat: WorkerSeat, run: Drawing) -> None:
        job = run.job
        inputs = await self.saver.inputs(job)
        ready = seat.worker.ready
        if ready is None:
            raise WorkerDied("it died before it had the job")
        if job.id in self._stopping:
            raise Cancelled  # the worker was told before it knew the job
        run.handed_over = True
        order = Render(
            job=job.id,
            recipe=job.recipe,
            inputs=inputs,
            preview_every=self._preview_every,
            expected=believable(job.cost + seat.reading_seconds(job.model)),
        )
        async for report in seat.worker.render(order):
            match report:
                case Loading():
                    self._open_requests.loading(job.id, report.name)
                    self._changed(job.id)
                case Stepped():
                    self._stepped(seat, run, report)
                case Drawn():
                    loading_seconds = believable(report.loading_seconds)
                    run.seconds = believable(report.seconds) + loading_seconds
                    self._free(seat, run, loading_seconds=loading_seconds)
                    self._meter.learn(job, report, near=run.near)
                case Finished():
                    await self.saver.keep(run.lease, job, ready.environment, report)
                    self._close(job, State.DRAWN, run.seconds)

    def _stepped(self, seat: WorkerSeat, run: Drawing, report: Stepped) -> None:
        run.stepped(report.step, report.seconds)
        self._open_requests.stepped(run.job.id, report.step, report.preview)
        self._changed(run.job.id)
        chunk_over = seat.curious or run.unpaid >= self._queue.rules.chunk
        # After the last step there is nothing left to pause.
        if seat.running is run and chunk_over and report.step < report.steps:
            seat.at_boundary = True
            seat.news.set()

    def _free(self, seat: WorkerSeat, run: Drawing, *, loading_seconds: float = 0.0) -> None:
        """The device has nothing more to do for it, however long storage takes."""
        if not run.freed:
            run.freed = True
            self._pay(seat, run, left=None, loading_seconds=loading_seconds)
        self._open_requests.drawn(run.job.id)
        seat.forget(run)

    async def _ended_badly(self, seat: WorkerSeat, run: Drawing, error: Exception) -> None:
        job = run.job
        if isinstance(error, WorkerDied | OutOfReach) and job.id not in self._stopping:
            lease, again = await self._given_up(seat, run, error)
            if again:
                return
        else:
            self._free(seat, run)
            lease = await self._lease_of(run)
        tries = max(lease.tries, lease.epoch // 2) if lease is not None else 1
        stopped = job.id in self._stopping
        if type(error) is WorkerDied and not stopped:
            # After each try the device stood still.  Were that free, everything of this kind that
            # one person has would be tried before the others have their turn.
            run.seconds += (lease.tries if lease is not None else 1) * seat.starting
        self._free(seat, run)
        state, error = _ending(error, tries, stopped=stopped)
        if state is not State.CANCELLED:
            log.error("job %d ended as %s", job.id, state.value, exc_info=error)
        await self.saver.end(job, state, f"{type(error).__name__}: {error}", lease)
        self._close(job, state, run.seconds)

    async def _given_up(
        self, seat: WorkerSeat, run: Drawing, why: WorkerDied | OutOfReach
    ) -> tuple[Lease | None, bool]:
        """Its seat failed it.  Returns the lease that the job still has, and if it waits again."""
        had_device = seat.running is run
        if had_device and isinstance(why, WorkerDied):
            self._to.watch(WorkerEnded(seat=seat.id, reason=str(why)))
        # Whoever was only paused there, or is drawn, or never came so far, did nothing; and
        # nobody takes down a whole machine, nor keeps weights away from it.
        innocent = isinstance(why, WorkerLost | OutOfReach)
        blamed = had_device and run.handed_over and not innocent
        hopeless = False
        if isinstance(why, OutOfReach):
            # An adapter that does not come says little of the model's other pictures.
            whole = why.name == run.job.recipe.checkpoint.name
            seconds = SPARED if whole else SPARED_A_LITTLE
            hopeless = not seat.spare(run.job.model, seconds)
            asyncio.get_running_loop().call_later(seconds, self.arrived)
        lease = await self._lease_of(run)
        if lease is not None:
            hopeless |= (blamed and lease.tries >= MAX_TRIES) or lease.epoch >= MAX_EPOCHS
        if hopeless:
            return lease, False
        log.warning("job %d: %s; it will be drawn again", run.job.id, why)
        if lease is not None:
            await self.saver.put_back(lease, blamed=blamed)
        if run.job.id in self._stopping:
            return None, False  # cancelled while that was written
        self._wait_again(seat, run)
        return None, True

    def _wait_again(self, seat: WorkerSeat, run: Drawing) -> None:
        """The worker's death is not the person's to pay for."""
        job, now = run.job, time.monotonic()
        seat.forget(run)
        if run.freed:
            self._queue.put(job, now, refund=run.paid)
        else:
            self._queue.put_back(job.id, now)
        self._meter.lost(job, run.paid, run.loading)
        self._open_requests.back(job)
        self.arrived()
        self._changed(job.id)

    def _abandon(self, seat: WorkerSeat, run: Drawing) -> None:
        """Nobody listens to the job any more."""
        run.lease.cancel()
        self._seat_of.pop(run.job.id, None)
        if run.freed:
            self._unkept[run.job.id] = (seat, run)
        else:
            self._wait_again(seat, run)
        seat.forget(run)

    async def _lease_of(self, run: Drawing) -> Lease | None:
        try:
            return await run.lease
        except Ended:
            return None  # it was cancelled in that moment
        except Exception as refused:
            log.warning("job %d: its start was not recorded: %s", run.job.id, refused)
            return None

    def _close(self, job: Job, state: State, seconds: float) -> None:
        self._meter.stored(job.id)
        self._changed(job.id)
        self._open_requests.ended(job.id)
        self._to.watch(JobEnded(job=job, state=state, seconds=seconds))
        self._to.request_ended()

    def _everybody_moved(self) -> None:
        for request in self._open_requests.requests():
            self._to.audience.changed(request)

    def _changed(self, job: JobId) -> None:
        if (request := self._open_requests.request_of(job)) is not None:
            self._to.audience.changed(request)


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
            return State.QUARANTINED, Quarantined(tries, error.reason)
        case GenerationError() | StorageError():
            return State.FAILED, error
        case _:
            return State.FAILED, RenderFailed(repr(error))
