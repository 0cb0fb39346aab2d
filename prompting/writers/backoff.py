"""Says no at once to what has just failed, so that a picture does not wait for it again.

The invariant: after the n-th failure in a row nobody tries for `DELAYS[n - 1]` seconds, and
everybody who wants to hears why.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from prompting.errors import WriterUnavailable

DELAYS = (0.0, 0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)  # seconds; the last one for ever

_log = logging.getLogger("prompting.writers.writer")


class Backoff:
    """Counts failures in a row."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._clock = name, clock
        self._failures = 0
        self._reason = ""
        self._not_before = 0.0

    def failed(self, reason: str) -> None:
        """One more failure."""
        delay = DELAYS[min(self._failures, len(DELAYS) - 1)]
        self._failures += 1
        self._reason = reason
        self._not_before = self._clock() + delay
        next_try = f"next try in {delay:g} s" if delay else "the next wish tries again"
        _log.warning("%s: %s; %s", self._name, reason, next_try)

    def succeeded(self) -> None:
        """The writer works again."""
        self._failures = 0

    def check(self) -> None:
        """Raises WriterUnavailable while it is too early to try again."""
        if (wait := self._not_before - self._clock()) > 0:
            raise WriterUnavailable(f"{self._reason}; next try in {math.ceil(wait)} s")
