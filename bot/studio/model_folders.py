"""The owner's model folders while the bot runs: what is put there can be drawn with, what is taken
away is not offered any more.

The event loop never waits for a disk: every look is a thread's, and there is one at a time.  The
invariant: whatever changed in the folders is in the catalog a look after it has come to rest, and
at once where somebody named what the catalog does not know.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from generation.catalog.catalog import Catalog

log = logging.getLogger(__name__)

LOOK_EVERY = 10.0  # seconds
LOOK_SOONER = 2.0  # when somebody is choosing
PATIENCE = 20.0  # of somebody who named what is not known; a large new file is read for longer


class ModelFolders:
    """Keeps a catalog as its folders are."""

    def __init__(self, catalog: Catalog, *, every: float | None = None) -> None:
        self._catalog, self._every = catalog, LOOK_EVERY if every is None else every
        self._wanted = asyncio.Event()
        self._look: asyncio.Task[bool] | None = None  # under way

    async def run(self) -> None:
        """Look, for ever."""
        sooner = min(LOOK_SOONER, self._every)
        while True:
            await asyncio.sleep(sooner)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._every - sooner)
            self._wanted.clear()
            try:
                await self._looked(at_rest=True)
                if self._catalog.is_changing:
                    self.nudge()
            except Exception:  # whoever runs this sleeps at night
                log.exception("the model folders could not be looked at; again in a moment")

    def nudge(self) -> None:
        """Somebody is choosing: look soon."""
        self._wanted.set()

    async def changed(self) -> bool:
        """Look now, for somebody who waits; returns whether anything is other than before."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                # One that is under way may be content with less.
                under_way = self._look is not None and await asyncio.shield(self._look)
                return under_way or await self._looked(at_rest=False)
        return False

    async def _looked(self, *, at_rest: bool) -> bool:
        if self._look is None:
            work = asyncio.to_thread(self._refreshed, at_rest)
            self._look = asyncio.create_task(work, name="a look at the model folders")
            self._look.add_done_callback(self._seen)
        return await asyncio.shield(self._look)

    def _seen(self, _: asyncio.Task[bool]) -> None:
        self._look = None

    def _refreshed(self, at_rest: bool) -> bool:
        before = self._said()
        found = self._catalog.refresh(at_rest=at_rest)
        now = self._said()
        for line in sorted(now - before):
            log.info("now here: %s", line)
        for line in sorted(before - now):
            log.info("no longer here: %s", line)
        return found

    def _said(self) -> set[str]:
        """A line for everything that lies there."""
        usable = {
            f"{entry.kind} {entry.name} [{entry.weights.sha256[:10]}]"
            for entry in self._catalog.entries()
        }
        return usable | {f"not usable: {refused}" for refused in self._catalog.refused()}
