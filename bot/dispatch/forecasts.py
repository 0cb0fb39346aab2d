"""Forecasts: when each job comes, asked often and made seldom.

Invariant: an answer is at most a second old, and less where a job has come since.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from bot.dispatch.seats import Seats
from generation.job import JobId
from generation.queue.fair_queue import FairQueue
from generation.queue.forecast import ExpectedTurn

FORECAST_SECONDS = 1.0  # how old an answer to "when?" may be
NEWER_SECONDS = 0.1  # and the answer for a job that has come since


class Forecasts:
    """What the queue expects, remembered for a moment."""

    def __init__(self, queue: FairQueue, seats: Seats) -> None:
        self._queue, self._seats = queue, seats
        self._known: Mapping[JobId, ExpectedTurn] = {}
        self._asked = -FORECAST_SECONDS

    def turns(self, wanted: JobId | None = None) -> Mapping[JobId, ExpectedTurn]:
        """Every job's turn; `wanted` is among them, if it waits."""
        newer = wanted is not None and wanted not in self._known
        limit = NEWER_SECONDS if newer else FORECAST_SECONDS
        if time.monotonic() - self._asked >= limit:
            busy = {s.id: (s.running.job.id, s.running.left) for s in self._seats if s.running}
            self._known = self._queue.forecast(tuple(self._seats), busy, time.monotonic())
            self._asked = time.monotonic()
        return self._known
