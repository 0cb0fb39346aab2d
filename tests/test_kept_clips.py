"""Clips in storage: found by what they are, and compared by what is known of their files."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from bot.dispatch.saving import MAX_UNSAVED, Saver, Unsaved
from generation.fleet.wire import Finished
from generation.media.table import medium_of
from generation.recipe import Recipe, Sha256
from storage.database import Database
from storage.files import Files
from storage.found import Reach, SearchIndex, Sought
from storage.pictures import Pictures, StoredPicture
from storage.requests import Asked
from storage.tickets import Tickets
from tests.given.builders import a_recipe, an_environment
from tests.given.stored import ANN, asked, opened
from tests.given.works import A_CLIP, a_clip, clip_content

SUNG = a_clip(channels=1)


async def kept(database: Database, folder: Path, recipe: Recipe, wish: Asked) -> StoredPicture:
    medium, content = (
        medium_of(recipe),
        clip_content(recipe) if recipe.motion else b"\0" * 3 * 512**2,
    )
    tickets, files = Tickets(database), Files(folder)
    saver = Saver(tickets, files, clock=lambda: 1.0)
    request, [ticket] = await tickets.add(wish, [recipe], [1.0])
    finished = Finished(
        job=ticket.job.id,
        file=medium.write(content, recipe, {}),
        pixels_sha256=medium.digest(content),
        latents_sha256=Sha256("0" * 64),
        seconds=1.0,
    )
    await saver.keep(saver.start(ticket.job, "seat 0"), ticket.job, an_environment(), finished)
    [picture] = await Pictures(database).of_request(request.id)
    return picture


async def test_what_was_made_is_known_and_found_by_what_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path / "db") as database:
        works = [
            await kept(database, tmp_path / "files", recipe, asked())
            for recipe in (a_recipe(), A_CLIP, SUNG)
        ]
        assert [work.medium for work in works] == ["image", "video", "video"]
        found = SearchIndex(database)
        for medium, expected in (("", [0, 1, 2]), ("video", [1, 2]), ("image", [0]), ("mesh", [])):
            page = await found.page(Sought(medium=medium), Reach(own=ANN), limit=9)
            assert sorted(page.pictures) == [works[number].id for number in expected]
        assert [Files(tmp_path / "files").path(work.png_sha256).suffix for work in works] == [
            ".png",
            ".webp",
            ".mp4",
        ]
        [same] = await Pictures(database).find_by_file(works[2].png_sha256)
        assert same.fingerprint == works[2].fingerprint


async def test_the_file_that_it_is_to_be_equal_to_is_remembered(tmp_path: Path) -> None:
    wish = replace(asked(), expects_file=Sha256("a" * 64))
    async with opened(tmp_path / "db") as database:
        request, _ = await Tickets(database).add(wish, [SUNG], [1.0])
        again = await Tickets(database).request(request.id)
    assert (again.expects, again.expects_file) == (None, "a" * 64)


async def test_drawing_waits_where_what_is_not_stored_yet_is_large() -> None:
    unsaved = Unsaved(most_bytes=100)
    with unsaved.hold(60):
        await unsaved.room()
        with unsaved.hold(60):
            assert unsaved.locked()
            waiting = asyncio.create_task(unsaved.room())
            await asyncio.sleep(0)
            assert not waiting.done()
        await waiting
    many = [unsaved.hold(1) for _ in range(MAX_UNSAVED)]
    with ExitStack() as held:
        for one in many:
            assert not unsaved.locked()
            held.enter_context(one)
        assert unsaved.locked()
