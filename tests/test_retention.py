"""Claims about what goes when it is old, and about what never does."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bot.studio.retention import DAY, Retention
from generation.recipe import Recipe, Sha256
from storage.accounts import Ledger, Service
from storage.database import Database
from storage.files import Files
from storage.pictures import Pictures
from storage.tickets import Tickets
from tests.given.stored import ANN, SHARE, a_picture, a_recipe, a_recipe_from, asked, drawn

NOW = 1_800_000_000.0


def message_at(unix_seconds: float) -> int:
    """The id of a Discord message of that time."""
    return int((unix_seconds - 1_420_070_400) * 1000) << 22


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "files")


def retention(database: Database, files: Files, days: int = 30) -> Retention:
    return Retention(
        pictures=Pictures(database),
        files=files,
        ledger=Ledger(database),
        keep_days=days,
        clock=lambda: NOW,
    )


async def a_drawing(
    database: Database,
    files: Files,
    recipe: Recipe,
    *,
    days_old: float,
    posted: float | None = None,
    bytes_: bytes | None = None,
    delivered: bool = True,
) -> Sha256:
    """A picture drawn so many days ago, and posted as many, unless `posted` says otherwise."""
    tickets = Tickets(database)
    request, [ticket] = await tickets.add(asked(), [recipe], [1.0])
    file = files.keep(bytes_ if bytes_ is not None else recipe.id.encode(), ".png")
    at = NOW - days_old * DAY
    await drawn(tickets, ticket.job.id, a_picture(recipe), file, at=at)
    aged(files, file, days_old)
    if delivered:
        posted_at = NOW - posted * DAY if posted is not None else at
        await tickets.delivered(request.id, message_at(posted_at))
    return file


def aged(files: Files, file: Sha256, days: float) -> None:
    os.utime(files.path(file), (NOW - days * DAY, NOW - days * DAY))


def here(files: Files) -> set[Sha256]:
    return set(files.digests())


async def test_old_files_go_and_their_recipes_stay(database: Database, files: Files) -> None:
    old = await a_drawing(database, files, a_recipe(1), days_old=31)
    young = await a_drawing(database, files, a_recipe(2), days_old=29)
    assert await retention(database, files).tidy() == 1
    assert here(files) == {young}
    [picture] = await Pictures(database).find_by_recipe(a_recipe(1).id)
    assert (picture.png_sha256, picture.kept, picture.deleted) == (old, False, False)
    assert picture.recipe == a_recipe(1)
    assert await retention(database, files).tidy() == 0


async def test_unless_the_owner_says_so_nothing_goes(database: Database, files: Files) -> None:
    file = await a_drawing(database, files, a_recipe(1), days_old=3000)
    assert await retention(database, files, days=0).tidy() == 0
    assert here(files) == {file}


async def test_what_was_posted_a_moment_ago_stays_however_old_it_is(
    database: Database, files: Files
) -> None:
    file = await a_drawing(database, files, a_recipe(1), days_old=40, posted=0.5)
    assert await retention(database, files).tidy() == 0
    assert here(files) == {file}


async def test_what_nobody_has_seen_stays(database: Database, files: Files) -> None:
    file = await a_drawing(database, files, a_recipe(1), days_old=40, delivered=False)
    assert await retention(database, files).tidy() == 0
    assert here(files) == {file}


async def test_what_another_picture_was_made_of_stays(database: Database, files: Files) -> None:
    parent = await a_drawing(database, files, a_recipe(1), days_old=40)
    await a_drawing(database, files, a_recipe_from(parent), days_old=40)
    photo = files.keep(b"a photo", ".input")
    aged(files, photo, 40)
    child = await a_drawing(database, files, a_recipe_from(photo), days_old=40, bytes_=b"child")
    assert await retention(database, files).tidy() == 2
    assert here(files) == {parent, photo}
    assert child not in here(files)


async def test_a_file_that_a_younger_picture_shares_stays(database: Database, files: Files) -> None:
    shared = await a_drawing(database, files, a_recipe(1), days_old=40)
    assert shared == await a_drawing(database, files, a_recipe(1), days_old=2)
    assert await retention(database, files).tidy() == 0
    assert here(files) == {shared}


async def test_a_picture_that_is_drawn_again_to_the_last_byte_is_kept_again(
    database: Database, files: Files
) -> None:
    file = await a_drawing(database, files, a_recipe(1), days_old=40)
    await retention(database, files).tidy()
    assert here(files) == set()
    assert file == await a_drawing(database, files, a_recipe(1), days_old=0)
    assert [p.kept for p in await Pictures(database).find_by_recipe(a_recipe(1).id)] == [True] * 2
    assert here(files) == {file}


async def test_files_that_nothing_refers_to_go_after_a_day(
    database: Database, files: Files
) -> None:
    old, young = files.keep(b"never used", ".input"), files.keep(b"just sent", ".input")
    aged(files, old, 1.5)
    aged(files, young, 0.5)
    assert await retention(database, files, days=0).tidy() == 1
    assert here(files) == {young}


async def test_a_crash_between_mark_and_drop_is_made_good_the_next_day(
    database: Database, files: Files
) -> None:
    await a_drawing(database, files, a_recipe(1), days_old=40)
    await Pictures(database).let_go(drawn_before=NOW, posted_before=NOW, limit=5)
    assert len(here(files)) == 1
    assert await retention(database, files).tidy() == 1
    assert here(files) == set()


async def test_more_than_fits_into_one_transaction_goes_too(
    database: Database, files: Files
) -> None:
    for seed in range(5):
        await a_drawing(database, files, a_recipe(seed), days_old=40)
    pictures = Pictures(database)
    more, first = await pictures.let_go(drawn_before=NOW, posted_before=NOW, limit=3)
    assert (more, len(first)) == (True, 3)
    more, rest = await pictures.let_go(drawn_before=NOW, posted_before=NOW, limit=3)
    assert (more, len(rest)) == (False, 2)


async def test_the_history_of_service_is_kept_for_a_season(
    database: Database, files: Files
) -> None:
    ledger = Ledger(database)
    rows = [
        Service(bucket=bucket, group=SHARE.group, user=ANN, seconds=1.0, swap_seconds=0.0)
        for bucket in (int(NOW - 91 * DAY), int(NOW - 89 * DAY))
    ]
    await ledger.save(await ledger.load(), rows)
    await retention(database, files).tidy()
    assert await ledger.served_since(0.0) == (rows[1],)


async def test_a_file_that_is_being_kept_again_is_not_dropped(files: Files) -> None:
    file, old = files.keep(b"a picture", ".png"), time.time() - 40 * DAY
    os.utime(files.path(file), (old, old))
    files.keep(b"a picture", ".png")  # drawn again; its row will be written in a moment
    files.drop(file, before=time.time() - DAY)
    assert here(files) == {file}
    os.utime(files.path(file), (old, old))
    files.drop(file, before=time.time() - DAY)
    assert here(files) == set()
