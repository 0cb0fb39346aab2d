"""What earlier releases wrote is read, and drawn again with the same pixels.

The files lie in `tests/data/released*`; the READMEs there say what each is.
"""

from __future__ import annotations

import asyncio
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.app import BUILT_IN
from generation.fleet.wire import Render, encode, read
from generation.job import GroupId, JobId, UserId
from generation.media.image import pixels_sha256, png, recipe_in
from generation.picture import Environment, Fingerprint, Picture, Verdict, compare
from generation.reasons import Reason
from generation.recipe import RecipeId, Sha256, Weights, canonical, dump, needed, parse
from storage import backup as storing
from storage.accounts import Ledger
from storage.database import Database
from storage.files import Files
from storage.ids import PictureId, RequestId
from storage.people import AssistMode, People, SeedMode
from storage.pictures import Pictures
from storage.tickets import State, Tickets
from storage.words import Wordings
from tests.given import tinymodels
from tests.given.apps import an_app
from tests.given.builders import ANN, BEN
from tests.given.fakes import FakeWorker
from tests.given.released import FIRST, RELEASES, SECOND, Release
from tests.given.stored import opened
from tests.given.waiting import LONG
from tests.given.worker_process import WorkerProcess

CLEO, STRANGER = UserId(103), UserId(104)
FLOWERS = {
    "released": RecipeId("r1-08dc998a73d0953cb7a15d397a7cb345e24809c2971d55389921142ae63bc552"),
    "released-2": RecipeId("r1-29ae2c445e7e1d71689a4426a65d6742f84f3ef6d02e3ce1e810ac3ae842bf0e"),
}
FLOWER_PIXELS = Sha256("6b0abab5843b17b2f7a438df670b9610166148123600246c8e92071bf1035e24")


def a_copy(tmp_path: Path) -> Path:
    """The database, in a folder where it may be changed."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(FIRST.folder / "atelier.sqlite3", folder / storing.DATABASE)
    return folder


# --- recipes ----------------------------------------------------------------------------------


EVERY = pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.folder.name)


@pytest.mark.parametrize(
    "line", [*FIRST.recipes, *SECOND.recipes], ids=lambda line: line["id"][:12]
)
def test_a_recipe_of_an_earlier_release_keeps_its_text_and_id(line: dict[str, Any]) -> None:
    recipe = parse(line["recipe"])
    assert recipe.id == line["id"]
    assert dump(recipe) == line["recipe"]
    assert json.loads(canonical(recipe)).keys() == json.loads(line["recipe"]).keys() - {"format"}
    order = Render(job=JobId(1), recipe=recipe, inputs=(), preview_every=0)
    assert read(io.BytesIO(encode(order))) == order
    assert recipe_in(png(bytes(3 * needed(recipe.canvas).pixels), recipe)) == recipe


@EVERY
def test_a_png_of_an_earlier_release_carries_its_recipe_and_its_pixels(release: Release) -> None:
    recipe = recipe_in(release.flower)
    assert recipe is not None
    assert recipe.id == FLOWERS[release.folder.name]
    assert pixels_sha256(release.flower) == FLOWER_PIXELS


# --- pictures ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    process = WorkerProcess(FIRST.folder / "models", BUILT_IN)
    yield process
    process.close()


def agree(drawn: Picture, pixels: str, theirs: Environment) -> None:
    """Not a bug of ours: equal, or drawn on another kind of machine."""
    verdict = compare(Fingerprint(environment=theirs, pixels_sha256=Sha256(pixels)), drawn)
    assert verdict.verdict in (Verdict.IDENTICAL, Verdict.ELSEWHERE), drawn.recipe


@EVERY
def test_the_png_of_an_earlier_release_is_drawn_again_to_the_last_pixel(
    worker: WorkerProcess, release: Release
) -> None:
    recipe = recipe_in(release.flower)
    assert recipe is not None
    drawn = worker.draw(recipe)
    agree(drawn, FLOWER_PIXELS, release.environment)
    if drawn.environment != release.environment and drawn.pixels_sha256 != FLOWER_PIXELS:
        pytest.skip("drawn on another kind of machine: ELSEWHERE")


@EVERY
def test_every_picture_of_an_earlier_release_is_drawn_again_to_the_last_pixel(
    worker: WorkerProcess, release: Release
) -> None:
    """Each sampler and schedule, image to image, LoRA, embedding, weights, BREAK, clip skip."""
    for line in release.lines("pictures.jsonl"):
        recipe = parse(line["recipe"])
        drawn = worker.draw(recipe, *([release.flower] if recipe.inputs else []))
        agree(drawn, line["pixels"], release.environment)


@pytest.mark.slow
@EVERY
def test_what_a_schedulers_config_did_not_mean_then_changes_no_older_picture(
    tmp_path: Path, release: Release
) -> None:
    marks = release.lines("marks.jsonl")
    for line in marks:
        folder = tinymodels.build_sd15(tmp_path / parse(line["recipe"]).checkpoint.name)
        config = tinymodels.SCHEDULER | line["scheduler"]
        (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(config))
    worker = WorkerProcess(tmp_path)
    try:
        for line in marks:
            recipe = parse(line["recipe"])
            # Another version of the libraries writes the same model in other words.
            here: Weights = worker.model(recipe.checkpoint.name).weights
            drawn = worker.draw(replace(recipe, checkpoint=here))
            agree(drawn, line["pixels"], release.environment)
    finally:
        worker.close()


# --- the database -----------------------------------------------------------------------------


async def test_a_database_of_the_release_before_opens_with_all_that_was_in_it(
    tmp_path: Path,
) -> None:
    async with opened(a_copy(tmp_path) / storing.DATABASE) as database:
        assert await database.damage() == ()
        await check_tickets(database)
        await check_pictures(database)
        await check_people(database)


async def check_tickets(database: Database) -> None:
    tickets = Tickets(database)
    states = [t.state for n in range(1, 11) for t in await tickets.of_request(RequestId(n))]
    assert {state: states.count(state) for state in states} == {
        State.DRAWN: 6,
        State.FAILED: 1,
        State.CANCELLED: 2,
        State.QUARANTINED: 1,
        State.RUNNING: 1,
        State.WAITING: 2,
    }
    (failed,) = await tickets.of_request(RequestId(5))
    assert failed.reason == Reason(kind="OutOfMemory", told="9 GB of 8 GB")
    first = await tickets.request(RequestId(1))
    origin, share = first.origin, first.origin.share
    assert (origin.owner, origin.guild, origin.channel) == (ANN, 10, 20)
    assert first.words == "a red flower"
    assert (share.group, share.group_weight, first.progress_message) == (
        GroupId("guild 10"),
        2.0,
        990,
    )
    assert first.notes == ()
    assert await tickets.undelivered() == (5, 6, 7, 10)
    (request, _), (other, two) = await tickets.replay()
    assert (request.origin.owner, other.origin.owner, len(two)) == (CLEO, CLEO, 2)
    wording = await Wordings(database).find(request.id)
    assert wording is not None
    assert wording.own_negative == "blue"
    assert wording.assisted.style == "ink"
    assert wording.assisted.slots is not None
    assert wording.assisted.slots.quoted == ("Hallo",)
    plain = await Wordings(database).find(other.id)
    assert plain is not None
    assert plain.assisted.slots is None


async def check_pictures(database: Database) -> None:
    pictures = Pictures(database)
    found = [await pictures.get(PictureId(n)) for n in range(1, 7)]
    assert [p.owner for p in found] == [ANN, ANN, BEN, CLEO, ANN, BEN]
    assert [p.message for p in found] == [1000, 1000, 1001, 1002, 1003, None]
    assert [p.deleted for p in found] == [False, False, False, True, False, False]
    assert (found[2].parent, found[4].reproduces) == (found[0].id, found[0].id)
    assert found[4].pixels_sha256 == found[0].pixels_sha256
    assert found[2].recipe.inputs[0].sha256 == found[0].png_sha256
    assert {p.environment for p in found} == {FIRST.environment}
    assert [p.id for p in await pictures.newest(CLEO, 9)] == []
    assert [p.id for p in await pictures.find_by_recipe(found[0].recipe.id)] == [1, 5, 6]
    assert [p.id for p in await pictures.of_message(1000)] == [1, 2]


async def check_people(database: Database) -> None:
    people, ledger = People(database), Ledger(database)
    ann = await people.preferences(ANN)
    assert (ann.model, ann.width, ann.height, ann.sampler) == ("starter", 192, 128, "euler")
    assert (ann.seed_mode, ann.assist) == (SeedMode.INCREMENT, AssistMode.AUTO)
    assert await people.last_seed(ANN, 20) == 7, "where it was drawn"
    assert ann.vae is None
    assert await people.last_seed(BEN, 20) == 2**32 - 1
    assert (await people.preferences(STRANGER)).model is None
    accounts = await ledger.load()
    assert accounts.groups[GroupId("guild 10")] == 4.5
    assert accounts.people[GroupId("guild 10"), ANN].tag == 6.5
    assert 12.5 in [served.seconds for served in await ledger.served_since(0.0)]
    assert await ledger.load_costs() is not None
    assert await ledger.load_promises() is not None


async def test_what_waited_at_the_release_before_is_drawn(tmp_path: Path) -> None:
    a_copy(tmp_path)
    async with an_app(tmp_path, FakeWorker()) as app:
        assert app.replayed == 3
        tickets = app.stores.tickets

        async def states() -> set[State]:
            return {t.state for n in (8, 9) for t in await tickets.of_request(RequestId(n))}

        async with asyncio.timeout(LONG):
            while await states() != {State.DRAWN}:  # noqa: ASYNC110  # a test polls
                await asyncio.sleep(0.01)


# --- the backup -------------------------------------------------------------------------------


async def test_a_backup_of_the_release_before_is_whole_and_comes_back(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    shutil.copytree(FIRST.folder / "backup", kept)
    found = storing.look_through(kept)
    assert found.whole
    assert found.absent == ()
    assert (found.contents.requests, found.contents.pictures) == (10, 6)
    assert (found.contents.waiting, found.contents.unsent) == (3, 4)
    data = tmp_path / "data"
    assert storing.restore(found, data, stamp="20261130-080000") is None
    assert (data / "styles.toml").read_text() == "# mine\n"
    assert (data / "wildcards" / "colour.txt").read_text() == "red\nblue\n"
    async with opened(data / storing.DATABASE) as database:
        await check_tickets(database)
        for number in (1, 2, 3, 5, 6):
            picture = await Pictures(database).get(PictureId(number))
            file = Files(data / "files").read(picture.png_sha256)
            assert pixels_sha256(file) == picture.pixels_sha256
            assert recipe_in(file) == picture.recipe
