"""What devices have done for whom is written down once, also when storage refuses for a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.dispatch.meter import Meter
from generation.fleet.wire import Drawn
from generation.queue.costs import CostModel
from generation.queue.fair_queue import FairQueue
from generation.queue.forecast import Promises
from storage.accounts import Accounts, Ledger, Service, Unsettled
from storage.errors import DiskFull
from tests.given.stored import BEN, a_job, opened


class FullAtFirst(Ledger):
    """A ledger whose disk is full for some writes."""

    refusals = 1

    async def save(
        self,
        accounts: Accounts,
        served: Sequence[Service] = (),
        unsettled: Sequence[Unsettled] = (),
        **learned: str | None,
    ) -> None:
        if self.refusals:
            self.refusals -= 1
            raise DiskFull(Path("disk"), "no space left on device")
        await super().save(accounts, served, unsettled, **learned)


def a_meter(ledger: Ledger, clock: list[float]) -> Meter:
    return Meter(
        queue=FairQueue(),
        costs=CostModel(),
        promises=Promises(),
        ledger=ledger,
        clock=lambda: clock[0],
    )


async def test_service_is_added_up_per_person_and_ten_minutes(tmp_path: Path) -> None:
    async with opened(tmp_path / "db") as database:
        ledger, clock = Ledger(database), [1000.0]
        meter = a_meter(ledger, clock)
        meter.served(a_job(1), 2.0, 0.5)
        meter.served(a_job(1), 3.0, 0.0)
        meter.served(a_job(2, BEN), 1.0, 0.0)
        clock[0] = 1700.0
        meter.served(a_job(1), 4.0, 0.0)
        await meter.write()
        rows = await ledger.served_since(0)
        assert sorted((r.bucket, r.user, r.seconds, r.swap_seconds) for r in rows) == sorted(
            [
                (600, a_job(1).owner, 5.0, 0.5),
                (600, BEN, 1.0, 0.0),
                (1200, a_job(1).owner, 4.0, 0.0),
            ]
        )


async def test_what_could_not_be_written_is_written_later_and_once(tmp_path: Path) -> None:
    async with opened(tmp_path / "db") as database:
        ledger = FullAtFirst(database)
        meter = a_meter(ledger, [0.0])
        meter.served(a_job(1), 2.0, 0.0)
        await meter.write()
        meter.served(a_job(1), 1.0, 0.0)
        await meter.write()
        await meter.write()
        assert [row.seconds for row in await ledger.served_since(0)] == [3.0]


async def test_a_disk_that_stays_full_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path / "db") as database:
        ledger = FullAtFirst(database)
        meter = a_meter(ledger, [0.0])
        for outage in (1, 2):
            ledger.refusals = 3
            for _ in range(4):
                meter.served(a_job(1), 1.0, 0.0)
                await meter.write()
            assert caplog.text.count("could not be saved") == outage


async def test_a_second_of_drawing_is_written_in_one_transaction(tmp_path: Path) -> None:
    async with opened(tmp_path / "db") as database:
        ledger, commits = Ledger(database), Counter[str]()
        database.on_commit = lambda _: commits.update(["commit"])
        meter, job = a_meter(ledger, [0.0]), a_job(1)
        meter.served(job, 2.0, 0.0)
        meter.learn(job, Drawn(job=job.id, seconds=2.0, loading_seconds=0.0), near=False)
        await meter.write()
        assert commits.total() == 1
        again = CostModel.load(await ledger.load_costs())
        assert again.predict(job.recipe) == meter.costs.predict(job.recipe)
        assert await ledger.load_promises() == meter.promises.dump()


async def test_reading_weights_is_learnt_apart_from_drawing(tmp_path: Path) -> None:
    async with opened(tmp_path / "db") as database:
        meter, job = a_meter(Ledger(database), [0.0]), a_job(1)
        report = Drawn(job=job.id, seconds=4.0, loading_seconds=9.0)
        meter.learn(job, report, near=False)
        assert round(meter.costs.predict(job.recipe), 3) == 4.0
        assert meter.costs.predict_loading(job.needs, 10**9, in_memory=False) == 9.0
        assert meter.costs.predict_loading(job.needs, 10**9, in_memory=True) == 0.2
