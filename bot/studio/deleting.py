"""Deleting, with a minute to think better of it.

What is deleted is gone for everybody at once; its bytes stay for a minute, also across a restart,
so that whoever took it away can bring it back.  Then it is posted again, as if it were new.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from storage.errors import Missing, StorageError
from storage.stores import Stores
from storage.tickets import RequestId

log = logging.getLogger(__name__)

UNDO_SECONDS = 60.0
RETRY_SECONDS = 10.0


class TooLate(Exception):
    """The time in which it could be brought back is over."""


class Deleting:
    """Takes results away, and brings them back."""

    def __init__(
        self,
        stores: Stores,
        *,
        door: asyncio.Lock,
        clock: Callable[[], float],
        restored: Callable[[], None],
    ) -> None:
        self._deletions, self._files, self._tickets = stores.deletions, stores.files, stores.tickets
        self._index = stores.index
        self._door = door  # while it is closed, nobody begins to need a file
        self._clock, self._restored = clock, restored
        self._deleted = asyncio.Event()
        self.undo_seconds = UNDO_SECONDS

    async def delete(self, request: RequestId, *, by: int) -> float | None:
        """Take it away; returns until when it can be brought back (None: it was gone before)."""
        at = self._clock()
        until = at + self.undo_seconds
        until_then = await self._deletions.delete(request, by=by, until=until, at=at)
        self._deleted.set()
        return until_then

    async def restore(self, request: RequestId, *, by: int) -> None:
        """Bring it back.  Raises TooLate."""
        async with self._door:
            try:
                await self._deletions.restore(request, by=by, now=self._clock())
            except Missing:
                raise TooLate from None
        self._restored()

    async def share(self, request: RequestId) -> bool:
        """Post a private answer for all; False: it was, or it is not drawn yet."""
        async with self._door:
            shared = await self._tickets.share(request)
        self._restored()
        return shared

    async def run(self) -> None:
        """Let go the files of what nobody has brought back, for ever."""
        while True:
            self._deleted.clear()
            try:
                pause = await self._let_go()
            except StorageError:
                log.exception("what was deleted cannot be let go; trying again")
                pause = RETRY_SECONDS
            try:
                async with asyncio.timeout(pause):
                    await self._deleted.wait()
            except TimeoutError:
                continue

    async def _let_go(self) -> float | None:
        """Let go what is over; returns in how many seconds there may be more."""
        due = await self._deletions.next_over()
        over = due is not None and due <= self._clock()
        async with self._door:
            # A crash in between leaves a loose file, which goes with the other loose ones.
            for file in await self._deletions.let_go(now=self._clock()):
                await asyncio.to_thread(self._files.drop, file)
        if over:
            await self._index.scrub()
        until = await self._deletions.next_over()
        # The clock may be put back: nothing is kept for longer than was said.
        return None if until is None else min(max(until - self._clock(), 0.01), UNDO_SECONDS)
