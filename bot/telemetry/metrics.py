"""The studio in numbers, for a Prometheus on this machine.

Invariant: what is shown names no person, no server and no words, and the number of its series is
bounded whatever people do: labels are seats (at most MAX_SEATS), kinds and outcomes, nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import assert_never

import psutil
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from bot.telemetry import events
from generation.fleet.doors import Door, is_this_machine, listening
from generation.job import GroupId, JobId
from storage.tickets import State

log = logging.getLogger(__name__)

LOCALHOST = "127.0.0.1"  # nobody else's business; who wants it elsewhere runs Prometheus here
CONNECTIONS = 32  # a Prometheus has one
MAX_SEATS = 64
OTHER = "other"
OUTCOMES = tuple(state.value for state in State if state not in (State.WAITING, State.RUNNING))
# Whose part of the device: generation.job.Share.group without the server's number.
KINDS = ("guild", "newcomers", "relaxed", "direct", "console")

WAITS = (0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
DELIVERIES = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200)
DRAWINGS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
COMMITS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)

LAG_EVERY = 0.25  # seconds between two looks at the event loop

_WAITED = "From being asked for until a seat began it, by whose part of the device it is."
_DEVICE = "Seconds of the devices: drawing, or moving weights (swap)."
_SWAPPED = "Chunks that had to read weights first."
_DRAWN = "Device seconds of a job that was drawn."
_POSTED = "From a request until its result was posted."
_LATE = f"How late the event loop woke up, looked at every {LAG_EVERY} s."
_COMMIT = "One transaction, from its begin until it was on the disk."
_MEMORY = "Memory of the bot's process, and of its workers together."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whereabouts:
    """Of an open job."""

    gauge: Gauge
    seat: str


class Metrics:
    """Counts what it is told.  Times are seconds, sizes bytes, as Prometheus wants them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        gauge = partial(Gauge, registry=self.registry)
        counter = partial(Counter, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        self._waiting = gauge("atelier_queue_waiting", "Jobs that wait for a seat.")
        self._drawing = gauge("atelier_queue_drawing", "Jobs that have a seat.")
        self._parked = gauge("atelier_queue_paused", "Jobs paused at a step.")
        self._waits = histogram("atelier_wait_seconds", _WAITED, ["kind"], buckets=WAITS)
        self._gpu = counter("atelier_gpu_seconds", _DEVICE, ["seat", "kind"])
        self._swaps = counter("atelier_model_swaps", _SWAPPED, ["seat"])
        self._jobs = counter("atelier_jobs", "Jobs by how they ended.", ["outcome"])
        self._drawn = histogram("atelier_job_seconds", _DRAWN, buckets=DRAWINGS)
        self._pauses = counter("atelier_pauses", "Jobs paused so that others need not wait.")
        self._deaths = counter("atelier_worker_deaths", "Workers that ended unasked.", ["seat"])
        self._delivery = histogram("atelier_delivery_seconds", _POSTED, buckets=DELIVERIES)
        self._lag = histogram("atelier_loop_lag_seconds", _LATE, buckets=LAGS)
        self._commits = histogram("atelier_database_commit_seconds", _COMMIT, buckets=COMMITS)
        memory = gauge("atelier_resident_memory_bytes", _MEMORY, ["process"])
        memory.labels("bot").set_function(lambda: _resident(psutil.Process()))
        memory.labels("workers").set_function(_resident_of_children)
        for outcome in OUTCOMES:
            self._jobs.labels(outcome)
        for kind in KINDS:
            self._waits.labels(kind)
        self._open: dict[JobId, _Whereabouts] = {}
        self._begun: set[JobId] = set()
        self._seats: set[str] = set()

    def count(self, event: events.Event) -> None:
        """The watch of this: whose job it was, is not shown."""
        match event:
            case events.Queued(job=job):
                self._move(job.id, self._waiting)
            case events.Picked():
                self._picked(event)
            case events.ChunkPaid():
                self._paid(event)
            case events.Paused(job=job, seat=seat):
                self._move(job.id, self._parked, seat)
                self._pauses.inc()
            case events.Resumed(job=job, seat=seat):
                self._move(job.id, self._drawing, seat)
            case events.JobEnded():
                self._ended(event)
            case events.WorkerEnded(seat=seat):
                self._deaths.labels(self._seat(seat)).inc()
                for left in [job for job, at in self._open.items() if at.seat == seat]:
                    self._move(left, self._waiting)
            case events.Delivered(seconds=seconds):
                self._delivery.observe(max(0.0, seconds))
            case events.Committed(seconds=seconds):
                self._commits.observe(seconds)
            case _:
                assert_never(event)

    def _picked(self, event: events.Picked) -> None:
        job = event.job
        self._move(job.id, self._drawing, event.seat)
        self._seat(event.seat)
        if job.id not in self._begun:  # else it was begun before, and its worker died
            self._begun.add(job.id)
            self._waits.labels(_kind(job.share.group)).observe(max(0.0, event.waited))

    def _paid(self, event: events.ChunkPaid) -> None:
        seat, seconds = self._seat(event.seat), max(0.0, event.seconds)
        swap = min(max(0.0, event.swap_seconds), seconds)
        self._gpu.labels(seat, "draw").inc(seconds - swap)
        self._gpu.labels(seat, "swap").inc(swap)
        if swap:
            self._swaps.labels(seat).inc()

    def _ended(self, event: events.JobEnded) -> None:
        self._move(event.job.id, None)
        self._begun.discard(event.job.id)
        self._jobs.labels(event.state if event.state in OUTCOMES else OTHER).inc()
        if event.state is State.DRAWN:
            self._drawn.observe(max(0.0, event.seconds))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The numbers, for whoever asks this machine by a name of its own."""
        if not is_this_machine(request.headers.get("Host", "")):
            raise web.HTTPForbidden(text="This port answers to 127.0.0.1 and localhost only.\n")
        if request.method not in ("GET", "HEAD"):
            raise web.HTTPMethodNotAllowed(request.method, ["GET", "HEAD"])
        encode, kind = choose_encoder(request.headers.get("Accept", ""))
        # In a thread: it asks the system about every process.
        text = await asyncio.to_thread(encode, self.registry)
        return web.Response(body=text, headers={"Content-Type": kind, "Cache-Control": "no-store"})

    async def look_at_the_loop(self) -> None:
        """Measure how late the event loop is, until cancelled."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(LAG_EVERY)
            self._lag.observe(max(0.0, time.monotonic() - before - LAG_EVERY))

    def _move(self, job: JobId, gauge: Gauge | None, seat: str = "") -> None:
        if before := self._open.pop(job, None):
            before.gauge.dec()
        if gauge is not None:
            self._open[job] = _Whereabouts(gauge=gauge, seat=seat)
            gauge.inc()

    def _seat(self, seat: str) -> str:
        if seat in self._seats:
            return seat
        if len(self._seats) >= MAX_SEATS:
            return OTHER
        self._seats.add(seat)
        # From zero, so that the first of each is seen as an increase.
        self._deaths.labels(seat)
        self._swaps.labels(seat)
        return seat


@asynccontextmanager
async def serving(metrics: Metrics, port: int) -> AsyncIterator[int | None]:
    """Show the metrics at http://127.0.0.1:PORT/metrics (0: any free one) until the block ends.

    Yields the port, or None where it is taken: a bot without metrics is still a bot.
    """
    door = Door(metrics.answer, connections=CONNECTIONS)
    try:
        runner, found = await listening(door, LOCALHOST, port)
    except OSError as error:
        log.warning("no metrics: port %d cannot be had (%s)", port, error)
        yield None
        return
    looking = asyncio.create_task(metrics.look_at_the_loop(), name="loop lag")
    log.info("metrics: http://%s:%d/metrics", LOCALHOST, found)
    try:
        yield found
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
        await runner.cleanup()


@asynccontextmanager
async def watching(port: int, *others: events.Watch) -> AsyncIterator[events.Watch]:
    """Whoever watches this installation: `others`, and with a port the metrics."""
    if not port:
        yield events.everyone(*others)
        return
    metrics = Metrics()
    async with serving(metrics, port):
        yield events.everyone(*others, metrics.count)


def _kind(group: GroupId) -> str:
    kind = group.partition(" ")[0]
    return kind if kind in KINDS else OTHER


def _resident(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0.0


def _resident_of_children() -> float:
    return sum(_resident(child) for child in psutil.Process().children(recursive=True))
