"""Delivery: every finished request is shown once, whatever is restarted in between.

The outbox row is written in the transaction that ends the request's last job, so nothing finished
can be forgotten.  Each attempt is counted before it is made; an attempt that follows another one
looks for the message first.  Discord's nonce covers the seconds in which even that could miss it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from bot.audience import Audience, Outcome, Undeliverable
from bot.rights import named_among
from generation.picture import UNKNOWN, Comparison, Fingerprint, compare
from storage.errors import Missing, StorageError
from storage.files import Files
from storage.instants import instant
from storage.pictures import Pictures, StoredPicture
from storage.tickets import Request, RequestId, Tickets
from storage.words import Words

log = logging.getLogger(__name__)

RETRY_SECONDS = (2.0, 10.0, 60.0, 300.0)
AT_ONCE = 8  # results in memory; after a day without Discord there may be thousands to post


class Delivery:
    """Empties the outbox."""

    def __init__(
        self,
        *,
        tickets: Tickets,
        pictures: Pictures,
        words: Words,
        files: Files,
        audience: Audience,
        posted: Callable[[Request], None],
    ) -> None:
        self._posted = posted  # told of every result with pictures
        self._tickets, self._pictures, self._files = tickets, pictures, files
        self._words = words
        self._audience = audience
        self._something = asyncio.Event()
        self._something.set()  # the outbox of the last run, at start
        self.retry_seconds: Sequence[float] = RETRY_SECONDS
        self._in_hand: set[RequestId] = set()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._noting: set[asyncio.Task[None]] = set()

    def look(self) -> None:
        """There may be something to deliver."""
        self._something.set()

    async def run(self) -> None:
        """Deliver, for ever."""
        async with asyncio.TaskGroup() as posting:
            while True:
                await self._something.wait()
                self._something.clear()
                try:
                    waiting = await self._tickets.undelivered()
                except StorageError:
                    log.exception("the outbox cannot be read; trying again")
                    await asyncio.sleep(self.retry_seconds[0])
                    self._something.set()
                    continue
                for request in waiting:
                    if request not in self._in_hand:
                        self._in_hand.add(request)
                        posting.create_task(self._deliver(request), name=f"post {request}")

    async def close(self) -> None:
        """Finish noting what was posted, so that a clean stop leaves no doubt behind."""
        if self._noting:
            await asyncio.wait(self._noting)

    async def outcome(self, request: Request) -> Outcome:
        """Everything there is to show of a finished request."""
        tickets = await self._tickets.of_request(request.id)
        drawn = await self._pictures.of_request(request.id)
        readable = [(p, png) for p in drawn if (png := await self._file(p)) is not None]
        pictures = tuple(picture for picture, _ in readable)
        files = tuple(png for _, png in readable)
        return Outcome(
            request=request,
            tickets=tickets,
            pictures=pictures,
            files=files,
            comparison=await self._comparison(request, pictures),
            wording=await self._words.find(request.id),
            unnamed=await self._unnamed(request),
        )

    async def _unnamed(self, request: Request) -> frozenset[int]:
        """Those pictures it came from that not everybody may see who sees the result."""
        numbers = {n for n in (request.parent, request.reproduces) if n is not None}
        found = [await self._pictures.get(number) for number in numbers]
        return frozenset(p.id for p in found if not named_among(p, request, deleted=p.deleted))

    async def _file(self, picture: StoredPicture) -> bytes | None:
        if picture.deleted:
            return None
        try:
            return await asyncio.to_thread(self._files.read, picture.png_sha256)
        except Missing:
            # The others are still worth showing; this one can be drawn again from its recipe.
            if picture.kept:
                log.exception("the file of picture %d is not readable", picture.id)
            return None

    async def _comparison(
        self, request: Request, pictures: tuple[StoredPicture, ...]
    ) -> Comparison | None:
        if not pictures:
            return None
        if request.expects is not None:
            before = Fingerprint(environment=UNKNOWN, pixels_sha256=request.expects)
            return compare(before, pictures[0].fingerprint)
        if request.reproduces is None:
            return None
        original = await self._pictures.get(request.reproduces)
        return compare(original.fingerprint, pictures[0].fingerprint)

    async def _deliver(self, request: RequestId) -> None:
        attempt = 0
        try:
            while True:
                try:
                    async with self._room:
                        await self._try(request)
                    return
                except Exception:
                    pause = self.retry_seconds[min(attempt, len(self.retry_seconds) - 1)]
                    log.exception("request %d not delivered; again in %.0f s", request, pause)
                    await asyncio.sleep(pause)
                    attempt += 1
        finally:
            self._in_hand.discard(request)

    async def _try(self, request: RequestId) -> None:
        try:
            # Counted before it is made, so that a crash in between is known afterwards.
            perhaps_posted = await self._tickets.delivering(request)
        except Missing:
            return  # it has been delivered
        outcome = await self.outcome(await self._tickets.request(request))
        try:
            message = await self._audience.deliver(outcome, perhaps_posted=perhaps_posted)
        except Undeliverable as closed:
            log.warning("request %d cannot be delivered: %s", request, closed)
            message = None
        else:
            if outcome.pictures:
                self._posted(outcome.request)
        instant("result.posted")
        await self._note(request, message)

    async def _note(self, request: RequestId, message: int | None) -> None:
        noting = asyncio.create_task(self._tickets.delivered(request, message))
        self._noting.add(noting)
        noting.add_done_callback(self._noted)
        # A stop must not come between the post and the note of it.
        await asyncio.shield(noting)

    def _noted(self, noting: asyncio.Task[None]) -> None:
        self._noting.discard(noting)
        if not noting.cancelled():
            noting.exception()  # looked at: after a stop nobody waits for it
