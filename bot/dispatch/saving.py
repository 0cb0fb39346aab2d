"""Keeping what was drawn: file, then database, however long storage refuses.

The invariant: a finished picture is stored, or storage holds a reason why not; a full disk is
somebody's to clear, and until then pictures wait in memory (a few) and drawing waits for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, repeat
from typing import TypeVar

from bot.dispatch.seats import believable
from generation.errors import Cancelled
from generation.fleet.wire import Finished
from generation.job import Job, JobId
from generation.media.table import MEDIA, Media, medium_of
from generation.picture import Environment, Picture, remarked
from generation.reasons import reason_of
from generation.recipe import Sha256
from storage.errors import Ended, Fenced, Missing, StorageError
from storage.files import Files
from storage.tickets import Lease, State, Tickets

log = logging.getLogger(__name__)

T = TypeVar("T")

# Finished works held in memory while storage refuses, and their bytes; then drawing waits.
MAX_UNSAVED = 4
MAX_UNSAVED_BYTES = 256 * 2**20
RETRY_SECONDS = (1.0, 5.0, 15.0, 60.0)


class Unsaved:
    """What is finished, and not stored yet."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._held: list[int] = []  # bytes of each work
        self._room = asyncio.Event()
        self._room.set()

    def locked(self) -> bool:
        """Whether there is no room for another work."""
        return len(self._held) >= MAX_UNSAVED or sum(self._held) >= self.most_bytes

    async def room(self) -> None:
        """Wait until there is."""
        while self.locked():
            self._room.clear()
            await self._room.wait()

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """A work of so many bytes is in memory, whether there is room or not."""
        self._held.append(size)
        try:
            yield
        finally:
            self._held.remove(size)
            self._room.set()


class Saver:
    """Writes how jobs end."""

    def __init__(
        self,
        tickets: Tickets,
        files: Files,
        *,
        clock: Callable[[], float],
        media: Media = MEDIA,
    ) -> None:
        self._tickets, self._files = tickets, files
        self._clock, self._media = clock, media
        self._unsaved = Unsaved(MAX_UNSAVED_BYTES)
        self.retry_seconds: Sequence[float] = RETRY_SECONDS

    async def room(self) -> None:
        """Wait until one more work may be drawn without being lost for want of memory."""
        await self._unsaved.room()

    async def inputs(self, job: Job) -> tuple[bytes, ...]:
        """The bytes of the job's inputs, in their order.  Raises StorageError."""
        read = self._files.read
        return tuple([await asyncio.to_thread(read, i.sha256) for i in job.recipe.inputs])

    async def start(self, job: Job, seat: str) -> Lease:
        """Store that a seat draws it now.  Raises Ended when it was cancelled meanwhile."""
        # Meanwhile the picture is drawn, and kept when storage is back.
        return await self._until_stored(
            lambda: self._tickets.started(job.id, seat, at=self._clock())
        )

    async def keep(
        self, leased: Awaitable[Lease], job: Job, environment: Environment, done: Finished
    ) -> None:
        """Store a finished picture, unless the lease has passed to somebody else.

        Raises Ended when the job was cancelled as it began.
        """
        picture = Picture(
            recipe=job.recipe,
            environment=remarked(environment, done.remark),
            file=done.file,
            pixels_sha256=Sha256(done.pixels_sha256),
            latents_sha256=Sha256(done.latents_sha256),
            seconds=believable(done.seconds),
        )

        async def write() -> None:
            suffix = medium_of(job.recipe, self._media).suffix_for(picture.file)
            file = await asyncio.to_thread(self._files.keep, picture.file, suffix)
            await self._tickets.drawn(
                job.id, lease.epoch, picture, png_sha256=file, drawn_at=self._clock()
            )

        # From here on it takes up memory, also while storage refuses to note its start.
        with self._unsaved.hold(len(picture.file)):
            lease = await leased
            await self._settle(write)

    async def state(self, job: JobId) -> State:
        """Where the job is, as it is stored.  Raises StorageError."""
        return await self._tickets.state(job)

    async def end(self, job: Job, state: State, why: Exception, lease: Lease | None) -> None:
        """Store that there is no picture, and why."""
        epoch = lease.epoch if lease is not None else None
        reason = reason_of(why)
        await self._settle(lambda: self._tickets.ended(job.id, state, reason, epoch=epoch))

    async def end_cancelled(self, job: JobId) -> None:
        """Store that it is cancelled, whoever had it.  Raises StorageError; tries once."""
        reason = reason_of(Cancelled("the bot was stopped"))
        await self._tickets.ended(job, State.CANCELLED, reason, epoch=None)

    async def put_back(self, lease: Lease, *, blamed: bool) -> None:
        """The job waits again; this try counts against it when it is `blamed`."""
        await self._settle(lambda: self._tickets.put_back(lease.job, lease.epoch, blamed=blamed))

    async def _settle(self, write: Callable[[], Awaitable[None]]) -> None:
        try:
            await self._until_stored(write)
        except (Ended, Fenced, Missing) as settled:
            # Somebody else had the last word, such as a cancellation.
            log.info("not stored: %s", settled)

    async def _until_stored(self, write: Callable[[], Awaitable[T]]) -> T:
        pauses = chain(self.retry_seconds, repeat(self.retry_seconds[-1]))
        while True:
            try:
                return await write()
            except (Ended, Fenced, Missing):
                raise  # storage works, and says no
            except StorageError:
                pause = next(pauses)
                log.exception("storage refuses; trying again in %.0f s", pause)
                await asyncio.sleep(pause)
