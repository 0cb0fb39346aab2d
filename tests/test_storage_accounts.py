"""Claims about the queue's accounts and what was learned: a restart forgets none of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from generation.job import GroupId, Share, UserId
from generation.queue.accounts import Account, Accounts
from generation.queue.costs import CostModel
from storage.accounts import Ledger, Service, Unsettled, Waited, bucket_of
from storage.database import Database
from storage.errors import DatabaseLocked
from storage.tickets import Tickets
from tests.given.stored import ANN, BEN, RECIPE, SHARE, a_digest, a_picture, asked, opened


def an_account(tag: float, weight: float = 1.0, group_weight: float = 1.0) -> Account:
    return Account(tag=tag, weight=weight, group_weight=group_weight)


HERE, THERE = GroupId("guild 7"), GroupId("direct")
SAVES = [
    Accounts(
        groups={HERE: 1.0, THERE: 2.0},
        people={(HERE, ANN): an_account(2.0), (THERE, ANN): an_account(1 / 3, weight=1 / 7)},
    ),
    Accounts(groups={HERE: 2.0}, people={(HERE, ANN): an_account(2.0)}),
    Accounts(groups={HERE: 2.0}, people={(HERE, ANN): an_account(2.0, group_weight=0.1)}),
    Accounts(
        groups={HERE: 3.0}, people={(HERE, BEN): an_account(-4.0), (HERE, ANN): an_account(9.5)}
    ),
    Accounts(groups={HERE: 3.0}, people={}),
    Accounts(groups={}, people={}),
]


async def test_before_the_first_save_there_are_no_accounts(database: Database) -> None:
    ledger = Ledger(database)
    assert await ledger.load() == Accounts(groups={}, people={})
    assert await ledger.load_costs() is None
    assert await ledger.load_promises() is None


async def test_a_later_save_replaces_the_earlier_one(database: Database) -> None:
    ledger = Ledger(database)
    for accounts in SAVES:
        await ledger.save(accounts)
        assert await Ledger(database).load() == accounts
    for accounts in SAVES:
        await Ledger(database).save(accounts)  # each by somebody who knows nothing of the others
        assert await ledger.load() == accounts


async def test_accounts_that_could_not_be_saved_are_saved_whole_the_next_time(
    tmp_path: Path,
) -> None:
    row = Service(bucket=600, group=HERE, user=ANN, seconds=2.0, swap_seconds=0.5)
    async with opened(tmp_path / "atelier.db", patience=0.05) as database:
        ledger = Ledger(database)
        await ledger.save(SAVES[0])
        with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(DatabaseLocked):
                await ledger.save(SAVES[3], [row])
        await ledger.save(SAVES[3], [row])
        assert await Ledger(database).load() == SAVES[3]
        assert await ledger.served_since(0.0) == (row,)


async def test_saving_what_did_not_change_writes_no_row(database: Database) -> None:
    ledger = Ledger(database)
    await ledger.save(SAVES[0])
    async with database.transaction("test") as db:
        await db.execute("UPDATE accounts SET tag = -1.0")  # would be put right by a full save
    await ledger.save(SAVES[0])
    assert all(row["tag"] == -1.0 for row in await database.rows("SELECT tag FROM accounts"))


async def test_service_is_added_up_over_ten_minutes(database: Database) -> None:
    ledger = Ledger(database)

    def served(bucket: int, seconds: float, user: UserId = ANN) -> Service:
        return Service(
            bucket=bucket, group=HERE, user=user, seconds=seconds, swap_seconds=seconds / 4
        )

    await ledger.save(SAVES[0], [served(600, 2.0), served(600, 4.0, BEN)])
    await ledger.save(SAVES[1], [served(600, 6.0), served(1200, 1.0)])
    assert bucket_of(1234.5) == 1200
    found = await ledger.served_since(1199.0)
    assert sorted(found, key=lambda row: (row.bucket, row.user)) == [
        served(600, 8.0),
        served(600, 4.0, BEN),
        served(1200, 1.0),
    ]
    assert await ledger.served_since(1200.0) == (served(1200, 1.0),)
    await ledger.forget_before(1200.0)
    assert await ledger.served_since(0.0) == (served(1200, 1.0),)


@pytest.mark.parametrize(
    ("charged", "drawn_since", "tag"),
    [
        (False, False, 5.0),  # it is drawn again, and paid then
        (False, True, 5.0 + 30.0 / 2.0),  # the picture is there: the debt is not forgotten
        (True, False, 5.0 - 30.0 / 2.0),  # paid, and not stored in time: not paid twice
        (True, True, 5.0),
    ],
)
async def test_a_crash_between_picture_and_accounts_costs_nobody_and_forgives_nobody(
    database: Database, charged: bool, drawn_since: bool, tag: float
) -> None:
    ledger, tickets = Ledger(database), Tickets(database)
    share = Share(group=HERE, weight=2.0)
    _, [ticket] = await tickets.add(asked(share=share), [RECIPE], [30.0])
    lease = await tickets.started(ticket.job.id, "seat 0", at=1.0)
    accounts = Accounts(groups={HERE: 4.0}, people={(HERE, ANN): an_account(5.0, weight=2.0)})
    row = Unsettled(job=ticket.job.id, seconds=30.0, charged=charged)
    await ledger.save(accounts, unsettled=[row])
    if drawn_since:
        await tickets.drawn(
            ticket.job.id, lease.epoch, a_picture(), png_sha256=a_digest(1), drawn_at=1.0
        )
    await tickets.replay()
    for _ in range(2):  # also by a second life that dies before it saves
        loaded = await Ledger(database).load()
        assert loaded.people == {(HERE, ANN): an_account(tag, weight=2.0)}
    await Ledger(database).save(loaded)
    assert await Ledger(database).load() == loaded


async def test_how_long_people_waited_is_known(database: Database) -> None:
    tickets = Tickets(database)
    for user, created in ((ANN, 100.0), (BEN, 110.0)):
        _, [ticket] = await tickets.add(asked(user, created=created), [RECIPE], [1.0])
        await tickets.started(ticket.job.id, "seat 0", at=created + 7.0)
    await tickets.add(asked(), [RECIPE], [1.0])  # waits still
    ann = Waited(group=SHARE.group, user=ANN, asked_at=100.0, started_at=107.0)
    ben = Waited(group=SHARE.group, user=BEN, asked_at=110.0, started_at=117.0)
    assert await Ledger(database).waits_since(0.0) == (ann, ben)
    assert await Ledger(database).waits_since(110.0) == (ben,)


async def test_what_was_learnt_survives_a_restart(database: Database) -> None:
    ledger, model = Ledger(database), CostModel()
    await ledger.save(SAVES[0], costs=model.dump(), promises="1.0 1.2")
    model.learn(RECIPE, 3.0)
    await ledger.save(SAVES[0], costs=model.dump(), promises="1.0 1.3")
    again = CostModel.load(await Ledger(database).load_costs())
    assert again.predict(RECIPE) == model.predict(RECIPE)
    assert await Ledger(database).load_promises() == "1.0 1.3"
    await ledger.save(SAVES[1])  # by somebody who learnt nothing
    assert await ledger.load_costs() == model.dump()
    assert await ledger.load_promises() == "1.0 1.3"
