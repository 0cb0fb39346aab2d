"""The database, the files and the backup of an earlier release say now what they said then.

What they said then is `facts.json` in `tests/data/released-2`, as that release read it.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from generation.media.image import pixels_sha256, recipe_in
from generation.recipe import dump, parse
from storage import backup as storing
from storage.database import Database
from storage.files import Files
from storage.pictures import PictureId, Pictures
from storage.tickets import RequestId, State, Tickets
from tests.given.apps import an_app
from tests.given.fakes import FakeWorker
from tests.given.released import SECOND, facts
from tests.given.stored import asked, opened
from tests.given.waiting import LONG

FACTS: dict[str, Any] = json.loads((SECOND.folder / "facts.json").read_text(encoding="utf-8"))
STAMP = "20261130-080000"


SHUT = [ticket for ticket in FACTS["tickets"] if ticket[3] in ("running", "waiting")]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder, as that release's backup brings it back."""
    kept = tmp_path / "kept"
    shutil.copytree(SECOND.folder / "backup", kept)
    found = storing.look_through(kept)
    assert found.whole
    assert found.absent == ()
    folder = tmp_path / "data"
    assert storing.restore(found, folder, stamp=STAMP) is None
    return folder


async def test_a_database_of_an_earlier_release_tells_what_it_told_then(data: Path) -> None:
    async with opened(data / storing.DATABASE) as database:
        assert await database.damage() == ()
        found = await facts(database)
    assert found.keys() == FACTS.keys()
    for what, told in FACTS.items():
        assert known_then(found[what], told) == told, what


def known_then(found: Any, told: Any) -> Any:
    """What was found, without fields that came later."""
    if isinstance(found, dict) and isinstance(told, dict):
        return {key: known_then(found[key], told[key]) for key in found if key in told}
    if isinstance(found, list) and isinstance(told, list) and len(found) == len(told):
        return [known_then(one, other) for one, other in zip(found, told, strict=True)]
    return found


async def test_its_files_hold_the_pictures_and_the_recipes_that_it_remembers(data: Path) -> None:
    async with opened(data / storing.DATABASE) as database:
        stored = [await Pictures(database).get(PictureId(p["id"])) for p in FACTS["pictures"]]
    files = Files(data / "files")
    there = [picture for picture in stored if not picture.deleted]
    assert len(there) == 12
    for picture in there:
        file = files.read(picture.png_sha256)
        assert pixels_sha256(file) == picture.pixels_sha256
        assert recipe_in(file) == picture.recipe


async def test_its_recipes_are_stored_anew_to_the_byte(tmp_path: Path) -> None:
    texts = sorted({ticket[-1] for ticket in FACTS["tickets"]})
    recipes = [parse(text, kept=True) for text in texts]
    assert [dump(recipe) for recipe in recipes] == texts
    async with opened(tmp_path / "new.sqlite3") as database:
        await Tickets(database).add(asked(), recipes, [1.0] * len(recipes))
        again = await texts_in(database)
    assert sorted(again) == texts


async def texts_in(database: Database) -> list[str]:
    rows = await database.rows("SELECT text FROM recipes")
    return [str(row["text"]) for row in rows]


async def test_a_backup_that_is_made_of_it_now_brings_back_the_same(
    data: Path, tmp_path: Path
) -> None:
    made = storing.back_up(data, tmp_path / "again", stamp=STAMP, keep=1)
    assert made.absent == ()
    back = tmp_path / "back"
    storing.restore(storing.look_through(tmp_path / "again"), back, stamp=STAMP)
    assert (back / "styles.toml").read_text() == "# mine\n"
    async with opened(back / storing.DATABASE) as database:
        assert known_then(await facts(database), FACTS) == FACTS


@pytest.mark.usefixtures("data")
async def test_what_was_begun_and_what_waited_is_drawn_by_their_recipes(tmp_path: Path) -> None:
    worker = FakeWorker()
    async with an_app(tmp_path, worker) as app:
        assert app.replayed == len(SHUT) == 3
        tickets = app.stores.tickets
        numbers = {RequestId(ticket[0]) for ticket in SHUT}

        async def done() -> bool:
            found = [t.state for number in numbers for t in await tickets.of_request(number)]
            return found == [State.DRAWN] * len(SHUT)

        async with asyncio.timeout(LONG):
            while not await done():  # noqa: ASYNC110  # a test polls
                await asyncio.sleep(0.01)
    drawn = sorted(dump(order.recipe) for order in worker.orders)
    assert drawn == sorted(ticket[-1] for ticket in SHUT)
