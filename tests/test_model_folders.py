"""Claims about model folders that change while the bot runs: what came is drawn with."""

from __future__ import annotations

import asyncio
import logging
import shutil
from pathlib import Path

import pytest
import torch

from bot.studio import model_folders
from bot.studio.model_folders import ModelFolders
from generation.catalog.catalog import Catalog
from generation.errors import MissingWeights, NoSuchName
from generation.fleet.cluster.source import Source
from generation.fleet.cluster.weights_server import WeightsServer
from generation.model_key import model_key
from generation.worker import exactness
from generation.worker.memory.model_cache import ModelCache
from tests.given import tinymodels
from tests.given.apps import a_studio, a_wish, an_app, drawn
from tests.given.builders import a_lora, a_model_folder, a_recipe
from tests.given.fakes import FakeWorker

SOON = 0.05  # seconds between two looks


class Counted(Catalog):
    """Counts its scans."""

    scans = 0

    def scan(self) -> None:
        self.scans += 1
        super().scan()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    a_model_folder(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def catalog(models: Path, tmp_path: Path) -> Counted:
    catalog = Counted([models], tmp_path / "digests.json")
    catalog.scan()
    return catalog


def names(catalog: Catalog) -> list[str]:
    return [entry.name for entry in catalog.entries()]


async def until_it_knows(catalog: Catalog, *expected: str) -> None:
    async with asyncio.timeout(60):
        while names(catalog) != list(expected):  # noqa: ASYNC110  # a test polls what has no event
            await asyncio.sleep(SOON)


# What a look finds.


def test_a_look_scans_only_where_something_changed(catalog: Counted, models: Path) -> None:
    assert not catalog.refresh()
    a_model_folder(models, "other")
    assert catalog.refresh()
    assert names(catalog) == ["other", "tiny"]
    (models / "holiday.png").write_bytes(b"no weights")
    (models / ".hidden").mkdir()
    assert not catalog.refresh()
    shutil.rmtree(models / "tiny")
    assert catalog.refresh()
    assert names(catalog) == ["other"]
    assert catalog.scans == 3


def test_a_card_that_was_written_since_is_read(catalog: Counted, models: Path) -> None:
    (models / "tiny" / "atelier.toml").write_text('family = "starter"\ntitle = "Another"\n')
    assert catalog.refresh()
    assert catalog.models()[0].title == "Another"


def test_what_is_still_being_written_is_left_alone_until_it_rests(
    catalog: Counted, models: Path
) -> None:
    file = models / "growing.safetensors"
    for size in (1, 2, 3):
        file.write_bytes(bytes(size))
        assert not catalog.refresh(at_rest=True)
    file.unlink()
    a_lora(models, "growing")
    assert not catalog.refresh(at_rest=True)
    assert catalog.refresh(at_rest=True)
    assert names(catalog) == ["tiny", "growing"]


def test_links_in_a_circle_and_folders_that_are_gone_end_a_look(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "round").symlink_to(tmp_path / "m")
    (tmp_path / "m" / "nothing").symlink_to(tmp_path / "gone")
    catalog = Counted([tmp_path / "m", tmp_path / "gone"], tmp_path / "digests.json")
    catalog.scan()
    assert not catalog.refresh()


def test_weights_that_came_later_have_their_size_and_keep_it(
    catalog: Counted, models: Path
) -> None:
    a_model_folder(models, "other")
    catalog.refresh()
    other = catalog.find("other")
    assert catalog.size_of(other.weights.sha256) == other.size_bytes > 0
    shutil.rmtree(models / "other")
    catalog.refresh()
    assert catalog.size_of(other.weights.sha256) == other.size_bytes  # jobs may wait for it


# The bot.


async def test_the_bot_looks_by_itself_and_tells_what_came_and_went(
    catalog: Counted, models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    looking = asyncio.create_task(ModelFolders(catalog, every=SOON).run())
    with caplog.at_level(logging.INFO):
        a_model_folder(models, "other")
        await until_it_knows(catalog, "other", "tiny")
        shutil.rmtree(models / "tiny")
        await until_it_knows(catalog, "other")
    looking.cancel()
    said = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("now here: checkpoint other [") for line in said)
    assert any(line.startswith("no longer here: checkpoint tiny [") for line in said)


async def test_a_look_that_fails_is_not_the_last(catalog: Counted, models: Path) -> None:
    broken = True

    def refresh(*, at_rest: bool = False) -> bool:
        nonlocal broken
        if broken:
            broken = False
            raise OSError("the network disk is gone")
        return Catalog.refresh(catalog, at_rest=at_rest)

    catalog.refresh = refresh  # type: ignore[method-assign]
    looking = asyncio.create_task(ModelFolders(catalog, every=SOON).run())
    a_model_folder(models, "other")
    await until_it_knows(catalog, "other", "tiny")
    looking.cancel()


async def test_a_model_that_came_a_moment_ago_can_be_named_and_fits_where_it_fits(
    tmp_path: Path,
) -> None:
    worker = FakeWorker()
    async with an_app(tmp_path, worker) as app:
        with pytest.raises(NoSuchName):
            await drawn(app, a_wish(model="other"))
        a_model_folder(tmp_path / "models", "other")
        outcome = await drawn(app, a_wish(model="other"))
        (picture,) = outcome.pictures
        assert picture.recipe.checkpoint == app.catalog.find("other").weights
        seat = app.make_seat("one more", worker)
        assert seat.size_of(model_key(picture.recipe)) > 0


async def test_choosing_has_the_folders_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_folders, "LOOK_EVERY", 3600.0)
    monkeypatch.setattr(model_folders, "LOOK_SOONER", SOON)
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        a_model_folder(tmp_path / "models", "newest")
        async with asyncio.timeout(60):
            offered: list[str] = []
            while "newest" not in offered:
                offered = await ann.complete("imagine", "model", "new", prompt="a")
                await asyncio.sleep(SOON)  # as somebody who types


# Those who draw.


def test_a_worker_draws_with_what_came_after_its_start_and_misses_what_went(
    tmp_path: Path,
) -> None:
    exactness.switch_on(threads=1)
    folder = tmp_path / "models"
    tinymodels.build_sd15(folder / "first")
    catalog = Catalog([folder], tmp_path / "digests.json")
    catalog.scan()
    cache = ModelCache(catalog, torch.device("cpu"), None)
    made = tinymodels.build_sd15(folder / "second", seed=2)
    told = Catalog([folder], tmp_path / "bot.json")
    told.scan()
    recipe = a_recipe(checkpoint=told.find("second").weights, width=64, height=64)
    with cache.take(recipe, on_load=lambda _: None) as model:
        assert model.residence.on_device
    shutil.rmtree(made)
    with pytest.raises(MissingWeights), cache.take(recipe, on_load=lambda _: None):
        pass


async def test_nodes_of_a_cluster_are_given_what_came_later(
    catalog: Counted, models: Path, tmp_path: Path
) -> None:
    server = WeightsServer(catalog, tmp_path / "digests.json")
    door = await server.open("127.0.0.1")
    a_lora(models, "ink")
    assert await ModelFolders(catalog).changed()
    digest = catalog.find("ink", "lora").weights.sha256
    assert "ink" in await asyncio.to_thread(Source(door.url, door.token).manifest, digest)
    await server.close()
