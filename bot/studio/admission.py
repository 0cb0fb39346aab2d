"""Admission: how requests come into the queue, and how they are taken out of it.

Invariant: what is acknowledged is committed, and what is committed finds its way to the queue,
also when whoever asked has gone away meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from bot.dispatch.drawing import Drawings
from bot.dispatch.lifecycle import Lifecycle
from bot.dispatch.meter import Meter
from bot.studio.quotas import Quotas
from bot.studio.servers import Servers
from generation.job import UserId
from generation.recipe import Recipe
from storage.stores import Stores
from storage.tickets import Asked, Request, RequestId
from storage.words import Wording

T = TypeVar("T")

CLOSING_SECONDS = 15.0  # that submissions and cancellations have to come to their end


class Admission:
    """Lets requests in, one at a time, and ends them."""

    def __init__(
        self,
        stores: Stores,
        meter: Meter,
        lifecycle: Lifecycle,
        drawings: Drawings,
        servers: Servers,
        quotas: Quotas,
    ) -> None:
        self._servers, self._quotas = servers, quotas
        self._tickets, self._files, self._ledger = stores.tickets, stores.files, stores.ledger
        self._meter, self._jobs, self._drawings = meter, lifecycle, drawings
        # One submission at a time: between "is there room?" and "it is queued" nobody else counts,
        # and between "the file is there" and "it is needed" nobody deletes it.
        self.door = asyncio.Lock()
        self._half_done: set[asyncio.Task[Any]] = set()

    async def replay(self) -> int:
        """Put everything that was waiting back into the queue.  Returns how many jobs."""
        accounts = await self._ledger.load()
        if accounts is not None:
            self._jobs.queue.restore(accounts)
        return sum([self._jobs.queued(*found) for found in await self._tickets.replay()])

    def seconds(self, recipes: Sequence[Recipe]) -> list[float]:
        """What each would take of the device, as far as is known."""
        return [self._meter.costs.predict(recipe) for recipe in recipes]

    async def admit(
        self, asked: Asked, recipes: Sequence[Recipe], wording: Wording | None
    ) -> Request:
        """Commit recipes as a request, and let them wait for their turn.

        Raises ServerDeclines or Declined where the rules say no, QueueFull, AskedBefore, Missing
        where an input is gone, or StorageError.
        """
        return await self._to_the_end(self._admit(asked, recipes, wording))

    async def _admit(
        self, asked: Asked, recipes: Sequence[Recipe], wording: Wording | None
    ) -> Request:
        costs = self.seconds(recipes)
        self._servers.accepts(asked.origin, (asked.words,), recipes)
        if wording is not None:
            self._servers.accepts_style(asked.origin, wording.assisted.style)
        async with self.door:
            self._servers.admits(asked.origin)
            await self._quotas.check(asked.origin, recipes, costs)
            self._jobs.queue.room_for(asked.origin.owner, costs)
            for digest in {item.sha256 for recipe in recipes for item in recipe.inputs}:
                await asyncio.to_thread(self._files.need, digest)
            request, tickets = await self._tickets.add(asked, recipes, costs, wording)
            self._jobs.queued(request, tickets)
        return request

    async def end(self, request: RequestId, *, by: UserId, at: float) -> None:
        """Cancel what of it has not ended: what waits at once, what is drawn within a step."""
        await self._to_the_end(self._end(request, by, at))

    async def _end(self, request: RequestId, by: UserId, at: float) -> None:
        await self._drawings.cancel(*await self._tickets.cancel(request, by=by, at=at))

    async def close(self) -> None:
        """Finish what must not be left half done."""
        if self._half_done:
            _, stuck = await asyncio.wait(self._half_done, timeout=CLOSING_SECONDS)
            for task in stuck:
                task.cancel()  # the disk is full, and what was asked is asked again

    async def _to_the_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Whoever asked may go away; what is committed must still find its way to the queue."""
        task = asyncio.create_task(work)
        self._half_done.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._half_done.discard(task)
        if not task.cancelled():
            task.exception()  # looked at: nobody may be waiting for it
