"""Claims about people's preferences, and about accounts that survive a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path

import pytest

from generation.costs import CostModel
from generation.job import UserId
from generation.queue import Accounts, FairQueue
from storage.accounts import Ledger
from storage.database import Database
from storage.people import People, Preferences, SeedMode
from tests.stored import ANN, BEN, RECIPE, a_job, opened


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path / "atelier.db") as database:
        yield database


EVERYTHING = Preferences(
    model="starter",
    negative_prompt="blurry",
    width=128,
    height=64,
    steps=20,
    cfg=4.5,
    sampler="euler",
    scheduler="karras",
    denoise=0.5,
    count=4,
    seed_mode=SeedMode.INCREMENT,
    last_seed=2**32 - 1,
)


async def test_a_stranger_has_no_preferences(database: Database) -> None:
    assert await People(database).preferences(ANN) == Preferences()


@pytest.mark.parametrize("preferences", [EVERYTHING, Preferences(), Preferences(steps=4)])
async def test_preferences_are_read_back_as_they_were(
    database: Database, preferences: Preferences
) -> None:
    people = People(database)
    await people.prefer(ANN, EVERYTHING)
    await people.prefer(ANN, preferences)
    assert await people.preferences(ANN) == preferences
    assert await people.preferences(BEN) == Preferences()


async def test_every_preference_has_its_column(database: Database) -> None:
    columns = await database.rows("SELECT name FROM pragma_table_info('preferences')")
    assert {row["name"] for row in columns} == {"user", *(f.name for f in fields(Preferences))}


async def test_who_is_forgotten_is_a_stranger(database: Database) -> None:
    people = People(database)
    await people.prefer(ANN, EVERYTHING)
    await people.forget(ANN)
    await people.forget(BEN)
    assert await people.preferences(ANN) == Preferences()


async def test_before_the_first_save_there_are_no_accounts(database: Database) -> None:
    assert await Ledger(database).load() is None
    assert await Ledger(database).load_costs() is None


async def test_accounts_survive_a_restart_to_the_last_bit(tmp_path: Path) -> None:
    queue = FairQueue()
    for number in range(30):
        queue.put(a_job(number, UserId(number % 4), 0.1 * (number + 1)), weight=1 / 3)
    for _ in range(9):
        job = queue.take()
        assert job is not None
        queue.settle(job.id, job.cost * 1.1)
    async with opened(tmp_path / "atelier.db") as database:
        await Ledger(database).save(queue.accounts())
    async with opened(tmp_path / "atelier.db") as database:
        assert await Ledger(database).load() == queue.accounts()


async def test_a_later_save_replaces_the_earlier_one(database: Database) -> None:
    saves = [
        Accounts(level=1.0, tags={ANN: 2.0, BEN: 3.0}),
        Accounts(level=2.0, tags={BEN: 3.0}),
        Accounts(level=3.0, tags={ANN: 9.5, BEN: -4.0}),
        Accounts(level=3.0, tags={}),
    ]
    ledger = Ledger(database)
    for accounts in saves:
        await ledger.save(accounts)
        assert await Ledger(database).load() == accounts
    for accounts in saves:
        await Ledger(database).save(accounts)  # each by somebody who knows nothing of the others
        assert await ledger.load() == accounts


async def test_what_was_learnt_about_costs_survives_a_restart(database: Database) -> None:
    model = CostModel()
    model.learn(RECIPE, 3.0, steps=2)
    await Ledger(database).save_costs(model.dump())
    again = CostModel.load(await Ledger(database).load_costs())
    assert again.predict(RECIPE) == model.predict(RECIPE)
