"""Privacy: everything that is a person's, given to them or erased.

    export     their rows, pictures and uploads, as zip files
    erase      what is open ends, rows and files go, the log is struck out, the database written
               anew; then all is looked through for anything of theirs
    finish     at a start: what a crash interrupted

What others made of their pictures stays: its pixels, its recipe and its own words are somebody
else's.  A file that such a recipe starts from stays as bare pixels.  Invariant: until all is done,
the database says who it is for (`storage.erasures`), and they can ask for nothing meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bot.dispatch.meter import Meter
from bot.studio.admission import Admission
from bot.studio.readers import Readers
from bot.studio.servers import Leaving, ServerDeclines, Servers
from generation.job import UserId
from storage.bare import without_words
from storage.erasures import PendingErasure
from storage.errors import DamagedFile, Missing
from storage.failpoints import instant
from storage.ids import RequestId
from storage.stores import Stores
from storage.traces import TraceSearch

log = logging.getLogger(__name__)

PATIENCE = 60.0  # seconds in which what is being drawn ends
# Weights that were fetched, the program's own: nothing of people is in them, and they are large.
NOT_OF_PEOPLE = ("models", "assistant", "lock")

Strike = Callable[[Path, Callable[[str], bool]], int]


class StillDrawing(ServerDeclines):
    """Something of theirs does not end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalHoldings:
    """How much of somebody there is."""

    pictures: int
    requests: int
    open_requests: int
    presets: int
    favourites: int
    audit_lines: int
    used_by_others: int  # pictures that others made of theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure came to."""

    files: int  # that were dropped
    bare: int  # that stay, as pixels without words
    log_lines: int  # records that were struck out
    looked_files: int
    looked_bytes: int
    found: tuple[str, ...]  # where something of theirs is left
    shared: int  # texts that others have, too, and that were not looked for


class _Gone(NamedTuple):
    dropped: int
    bare: int


class Privacy:
    """Gives and erases."""

    def __init__(
        self,
        *,
        stores: Stores,
        servers: Servers,
        admission: Admission,
        meter: Meter,
        readers: Readers,
        strike: Strike,
        clock: Callable[[], float],
    ) -> None:
        self._stores, self._servers, self._admission = stores, servers, admission
        self._meter, self._readers, self._strike, self._clock = meter, readers, strike, clock
        self._data = stores.files.folder.parent
        self.patience = PATIENCE

    async def holdings(self, person: UserId) -> PersonalHoldings:
        """How much there is of somebody."""
        rows = await self._stores.erasures.rows_of(person)
        count = {name: len(found) for name, found in rows.items()}
        return PersonalHoldings(
            pictures=count["pictures"],
            requests=count["requests"],
            open_requests=len(await self._stores.erasures.open_requests(person)),
            presets=count["presets"],
            favourites=count["favourites"],
            audit_lines=count["audit"],
            used_by_others=await self._stores.erasures.used_by_others(person),
        )

    async def erase(self, person: UserId, names: Collection[str]) -> Erased:
        """Erase everything of somebody, who is called so.  Raises Leaving, StillDrawing."""
        if person in self._servers.leaving:
            raise Leaving
        self._servers.leaving.add(person)
        try:
            await self._end_open(person)
            erasures = self._stores.erasures
            traces = [*names, *await erasures.written_by(person)]
            await erasures.begin(person, traces, at=self._clock())
            [pending] = [one for one in await erasures.pending() if one.person == person]
            return await self._carry_out(pending)
        finally:
            self._servers.leaving.discard(person)

    async def finish(self) -> None:
        """What was begun and is not over, at a start, before anything is drawn."""
        for pending in await self._stores.erasures.pending():
            try:
                erased = await self._carry_out(pending)
            except Exception:  # everybody else's studio opens; the next start tries again
                log.exception("an erasure that was interrupted could not be finished")
                continue
            left = ", ".join(erased.found) or "nothing"
            log.info("an erasure that was interrupted is over; left of it: %s", left)

    async def _end_open(self, person: UserId) -> None:
        until = time.monotonic() + self.patience
        while requests := await self._stores.erasures.open_requests(person):
            if time.monotonic() > until:
                raise StillDrawing
            for request in requests:
                await self._admission.end(RequestId(request), by=person, at=self._clock())
            await asyncio.sleep(0.05)

    async def _carry_out(self, pending: PendingErasure) -> Erased:
        erasures, person = self._stores.erasures, pending.person
        # What is being written of them is written before it is erased, and nothing after.
        self._meter.forget(person)
        await self._meter.write()
        async with self._admission.door:
            await erasures.erase(person)
            gone = await self._drop_files(person)
            instant("erasure.files")
        await self._forget(person)
        shared, search = await self._looked_for(pending)
        struck = await asyncio.to_thread(self._strike, self._data, _in(search))
        await self._stores.index.scrub()
        await erasures.scrub()
        await erasures.finish(person)
        looked = await asyncio.to_thread(search.within, self._data, without=NOT_OF_PEOPLE)
        return Erased(
            files=gone.dropped,
            bare=gone.bare,
            log_lines=struck,
            looked_files=looked.files,
            looked_bytes=looked.bytes,
            found=tuple(str(path.relative_to(self._data)) for path in looked.found),
            shared=shared,
        )

    async def _drop_files(self, person: UserId) -> _Gone:
        erasures, files = self._stores.erasures, self._stores.files
        [pending] = [one for one in await erasures.pending() if one.person == person]
        needed = await erasures.needed(pending.files)
        others = await erasures.shown_by_others(pending.files)
        dropped = bare = 0
        for digest in pending.files:
            if digest not in needed:
                await asyncio.to_thread(files.drop, digest)
                dropped += 1
            elif digest not in others:
                try:
                    data = await asyncio.to_thread(files.read, digest)
                    pixels = await asyncio.to_thread(without_words, data)
                except (Missing, DamagedFile):
                    continue  # it was lost before
                except (OSError, ValueError):
                    log.exception("a file that somebody's recipe starts from stays as it is")
                    continue
                await asyncio.to_thread(files.bare, digest, pixels)
                bare += 1
        return _Gone(dropped, bare)

    async def _forget(self, person: UserId) -> None:
        """What is known of them in memory, and would be written again."""
        self._meter.forget(person)
        await self._meter.write()
        self._readers.forget(person)
        await self._servers.open()

    async def _looked_for(self, pending: PendingErasure) -> tuple[int, TraceSearch]:
        """What only they wrote, and how much of it others wrote, too."""
        theirs = (await self._stores.erasures.texts_of_others()).encode("utf-8", "replace")
        search = TraceSearch(0, pending.traces)
        hits = await asyncio.to_thread(lambda: set(search.hits(theirs)))
        own = [text for text in pending.traces if not _is_shared(text, hits, theirs)]
        return len(pending.traces) - len(own), TraceSearch(pending.person, own)


def _is_shared(text: str, hits: set[bytes], theirs: bytes) -> bool:
    wanted = text.strip().encode("utf-8", "replace")
    return wanted in hits or (len(wanted) < 8 and wanted in theirs)


def _in(search: TraceSearch) -> Callable[[str], bool]:
    return lambda record: search.is_in_text(record.encode("utf-8", "replace"))
