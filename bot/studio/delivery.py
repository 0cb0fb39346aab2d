"""Delivery: every finished request is shown once or held, whatever is restarted in between.

The outbox row is written in the transaction that ends the request's last job, so nothing finished
can be forgotten.  Each attempt is counted before it is made; an attempt that follows another one
looks for the message first.  Discord's nonce covers the seconds in which even that could miss it.
Which message it became is noted before the progress message goes, so no attempt after that posts.

What no place takes is held: it is tried again when somebody who could change that did something,
when its owner asks for anything, at a start, and by a clock that gets slower.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from bot.dispatch.audience import Audience, Outcome, Shown, Undeliverable
from bot.studio.rights import named_among
from bot.telemetry.events import Delivered, Watch
from generation.picture import UNKNOWN, Comparison, Fingerprint, compare
from storage.errors import Missing, StorageError
from storage.failpoints import instant
from storage.pictures import StoredPicture
from storage.stores import Stores
from storage.tickets import Held, Request, RequestId, Sent

log = logging.getLogger(__name__)

RETRY_SECONDS = (2.0, 10.0, 60.0, 300.0)
TRIES = 12  # of what fails for no reason of Discord's, before it is held as a fault of ours
AT_ONCE = 8  # results in memory; after a day without Discord there may be thousands to post


async def _nothing_before(_: RequestId) -> None:
    """A result is shown as it is."""


class Delivery:
    """Empties the outbox.  `before` is awaited of each result before it is shown."""

    def __init__(
        self,
        stores: Stores,
        *,
        watch: Watch,
        clock: Callable[[], float],
        before: Callable[[RequestId], Awaitable[None]] = _nothing_before,
    ) -> None:
        self._watch, self._clock = watch, clock  # the clock tells Unix time
        self._before = before
        self._tickets, self._pictures, self._files = stores.tickets, stores.pictures, stores.files
        self._words, self._deletions = stores.words, stores.deletions
        self._something = asyncio.Event()
        self._something.set()  # the outbox of the last run, at start
        self.retry_seconds: Sequence[float] = RETRY_SECONDS
        self._in_hand: set[RequestId] = set()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._noting: set[asyncio.Task[None]] = set()
        # Servers in which, and people for whom, something may have changed.
        self._guilds: set[int] = set()
        self._owners: set[int] = set()

    def look(self) -> None:
        """There may be something to deliver."""
        self._something.set()

    @property
    def busy(self) -> bool:
        """Whether something is being said."""
        return bool(self._in_hand)

    def reconsider(self, *, guild: int | None = None, owner: int | None = None) -> None:
        """What is held of a server or of a person may be taken now."""
        if guild is not None:
            self._guilds.add(guild)
        if owner is not None:
            self._owners.add(owner)
        self._something.set()

    async def held_of(self, owner: int) -> tuple[Held, ...]:
        """What of a person's is done and has no place."""
        return await self._tickets.held_of(owner=owner)

    async def run(self, audience: Audience) -> None:
        """Deliver to this audience, for ever."""
        started = False
        async with asyncio.TaskGroup() as posting:
            while True:
                self._something.clear()
                try:
                    if not started:
                        await self._tickets.release(now=self._clock())
                        started = True
                    await self._consider(audience)
                    waiting = await self._tickets.due(self._clock())
                    next_due = await self._tickets.next_due()
                except StorageError:
                    log.exception("the outbox cannot be read; trying again")
                    await asyncio.sleep(self.retry_seconds[0])
                    continue
                for request in waiting:
                    if request not in self._in_hand:
                        self._in_hand.add(request)
                        deliver = self._deliver(request, audience)
                        posting.create_task(deliver, name=f"post {request}")
                await self._rest(next_due)

    async def _rest(self, next_due: float | None) -> None:
        """Until there is something, or until what is held is due."""
        seconds = None if next_due is None else max(next_due - self._clock(), 0.0)
        if seconds is not None and self._in_hand:
            seconds = max(seconds, 5.0)  # what is due may be in hand; its end is heard of
        # Not wait_for: until Python 3.12 it can swallow a cancellation.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._something.wait()

    async def _consider(self, audience: Audience) -> None:
        """What is held is due where that may help."""
        guilds, self._guilds = self._guilds, set()
        owners, self._owners = self._owners, set()
        found = [
            held.request
            for guild in guilds
            for held in await self._tickets.held_of(guild=guild)
            # Something happens in a server all the time; most of it changes nothing for us.
            if audience.may_post(held.channel)
        ]
        for owner in owners:
            found += [held.request for held in await self._tickets.held_of(owner=owner)]
        if found:
            await self._tickets.sooner(found, now=self._clock())

    async def close(self) -> None:
        """Finish noting what was posted, so that a clean stop leaves no doubt behind."""
        if self._noting:
            await asyncio.wait(self._noting)

    async def outcome(self, request: Request) -> Outcome:
        """Everything there is to show of a finished request."""
        tickets = await self._tickets.of_request(request.id)
        all_drawn = await self._pictures.of_request(request.id)
        drawn = [picture for picture in all_drawn if not picture.withheld]
        readable = [(p, file) for p in drawn if (file := await self._file(p)) is not None]
        pictures = tuple(picture for picture, _ in readable)
        original = await self._original(request)
        files = tuple(file for _, file in readable)
        unnamed = await self._unnamed(request)
        return Outcome(
            request=request,
            tickets=tickets,
            pictures=pictures,
            files=files,
            comparison=_comparison(request, original, pictures),
            wording=await self._words.find(request.id),
            parent=await self._parent(request, unnamed),
            unnamed=unnamed,
            private=original is not None and original.owner != request.origin.owner,
            withheld=tuple(picture.id for picture in all_drawn if picture.withheld),
            returned=await self._deletions.returned(request.id),
        )

    async def _unnamed(self, request: Request) -> frozenset[int]:
        """Those pictures it came from that not everybody may see who sees the result."""
        numbers = {n for n in (request.parent, request.reproduces) if n is not None}
        found = [await self._pictures.get(number) for number in numbers]
        return frozenset(
            p.id for p in found if not named_among(p, request.origin.seen_by, deleted=p.deleted)
        )

    async def _parent(self, request: Request, unnamed: frozenset[int]) -> StoredPicture | None:
        """The picture that a request changes, where all may know it who see the result."""
        if request.parent is None or request.parent in unnamed:
            return None
        return await self._pictures.find(request.parent)

    async def _original(self, request: Request) -> StoredPicture | None:
        """The picture that a request draws again."""
        if request.reproduces is None:
            return None
        return await self._pictures.get(request.reproduces)

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

    async def _deliver(self, request: RequestId, audience: Audience) -> None:
        attempt = 0
        try:
            while True:
                try:
                    await self._before(request)  # others are shown meanwhile
                    async with self._room:
                        await self._try(request, audience)
                    return
                except Exception as error:
                    pause = self.retry_seconds[min(attempt, len(self.retry_seconds) - 1)]
                    log.exception("request %d not delivered; again in %.0f s", request, pause)
                    attempt += 1
                    if attempt >= TRIES and not _passes(error):
                        await self._give_up(request, audience)
                        return
                    await asyncio.sleep(pause)
        finally:
            self._in_hand.discard(request)
            self.look()  # when it is due again, if it is held

    async def _try(self, request: RequestId, audience: Audience) -> None:
        try:
            # Counted before it is made, so that a crash in between is known afterwards.
            perhaps_posted = await self._tickets.delivering(request)
            sent = await self._tickets.sent(request)
        except Missing:
            return  # it has been delivered
        # Before all else of it: what is shared or brought back from here on is said once more.
        returned = await self._deletions.returned(request)
        found = await self.outcome(await self._tickets.request(request))
        outcome = replace(found, direct=sent.direct, returned=returned)
        shown = _shown(sent)
        if shown is None:
            try:
                shown = await audience.deliver(outcome, perhaps_posted=perhaps_posted)
            except Undeliverable as refused:
                await self._hold(outcome, refused, audience)
                return
            if outcome.pictures and not outcome.returned:
                seconds = self._clock() - outcome.request.created
                self._watch(Delivered(request=request, seconds=seconds))
            instant("result.posted")
            if shown is not None:
                await self._to_the_end(
                    self._tickets.posted(
                        request, shown.message, shown.channel, returned=outcome.returned
                    )
                )
        await audience.conclude(outcome, shown)
        instant("result.concluded")
        await self._to_the_end(self._tickets.delivered(request, None, returned=outcome.returned))
        await self._conclude_late(outcome, shown, audience)

    async def _hold(self, outcome: Outcome, refused: Undeliverable, audience: Audience) -> None:
        request = outcome.request.id
        log.warning("request %d is held: %s", request, refused)
        await self._to_the_end(
            self._tickets.hold(request, str(refused), at=self._clock(), returned=outcome.returned)
        )
        instant("result.held")
        await audience.conclude(outcome, None, held=refused.why)
        await self._conclude_late(outcome, None, audience, held=refused.why)

    async def _give_up(self, request: RequestId, audience: Audience) -> None:
        """Hold a request that fails again and again, though Discord and the disk are there."""
        try:
            outcome = await self.outcome(await self._tickets.request(request))
            await self._hold(outcome, Undeliverable(FAULT, "see the log"), audience)
        except Exception:
            log.exception("request %d cannot even be held", request)
            await self._tickets.hold(request, FAULT, at=self._clock())

    async def _conclude_late(
        self, outcome: Outcome, shown: Shown | None, audience: Audience, *, held: str = ""
    ) -> None:
        """A progress message that was made meanwhile ends like one that was there before."""
        now = await self._tickets.request(outcome.request.id)
        if now.progress_message != outcome.request.progress_message:
            await audience.conclude(replace(outcome, request=now), shown, held=held)

    async def _to_the_end(self, work: Coroutine[Any, Any, None]) -> None:
        noting = asyncio.create_task(work)
        self._noting.add(noting)
        noting.add_done_callback(self._noted)
        # A stop must not come between the post and the note of it.
        await asyncio.shield(noting)

    def _noted(self, noting: asyncio.Task[None]) -> None:
        self._noting.discard(noting)
        if not noting.cancelled():
            noting.exception()  # looked at: after a stop nobody waits for it


FAULT = "fault"


def _shown(sent: Sent) -> Shown | None:
    if sent.message is None:
        return None
    return Shown(message=sent.message, channel=sent.shown_in)


def _passes(error: Exception) -> bool:
    """Whether it is trouble of the network, of Discord or of the disk, which time mends."""
    return isinstance(error, (OSError, StorageError, TimeoutError)) or hasattr(error, "status")


def _comparison(
    request: Request, original: StoredPicture | None, pictures: tuple[StoredPicture, ...]
) -> Comparison | None:
    if not pictures:
        return None
    if request.expects is not None or request.expects_file is not None:
        before = Fingerprint(
            environment=UNKNOWN,
            pixels_sha256=request.expects,
            file_sha256=request.expects_file,
        )
        return compare(before, pictures[0].fingerprint)
    return None if original is None else compare(original.fingerprint, pictures[0].fingerprint)
