"""How jobs end and begin is written down, however often storage refuses, unless it says no."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bot.dispatch.saving import Saver
from generation.errors import RenderFailed
from storage.errors import DiskFull, Ended
from storage.files import Files
from storage.tickets import Lease, State, Tickets
from tests.given.stored import RECIPE, a_job, asked, opened

REFUSALS = 5  # more than there are pauses to choose from


class FullAtFirst(Tickets):
    """Tickets on a disk that is full for the first attempts of each kind."""

    tried: Counter[str]

    def _try(self, name: str) -> None:
        self.tried[name] += 1
        if self.tried[name] <= REFUSALS:
            raise DiskFull(Path("disk"), "no space left on device")

    async def started(self, *job: object, **at: object) -> Lease:
        self._try("started")
        return await super().started(*job, **at)  # type: ignore[arg-type]

    async def put_back(self, *lease: object, **blamed: object) -> None:
        self._try("put_back")
        await super().put_back(*lease, **blamed)  # type: ignore[arg-type]

    async def ended(self, *how: object, **epoch: object) -> None:
        self._try("ended")
        await super().ended(*how, **epoch)  # type: ignore[arg-type]


async def test_what_storage_refuses_is_tried_until_it_is_stored(tmp_path: Path) -> None:
    async with opened(tmp_path / "db") as database:
        tickets = FullAtFirst(database)
        tickets.tried = Counter()
        saver = Saver(tickets, Files(tmp_path), clock=lambda: 1.0)
        saver.retry_seconds = (0.0, 0.001)
        _, [ticket] = await tickets.add(asked(), [RECIPE], [1.0])
        lease = await saver.start(ticket.job, "seat 0")
        await saver.put_back(lease, blamed=False)
        await saver.end(ticket.job, State.FAILED, RenderFailed("a reason"), None)
        assert tickets.tried == dict.fromkeys(("started", "put_back", "ended"), REFUSALS + 1)
        [ticket] = await tickets.of_request(ticket.request)
        assert (ticket.state, ticket.tries) == (State.FAILED, 0)


async def test_what_has_ended_is_not_begun_and_whoever_ends_it_again_is_not_told(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "db") as database:
        tickets = Tickets(database)
        saver = Saver(tickets, Files(tmp_path), clock=lambda: 1.0)
        _, [ticket] = await tickets.add(asked(), [RECIPE], [1.0])
        lease = await saver.start(ticket.job, "seat 0")
        await tickets.ended(ticket.job.id, State.CANCELLED, epoch=lease.epoch)
        with pytest.raises(Ended):
            await saver.start(ticket.job, "seat 1")
        await saver.put_back(Lease(job=lease.job, epoch=9, tries=1), blamed=True)
        await saver.end(a_job(99), State.FAILED, RenderFailed("nobody knows it"), None)
        [ticket] = await tickets.of_request(ticket.request)
        assert ticket.state is State.CANCELLED
