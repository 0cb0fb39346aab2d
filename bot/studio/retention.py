"""Retention: the files of old pictures go when the owner says so, once a day.

A recipe is never let go, nor a file that some recipe starts from, nor anything that was drawn or
posted less than a day ago.  What goes is therefore a cache: the recipe draws it again.

Files that nothing refers to, such as uploads of a wish that was never granted, go after a day.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from storage.accounts import Ledger
from storage.files import Files
from storage.pictures import Pictures

log = logging.getLogger(__name__)

DAY = 86400.0
FIRST_AFTER = 600.0  # seconds; a start has better things to do
HISTORY_DAYS = 90
AT_ONCE = 200  # files in a transaction
CLOCK_ERROR = 3600.0  # a clock that was put forward by more makes young files look old


def awake_and_asleep() -> float:
    """Seconds of a clock that nobody sets and that goes on while the machine sleeps, if it can."""
    clock = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Retention:
    """Lets go what is old."""

    def __init__(
        self,
        *,
        pictures: Pictures,
        files: Files,
        ledger: Ledger,
        keep_days: int,
        clock: Callable[[], float],
        steady: Callable[[], float] = awake_and_asleep,
    ) -> None:
        self._pictures, self._files, self._ledger = pictures, files, ledger
        self._keep_days = keep_days
        self._clock, self._steady = clock, steady
        self.first_after = FIRST_AFTER

    async def run(self) -> None:
        """Tidy, for ever, once a day."""
        pause = self.first_after
        while True:
            wall, steady = self._clock(), self._steady()
            await asyncio.sleep(pause)
            pause = DAY
            jumped = (self._clock() - wall) - (self._steady() - steady)
            if abs(jumped) > CLOCK_ERROR:
                log.warning("the clock jumped by %.0f s; nothing is let go today", jumped)
                continue
            try:
                await self.tidy()
            except Exception:  # whoever runs this sleeps at night
                log.exception("old files could not be let go; again tomorrow")

    async def tidy(self) -> int:
        """Let go what is old now; returns how many files."""
        now = self._clock()
        gone = await self._old_pictures(now) if self._keep_days else 0
        gone += await self._loose_files(now)
        await self._ledger.forget_before(now - HISTORY_DAYS * DAY)
        if gone:
            log.info("%d files were let go", gone)
        return gone

    async def _old_pictures(self, now: float) -> int:
        gone, more = 0, True
        while more:
            # Marked first: a crash in between leaves a loose file, never a picture without one.
            more, files = await self._pictures.let_go(
                drawn_before=now - self._keep_days * DAY, posted_before=now - DAY, limit=AT_ONCE
            )
            for file in files:
                await asyncio.to_thread(self._files.drop, file, before=now - DAY)
            gone += len(files)
        return gone

    async def _loose_files(self, now: float) -> int:
        gone = 0
        folders = self._files.older_than(now - DAY)
        while (old := await asyncio.to_thread(next, folders, None)) is not None:
            for file in await self._pictures.unneeded(old):
                await asyncio.to_thread(self._files.drop, file, before=now - DAY)
                gone += 1
        return gone
