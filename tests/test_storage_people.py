"""Claims about people's preferences."""

from __future__ import annotations

import pytest

from storage.database import Database
from storage.people import Level, People, Preferences, SeedMode
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


async def test_those_of_a_place_are_others_than_a_persons_of_the_same_number(
    database: Database,
) -> None:
    people = People(database)
    for level, steps in ((Level.PERSON, 1), (Level.CHANNEL, 2), (Level.SERVER, 3)):
        await people.prefer(ANN, Preferences(steps=steps), level)
    found = [(await people.preferences(ANN, level)).steps for level in Level]
    assert found == [1, 2, 3]
    await people.forget(ANN, Level.CHANNEL)
    assert await people.preferences(ANN, Level.CHANNEL) == Preferences()


async def test_the_last_seed_is_a_persons_in_a_place(database: Database) -> None:
    people = People(database)
    await people.note_seed(ANN, 1, 7)
    await people.note_seed(ANN, 1, 8)
    await people.note_seed(ANN, 2, 9)
    assert [await people.last_seed(ANN, place) for place in (1, 2, 3)] == [8, 9, None]
    assert await people.last_seed(BEN, 1) is None


async def test_who_is_forgotten_is_a_stranger(database: Database) -> None:
    people = People(database)
    await people.prefer(ANN, EVERYTHING)
    await people.forget(ANN)
    await people.forget(BEN)
    assert await people.preferences(ANN) == Preferences()
