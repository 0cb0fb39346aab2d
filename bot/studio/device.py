"""What draws here: the device of the first worker that was ready.

It decides the precision, and so the pixels: a request that comes right after a start waits for it.
"""

from __future__ import annotations

import asyncio

from generation.errors import WorkerDied
from generation.fleet.wire import Ready

START_SECONDS = 120.0  # the longest that a first request waits for the worker to start


class DrawingDevice:
    """Known once a worker has said what it is, and for as long as the bot runs."""

    def __init__(self) -> None:
        self._first: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()

    def said(self, ready: Ready) -> None:
        """A worker is ready; the first one counts."""
        if not self._first.done():
            self._first.set_result(ready)

    @property
    def known(self) -> bool:
        """Whether a worker has been ready since the start; until then a submission waits."""
        return self._first.done()

    @property
    def name(self) -> str:
        """The device as torch calls it; "" until a worker has said."""
        return self._first.result().environment.device if self.known else ""

    async def wait(self) -> str:
        """The device as torch calls it, once it is known.  Raises WorkerDied."""
        # Not wait_for: until Python 3.12 it can swallow a cancellation.
        try:
            async with asyncio.timeout(START_SECONDS):
                ready = await asyncio.shield(self._first)
        except TimeoutError:
            raise WorkerDied(f"no worker was ready within {START_SECONDS:.0f} s") from None
        return ready.environment.device
