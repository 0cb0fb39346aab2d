"""Whoever watches the studio at work: a port that the dispatcher tells what happens.

Invariant: a watcher only listens.  Its methods return at once, raise nothing and decide nothing,
so a studio that nobody watches draws the same pictures in the same order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from generation.job import Job
from storage.tickets import RequestId

log = logging.getLogger(__name__)


class Watch(Protocol):
    """Told of every event of a job's life; seconds are of the device unless said otherwise."""

    def asked(self, job: Job) -> None:
        """The job is committed and waits; also said of each job that a restart finds waiting."""

    def picked(self, job: Job, seat: str, waited: float) -> None:
        """A seat begins it for the first time, `waited` seconds of the clock after it was asked."""

    def chunk(self, job: Job, seat: str, seconds: float, swap_seconds: float) -> None:
        """A chunk is paid for: `seconds` in all, of which `swap_seconds` went into weights."""

    def paused(self, job: Job, seat: str) -> None:
        """It gave its seat to another job at a step boundary."""

    def resumed(self, job: Job, seat: str) -> None:
        """It goes on where it was paused."""

    def ended(self, job: Job, state: str, seconds: float) -> None:
        """It will not be heard of again; `state` is a State's value, `seconds` what it took."""

    def worker_died(self, seat: str, reason: str) -> None:
        """A worker ended without being asked to."""

    def delivered(self, request: RequestId, seconds: float) -> None:
        """Its result is posted, `seconds` of the clock after it was asked for."""

    def committed(self, seconds: float) -> None:
        """A transaction of the database took that long, until it was on the disk."""


class Nobody:
    """Does not look."""

    def asked(self, job: Job) -> None: ...

    def picked(self, job: Job, seat: str, waited: float) -> None: ...

    def chunk(self, job: Job, seat: str, seconds: float, swap_seconds: float) -> None: ...

    def paused(self, job: Job, seat: str) -> None: ...

    def resumed(self, job: Job, seat: str) -> None: ...

    def ended(self, job: Job, state: str, seconds: float) -> None: ...

    def worker_died(self, seat: str, reason: str) -> None: ...

    def delivered(self, request: RequestId, seconds: float) -> None: ...

    def committed(self, seconds: float) -> None: ...


class Several:
    """Tells several watchers, and lets none of their bugs through."""

    def __init__(self, *watchers: Watch) -> None:
        self._watchers = watchers

    def asked(self, job: Job) -> None:
        self._tell(lambda watch: watch.asked(job))

    def picked(self, job: Job, seat: str, waited: float) -> None:
        self._tell(lambda watch: watch.picked(job, seat, waited))

    def chunk(self, job: Job, seat: str, seconds: float, swap_seconds: float) -> None:
        self._tell(lambda watch: watch.chunk(job, seat, seconds, swap_seconds))

    def paused(self, job: Job, seat: str) -> None:
        self._tell(lambda watch: watch.paused(job, seat))

    def resumed(self, job: Job, seat: str) -> None:
        self._tell(lambda watch: watch.resumed(job, seat))

    def ended(self, job: Job, state: str, seconds: float) -> None:
        self._tell(lambda watch: watch.ended(job, state, seconds))

    def worker_died(self, seat: str, reason: str) -> None:
        self._tell(lambda watch: watch.worker_died(seat, reason))

    def delivered(self, request: RequestId, seconds: float) -> None:
        self._tell(lambda watch: watch.delivered(request, seconds))

    def committed(self, seconds: float) -> None:
        self._tell(lambda watch: watch.committed(seconds))

    def _tell(self, event: Callable[[Watch], None]) -> None:
        for watch in self._watchers:
            try:
                event(watch)
            except Exception:
                log.exception("a watcher stumbled; the studio goes on")
