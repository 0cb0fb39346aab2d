"""Admission: how requests come into the queue, and how they are taken out of it.

Invariant: what is acknowledged is committed, and what is committed finds its way to the queue,
also when whoever asked has gone away meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from bot.dispatch.dispatcher import Dispatcher, Listeners
from bot.dispatch.meter import Meter
from bot.dispatch.open_requests import OpenRequests
from bot.telemetry.events import JobEnded, Queued
from generation.queue.fair_queue import FairQueue
from generation.recipe import Recipe
from storage.stores import Stores
from storage.tickets import Asked, Request, RequestId, State
from storage.words import Wording

T = TypeVar("T")

CLOSING_SECONDS = 15.0  # that submissions and cancellations have to come to their end


class Admission:
    """Lets requests in, one at a time, and ends them."""

    def __init__(
        self,
        *,
        stores: Stores,
        queue: FairQueue,
        meter: Meter,
        open_requests: OpenRequests,
        dispatcher: Dispatcher,
        listeners: Listeners,
    ) -> None:
        self._tickets, self._files, self._ledger = stores.tickets, stores.files, stores.ledger
        self._queue, self._meter, self._open_requests = queue, meter, open_requests
        self._dispatcher, self._to = dispatcher, listeners
        # One submission at a time: between "is there room?" and "it is queued" nobody else counts,
        # and between "the file is there" and "it is needed" nobody deletes it.
        self.door = asyncio.Lock()
        self._half_done: set[asyncio.Task[Any]] = set()

    async def replay(self) -> int:
        """Put everything that was waiting back into the queue.  Returns how many jobs."""
        accounts = await self._ledger.load()
        if accounts is not None:
            self._queue.restore(accounts)
        now, waiting = time.monotonic(), []
        for request, tickets in await self._tickets.replay():
            self._open_requests.open(request, tickets)
            waiting += [ticket.job for ticket in tickets if ticket.state.open]
        for job in sorted(waiting, key=lambda job: job.id):
            self._queue.put(job, now)
            self._to.watch(Queued(job=job))
        self._dispatcher.arrived()
        return len(waiting)

    def seconds(self, recipes: Sequence[Recipe]) -> list[float]:
        """What each would take of the device, as far as is known."""
        return [self._meter.costs.predict(recipe) for recipe in recipes]

    async def admit(
        self, asked: Asked, recipes: Sequence[Recipe], wording: Wording | None
    ) -> Request:
        """Commit recipes as a request, and let them wait for their turn.

        Raises QueueFull, AskedBefore, Missing where an input is gone, or StorageError.
        """
        return await self._to_the_end(self._admit(asked, recipes, wording))

    async def _admit(
        self, asked: Asked, recipes: Sequence[Recipe], wording: Wording | None
    ) -> Request:
        costs = self.seconds(recipes)
        async with self.door:
            self._queue.room_for(asked.owner, costs)
            for digest in {item.sha256 for recipe in recipes for item in recipe.inputs}:
                await asyncio.to_thread(self._files.need, digest)
            request, tickets = await self._tickets.add(asked, recipes, costs, wording)
            for ticket in tickets:
                self._queue.put(ticket.job, time.monotonic())
                self._to.watch(Queued(job=ticket.job))
            self._open_requests.open(request, tickets)
        self._dispatcher.arrived()
        return request

    async def end(self, request: RequestId) -> None:
        """Cancel what of it has not ended: what waits at once, what is drawn within a step."""
        await self._to_the_end(self._end(request))

    async def _end(self, request: RequestId) -> None:
        waiting, running = await self._tickets.cancel(request)
        for job in waiting:
            # A seat may have taken it in this very moment, when its ticket did not know yet.
            if not self._dispatcher.has(job) and (left := self._queue.cancel(job)) is not None:
                self._open_requests.ended(job)
                self._to.watch(JobEnded(job=left, state=State.CANCELLED, seconds=0.0))
        # What runs by its ticket and waits here was put back when the studio stumbled.
        astray = [job for job in running if not self._dispatcher.has(job)]
        stray = [found for job in astray if (found := self._queue.cancel(job)) is not None]
        await self._dispatcher.cancel((*running, *waiting))
        for lost in stray:
            self._open_requests.ended(lost.id)
            self._to.watch(JobEnded(job=lost, state=State.CANCELLED, seconds=0.0))
            await self._dispatcher.saver.end(lost, State.CANCELLED, "Cancelled: ", None)
        self._to.audience.changed(request)
        self._to.request_ended()

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
