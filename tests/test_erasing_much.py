"""Erasing one of a hundred people from a hundred thousand pictures: what stays, how long it takes.

python -m pytest tests/test_erasing_much.py -s -m slow
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from generation.job import UserId
from generation.recipe import dump, needed
from storage.database import Database
from storage.files import Files
from storage.stores import Stores
from storage.traces import TraceSearch
from tests.given.stored import a_recipe, opened

PICTURES, PEOPLE = 100_000, 100
FIRST = 10**18  # as large as Discord's ids
LEAVING = UserId(FIRST + 5)


@pytest.mark.slow
async def test_nothing_of_one_is_left_among_a_hundred_thousand_pictures(tmp_path: Path) -> None:
    async with opened(tmp_path / "atelier.sqlite3") as database:
        stores = Stores.on(database, Files(tmp_path / "files"))
        await _fill(database)
        while await stores.index.fill():
            continue
        said = _clock()
        texts = await stores.erasures.written_by(LEAVING)
        said(f"{len(texts)} texts of theirs")
        await stores.erasures.begin(LEAVING, texts, at=0.0)
        await stores.erasures.erase(LEAVING)
        said("the transaction")
        others = (await stores.erasures.texts_of_others()).encode()
        assert set(TraceSearch(0, texts).hits(others)) == set()
        said("compared with others' texts")
        await stores.index.scrub()
        said("the search index, anew")
        await stores.erasures.scrub()
        said("the database, anew")
        await stores.erasures.finish(LEAVING)
        looked = TraceSearch(LEAVING, texts).within(tmp_path)
        said(f"{looked.bytes / 2**20:.0f} MiB searched")
        assert looked.found == ()
        # Nor any end of a word among the terms of the index, which share their beginnings.
        assert b"wordoftheirs" not in (tmp_path / "atelier.sqlite3").read_bytes()
        row = await database.row("SELECT count(*) AS n, count(DISTINCT owner) AS m FROM pictures")
        assert row is not None
        assert (row["n"], row["m"]) == (PICTURES - PICTURES // PEOPLE, PEOPLE - 1)


def _clock() -> Callable[[str], None]:
    before = time.monotonic()

    def said(what: str) -> None:
        nonlocal before
        now = time.monotonic()
        print(f"{now - before:6.1f} s  {what}")
        before = now

    return said


async def _fill(database: Database) -> None:
    base = a_recipe(1)
    async with database.transaction("fill") as db:
        await db.execute("INSERT INTO environments VALUES ('e', '{}')")
        for number in range(1, PICTURES + 1):
            owner = FIRST + number % PEOPLE
            words = " ".join(f"w{number * k % 4999}" for k in range(2, 12))
            if owner == LEAVING:
                words += f" zwordoftheirs{number}"
            recipe = replace(base, words=replace(needed(base.words), prompt=words))
            name, file = f"r1-{number:064x}", hashlib.sha256(str(number).encode()).hexdigest()
            await db.execute("INSERT INTO recipes VALUES (?, ?)", (name, dump(recipe)))
            await db.execute(
                "INSERT INTO requests (id, owner, guild, channel, locale, words, created) "
                "VALUES (?, ?, 7, 8, 'en-US', ?, ?)",
                (number, owner, words, float(number)),
            )
            await db.execute(
                "INSERT INTO tickets (id, request, ordinal, recipe, cost, state) "
                "VALUES (?, ?, 0, ?, 1.0, 'drawn')",
                (number, number, name),
            )
            await db.execute(
                "INSERT INTO pictures (id, ticket, owner, recipe, environment, png_sha256, "
                "pixels_sha256, latents_sha256, seconds, ordinal, drawn_at) "
                "VALUES (?, ?, ?, ?, 'e', ?, ?, ?, 1.0, 0, ?)",
                (number, number, owner, name, file, file, file, float(number)),
            )
            await db.execute("INSERT INTO outbox (request, open) VALUES (?, 0)", (number,))
        await db.execute("UPDATE found_down_to SET picture = ?", (PICTURES + 1,))
