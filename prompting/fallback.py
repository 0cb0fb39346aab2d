"""Who writes: the writer that was chosen, and where it is of no use for a wish, the spare one.

    chosen ── late, broken, unusable, not allowed, or nothing but the wish's words ──▶ spare
       └────── kept the wish and added to it ──▶ taken

The invariant: both together end within the deadline, so whoever waits never waits longer; and
where neither is of use, the caller hears why the chosen one was not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from prompting.asking import Asking, Clock, Told
from prompting.errors import Declined, Unreadable, WriterFailed, WriterTimeout
from prompting.reading.policy import Policy
from prompting.speaking.notes import note
from prompting.speaking.order import Order
from prompting.writers.cache import AnswerCache
from prompting.writers.writer import Writer

log = logging.getLogger(__name__)

RESERVE = 1.0  # seconds of the deadline that are the spare writer's,
RESERVE_SHARE = 0.25  # or this much of a short one


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of asking one writer; `trouble` is the name of the note that says why nothing."""

    writer: Writer
    told: Told | None
    trouble: str = ""
    why: str = ""

    @property
    def rank(self) -> int:
        """The lower, the better: of use, then told at all, then nothing."""
        if self.told is None:
            return 2
        return 0 if self.told.kept and self.told.more else 1

    def note(self, locale: str) -> str:
        """Why nothing came of it."""
        return note(self.trouble, locale, why=self.why)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordLimits:
    """What holds for every wish: its time in seconds, and words that are not drawn here."""

    deadline: float
    clock: Clock
    policy: Policy


class Writers:
    """The chosen writer and its spare.

    Trouble is told once, and again after the chosen writer was of use: nobody needs the same line
    below every picture, and the provenance names who wrote in any case.
    """

    def __init__(
        self, chosen: Writer, spare: Writer | None, cache: AnswerCache, limits: WordLimits
    ) -> None:
        self._chosen, self._spare = chosen, spare
        self._cache, self._limits = cache, limits
        self._told_of: set[str] = set()

    async def attempt(self, order: Order, seed: int, temperature: float) -> tuple[Attempt, str]:
        """The better of what both say, and a line for the person where that is the spare's."""
        until = self._limits.clock() + self._limits.deadline
        if self._spare is None:
            return await self._asked(self._chosen, order, seed, temperature, until), ""
        reserve = min(RESERVE, RESERVE_SHARE * self._limits.deadline)
        asking = self._asked(self._chosen, order, seed, temperature, until - reserve)
        # A writer may take half of the reserve to say that it is late.
        first = await self._in_time(asking, until - reserve / 2)
        if first.rank == 0:
            self._told_of.discard("away")
            return first, ""
        second = await self._asked(self._spare, order, seed, temperature, until)
        if second.rank >= first.rank:
            return first, ""
        return second, self._line(first, order.locale)

    async def _in_time(self, asking: Coroutine[Any, Any, Attempt], until: float) -> Attempt:
        left = max(0.0, until - self._limits.clock())
        try:
            async with asyncio.timeout(left):
                return await asking
        except TimeoutError:
            late = WriterTimeout(self._limits.deadline)
            return Attempt(writer=self._chosen, told=None, trouble="failed", why=late.reason)

    async def _asked(
        self, writer: Writer, order: Order, seed: int, temperature: float, until: float
    ) -> Attempt:
        limits = self._limits
        left = max(0.0, until - limits.clock())
        asking = Asking(writer, order, cache=self._cache, deadline=left, clock=limits.clock)
        trouble, why = "failed", ""
        try:
            told = await asking.told(seed, temperature)
            await asyncio.sleep(0)
            limits.policy.check(f"{told.rendered.prompt}\n{told.rendered.negative}", "result")
        except WriterFailed as error:
            why = error.reason
        except Unreadable as error:
            trouble, why = "unusable", error.reason
            log.info("%s: an unusable answer: %s", writer.name, why)
        except Declined:
            trouble = "declined"
        except Exception as error:  # a writer is a guest: its bugs must not cost a picture
            log.exception("the writer %s raised", writer.name)
            why = type(error).__name__
        else:
            return Attempt(writer=writer, told=told)
        return Attempt(writer=writer, told=None, trouble=trouble, why=why)

    def _line(self, first: Attempt, locale: str) -> str:
        kind = "away" if first.trouble == "failed" else "of no use"
        if kind in self._told_of:
            return ""
        self._told_of.add(kind)
        trouble = first.trouble
        if first.told is not None:
            trouble = "dull" if first.told.kept else "lossy"
        why = first.why
        if trouble != "failed":
            why = note(f"{trouble} answer", locale, why=why)
        return note("spare", locale, why=why)
