"""A sight for pages: a page with all its pictures is one question to Discord about each channel.

Invariant: an answer is used for SECONDS, for that person and channel, and not longer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from bot.studio.rights import Access, Sight

SECONDS = 5.0
MOST = 1000  # answers that are kept

Question = tuple[int, int, int]


class RecentSight:
    """Looks through another, once for those who ask the same at about the same time."""

    def __init__(self, sight: Sight, clock: Callable[[], float] = time.monotonic) -> None:
        self._sight, self._clock = sight, clock
        self._asked: dict[Question, tuple[float, asyncio.Task[Access]]] = {}

    async def access(self, person: int, guild: int, channel: int) -> Access:
        """What a person could do there some seconds ago."""
        question, now = (person, guild, channel), self._clock()
        found = self._asked.get(question)
        if found is None or now - found[0] >= SECONDS:
            self._forget(now)
            looking = asyncio.ensure_future(self._look(*question))
            found = self._asked[question] = (now, looking)
        try:
            # Whoever leaves takes nothing from the others who wait for it.
            return await asyncio.shield(found[1])
        except BaseException:
            self._asked.pop(question, None)
            raise

    async def _look(self, person: int, guild: int, channel: int) -> Access:
        return await self._sight.access(person, guild, channel)

    def _forget(self, now: float) -> None:
        old = [q for q, (then, _) in self._asked.items() if now - then >= SECONDS]
        for question in old or (list(self._asked) if len(self._asked) >= MOST else ()):
            del self._asked[question]
