"""Waiting for what a test started, with an end: what has no event is polled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.app import App

LONG = 60.0  # seconds; only what hangs takes longer


async def eventually(true: Callable[[], object]) -> None:
    """Until it is true.  Raises TimeoutError."""
    async with asyncio.timeout(LONG):
        while not true():  # noqa: ASYNC110  # a test polls what has no event
            await asyncio.sleep(0.01)


async def everything_told(app: App) -> None:
    """Until nothing waits to be posted.  Raises TimeoutError."""
    async with asyncio.timeout(LONG):
        while await app.stores.tickets.undelivered():  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.01)
