"""The meter: what devices have done for whom, what pictures cost, and how well we promise.

Everything that is learnt while drawing and must outlive a restart goes through here to the ledger,
at most once a second.  The invariant: seconds are added to exactly one account and bucket.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from generation.fleet.wire import Drawn
from generation.job import AnyJob, Errand, GroupId, Job, JobId, UserId
from generation.queue.accounts import Accounts
from generation.queue.costs import LONGEST_READING, CostModel, at_most
from generation.queue.fair_queue import FairQueue
from generation.queue.forecast import Promises
from storage.accounts import Ledger, Service, Unsettled, bucket_of
from storage.errors import StorageError

log = logging.getLogger(__name__)

SAVE_SECONDS = 1.0


class Meter:
    """Adds up, learns, and writes down."""

    def __init__(
        self,
        *,
        queue: FairQueue,
        costs: CostModel,
        promises: Promises,
        ledger: Ledger,
        clock: Callable[[], float],
    ) -> None:
        self._queue, self.costs, self.promises = queue, costs, promises
        self._ledger, self._clock = ledger, clock
        self._served: dict[tuple[int, GroupId, UserId], tuple[float, float]] = {}
        self._unsettled: dict[JobId, tuple[float, bool]] = {}
        self._forgotten: set[UserId] = set()
        self._dirty = asyncio.Event()
        self._turn = asyncio.Lock()
        self._writing: set[asyncio.Task[None]] = set()
        self._refused = False  # by storage, the last time

    def served(
        self, job: Job, seconds: float, loading_seconds: float, *, ended: bool = False
    ) -> None:
        """A device has worked for somebody."""
        so_far, _ = self._unsettled.get(job.id, (0.0, False))
        self._unsettled[job.id] = (so_far + seconds, ended)
        self._add(job, seconds, loading_seconds)

    def ran(self, errand: Errand, seconds: float, loading_seconds: float) -> None:
        """A device has said for somebody what a picture shows; it is over with that."""
        self._add(errand, seconds + loading_seconds, loading_seconds)
        self.costs.learn_description(errand.needs, seconds)
        if loading_seconds > 0.0:
            loading = min(loading_seconds, LONGEST_READING)
            self.costs.learn_loading(errand.needs, loading, in_memory=False)

    def lost(self, job: Job, seconds: float, loading_seconds: float) -> None:
        """What it had been given was in vain, and is given back; it waits again."""
        self._unsettled.pop(job.id, None)
        self._add(job, -seconds, -loading_seconds)

    def _add(self, job: AnyJob, seconds: float, loading_seconds: float) -> None:
        bucket = bucket_of(self._clock())
        self._forgotten.discard(job.owner)
        key = (bucket, job.share.group, job.owner)
        drew, loaded = self._served.get(key, (0.0, 0.0))
        self._served[key] = (drew + seconds, loaded + loading_seconds)
        self._dirty.set()

    def stored(self, job: JobId) -> None:
        """How the job ended is on the disk."""
        self._unsettled.pop(job, None)

    def learn(self, job: Job, report: Drawn, *, near: bool) -> None:
        """A picture is drawn: this is what it cost.  `near`: its weights were in memory before."""
        seconds = min(report.seconds, at_most(job.recipe))
        self.costs.learn(job.recipe, seconds)
        if report.loading_seconds > 0.0:
            loading = min(report.loading_seconds, LONGEST_READING)
            self.costs.learn_loading(job.needs, loading, in_memory=near)

    def learn_words(self, digest: str, seconds: float, *, loading: bool) -> None:
        """A language model on the card has answered: this is what it cost."""
        self.costs.learn_words(digest, min(seconds, LONGEST_READING), loading=loading)
        self._dirty.set()

    def forget(self, owner: UserId) -> None:
        """What somebody was served and owes is written no more, until they are served again."""
        self._forgotten.add(owner)
        for key in [key for key in self._served if key[2] == owner]:
            del self._served[key]

    async def save(self) -> None:
        """Write whatever changed, at most once a second, for ever."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            await self.write()
            await asyncio.sleep(SAVE_SECONDS)

    def _accounts(self) -> Accounts:
        accounts = self._queue.accounts()
        people = {key: one for key, one in accounts.people.items() if key[1] not in self._forgotten}
        return Accounts(groups=accounts.groups, people=people)

    async def write(self) -> None:
        """Write now."""
        writing = asyncio.create_task(self._write())
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)
        # A stop must not come between the commit and the note of it, or seconds count twice.
        await asyncio.shield(writing)

    async def _write(self) -> None:
        async with self._turn:
            taken, self._served = self._served, {}
            try:
                await self._ledger.save(
                    self._accounts(),
                    [
                        Service(bucket=b, group=g, user=u, seconds=drew, swap_seconds=loaded)
                        for (b, g, u), (drew, loaded) in taken.items()
                    ],
                    [
                        Unsettled(job=job, seconds=seconds, charged=ended)
                        for job, (seconds, ended) in self._unsettled.items()
                    ],
                    costs=self.costs.dump(),
                    promises=self.promises.dump(),
                )
            except StorageError:
                if not self._refused:  # it is tried each second, and the log has an end, too
                    log.exception("the accounts could not be saved; trying again until they are")
                self._refused = True
                for key, (drew, loaded) in taken.items():
                    more, loaded_more = self._served.get(key, (0.0, 0.0))
                    self._served[key] = (drew + more, loaded + loaded_more)
                self._dirty.set()
            else:
                self._refused = False
