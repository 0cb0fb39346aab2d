"""Claims about people's preferences."""

from __future__ import annotations

from dataclasses import fields

import pytest

from storage.database import Database
from storage.people import People, Preferences, SeedMode
from tests.given.stored import ANN, BEN

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
    vae="fine",
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
