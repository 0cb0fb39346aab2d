"""What happens in the studio, as values: each event says what was done, and a watch is told of it.

    watch(Picked(job=job, seat="gpu 0", waited=2.5))

Invariant: a watch only listens.  It returns at once, raises nothing and decides nothing, so a
studio that nobody watches draws the same pictures in the same order.  Seconds are of the device
unless said otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from generation.job import Job
from storage.tickets import RequestId, State

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """The job is committed and waits; also said of each job that a restart finds waiting."""

    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """A seat begins the job, `waited` seconds of the clock after it was asked for."""

    job: Job
    seat: str
    waited: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkPaid:
    """A chunk is paid for: `seconds` in all, of which `swap_seconds` went into weights."""

    job: Job
    seat: str
    seconds: float
    swap_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """The job gave its seat to another one at a step boundary."""

    job: Job
    seat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The job goes on where it was paused."""

    job: Job
    seat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded:
    """The job will not be heard of again, after `seconds`."""

    job: Job
    state: State
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerEnded:
    """A worker ended without being asked to."""

    seat: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The request's result is posted, `seconds` of the clock after it was asked for."""

    request: RequestId
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A transaction of the database took that long, until it was on the disk."""

    seconds: float


Event = (
    Queued | Picked | ChunkPaid | Paused | Resumed | JobEnded | WorkerEnded | Delivered | Committed
)
Watch = Callable[[Event], None]


def nobody(event: Event) -> None:
    """Does not look."""


def everyone(*watches: Watch) -> Watch:
    """All of them as one, which lets none of their bugs through."""

    def tell(event: Event) -> None:
        for watch in watches:
            try:
                watch(event)
            except Exception:
                log.exception("a watcher stumbled; the studio goes on")

    return tell
