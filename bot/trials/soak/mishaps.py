"""What goes wrong on purpose: a killed worker, a locked database, a Discord that fails.

Each says beforehand what the log may then contain and for how long.  Anything else that is logged
as a warning is a finding.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot.app import App
from bot.sandbox.realtime import LiveEnv
from bot.trials.soak.gauges import LogWatch
from generation.fleet.local import LocalWorker
from storage.trials.audit import hold_locked

LOCKED_SECONDS = 7.0  # the database's own patience is 5
FAILURES = 3  # of Discord
AFTERMATH = 30.0  # seconds in which what was provoked may still be logged
KILLED = "worker killed"
DEATH = r"killed by SIGKILL|worker of .* died|it will be drawn again"
LOCK = r"DatabaseLocked|database is locked|in use by another"
OUTAGE = r"injected by test"


@dataclass(slots=True, kw_only=True)
class Mishaps:
    """The day's accidents; each says what it did."""

    app: App
    env: LiveEnv
    log: LogWatch
    database: Path

    def plan(self) -> tuple[tuple[float, Callable[[], Awaitable[str]]], ...]:
        """In the order of the day.  The last worker lives for more than half of it."""
        return (
            (0.06, self.kill),
            (0.20, self.kill),
            (0.40, self.kill),
            (0.55, self.lock),
            (0.70, self.outage),
        )

    async def kill(self) -> str:
        """Kill the worker while it draws, as the system does when memory is short."""
        worker = self.app.workers[0]
        assert isinstance(worker, LocalWorker)
        for _ in range(200):
            open_requests = self.app.studio.open_requests
            if any(open_requests.is_drawing(request) for request in open_requests.requests()):
                break
            await asyncio.sleep(0.05)
        if worker.pid is not None:
            self.log.excuse(DEATH, AFTERMATH)
            psutil.Process(worker.pid).kill()
            return KILLED
        return "no worker to kill"

    async def lock(self) -> str:
        """Another program holds the database for longer than the bot waits."""
        self.log.excuse(LOCK, LOCKED_SECONDS + AFTERMATH)
        await asyncio.to_thread(hold_locked, self.database, LOCKED_SECONDS)
        return f"database locked for {LOCKED_SECONDS:.0f} s"

    async def outage(self) -> str:
        """Discord answers the next results with 500."""
        self.log.excuse(OUTAGE, AFTERMATH)
        self.env.inject_error("POST", "/channels/*/messages", status=500, times=FAILURES)
        return f"Discord failed {FAILURES} times"
