"""What is read off while the day goes by: the loop's lateness, memory at rest, the log.

Memory is read only at rest: nobody does anything, no request is open, garbage is collected and what
the allocators hold is given back, in both processes.  So two readings differ by what is kept, not
by what is going on.  It is what a process has written itself (anonymous memory), without the
libraries that it shares or does not share with whoever else runs: less than what `top` shows, so
that a growth of 2 % is a stricter bound.

Invariant: reading takes no memory that grows: histograms and a fixed number of readings.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

import psutil

from bot.dispatch.meanwhile import meanwhile
from bot.trials.bench.figure import Spread
from bot.trials.soak.allocator import give_back
from generation.yardstick import machine_slowness

TICK = 0.005  # seconds
QUARTER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRest:
    """Memory at rest."""

    at: float  # part of the day
    bot: int  # bytes
    worker: int  # bytes; 0 while there is none
    worker_pid: int | None
    tasks: int
    files: int  # open ones of the bot
    slowness: float = 1.0  # of the machine (`generation.yardstick`)


class Lateness:
    """How late the event loop is."""

    def __init__(self) -> None:
        self.spread = Spread()
        self.paused = False  # while memory is read, which stops the loop

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Ask every 5 ms while the block runs."""
        async with meanwhile(self._tick(), "lateness"):
            yield

    async def _tick(self) -> None:
        while True:
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            if not self.paused:
                self.spread.add(max(0.0, time.perf_counter() - due))


def read(part: float, worker_pid: int | None) -> AtRest:
    """Give back what nobody uses, then look.  Stops the loop for a moment."""
    give_back()
    process = psutil.Process()
    return AtRest(
        at=part,
        bot=_own(process),
        worker=_own(psutil.Process(worker_pid)) if worker_pid else 0,
        worker_pid=worker_pid,
        tasks=len(asyncio.all_tasks()),
        files=process.num_fds() if hasattr(process, "num_fds") else 0,
        slowness=machine_slowness(),
    )


def _own(process: psutil.Process) -> int:
    """Bytes that no file stands behind."""
    known = process.memory_info()
    if hasattr(known, "shared"):
        return int(known.rss - known.shared)
    return int(process.memory_full_info().uss)  # of other systems, the nearest


def quarters(values: Sequence[int]) -> tuple[float, float]:
    """The medians of the first and of the last quarter."""
    quarter = max(1, len(values) // QUARTER)
    return median(values[:quarter]), median(values[-quarter:])


class LogWatch(logging.Handler):
    """Collects what is logged as a warning or worse, and knows what was provoked."""

    KEPT = 50

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._excused: list[tuple[float, float, re.Pattern[str]]] = []
        self.provoked = 0
        self.unexpected: list[str] = []
        self.more = 0

    def excuse(self, pattern: str, seconds: float) -> None:
        """For so long, such lines are no surprise."""
        now = time.monotonic()
        self._excused.append((now - 1.0, now + seconds, re.compile(pattern)))

    def emit(self, record: logging.LogRecord) -> None:
        """Judge one."""
        now, text = time.monotonic(), f"{record.levelname} {record.name}: {record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({record.exc_info[1]!r})"
        if any(start <= now <= end and what.search(text) for start, end, what in self._excused):
            self.provoked += 1
        elif len(self.unexpected) < self.KEPT:
            self.unexpected.append(text)
        else:
            self.more += 1

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Listen at the root while the block runs."""
        logging.getLogger().addHandler(self)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(self)
