"""A model made to inpaint, to edit or to refine is known and loaded, and draws only that."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bot.app import default_model
from bot.pages.apologies import apology_for
from bot.settings import Settings
from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.draft import Draft, DraftWords, complete
from generation.errors import NotMadeFor
from generation.fleet.wire import failure
from generation.job import JobId
from generation.limits import Present, for_somebody
from generation.recipe import Input, needed
from generation.tasks import Task
from generation.worker.failures import report
from generation.worker.loading import single_file
from generation.worker.memory.model_cache import ModelCache
from generation.worker.render import render
from tests.given import tinymodels
from tests.given.apps import a_studio
from tests.given.builders import a_digest, a_model_folder, a_recipe
from tests.given.checkpoints import assembled, configs_of, only, scanned
from tests.given.singlefiles import write
from tests.given.thinmodels import (
    REFINER,
    SD2,
    SD15,
    SDXL,
    Shapes,
    architecture,
    with_channels,
    write_file,
    write_folder,
)

A_CAT = DraftWords(prompt="a cat")
CPU = torch.device("cpu")
MADE: list[tuple[str, Shapes, int, str]] = [
    ("sd15", SD15, 9, "inpainting"),
    ("sd15", SD15, 8, "editing"),
    ("sd2", SD2, 9, "inpainting"),
    ("sdxl", SDXL, 9, "inpainting"),
    ("sdxl", SDXL, 8, "editing"),
]
ARCHITECTURES = {"sd15": "sd1", "sd2": "sd2", "sdxl": "sdxl"}


def the_entry(
    folder: Path, family: str, shapes: Shapes, channels: int, *, as_folder: bool
) -> Entry:
    if as_folder:
        write_folder(folder / "x", ARCHITECTURES[family], channels=channels)
    else:
        write_file(folder / "x.safetensors", with_channels(shapes, channels))
    return only(folder)


@pytest.mark.parametrize("as_folder", [True, False])
@pytest.mark.parametrize(("family", "shapes", "channels", "purpose"), MADE)
def test_it_is_listed_with_its_family_and_channels(
    tmp_path: Path, family: str, shapes: Shapes, channels: int, purpose: str, as_folder: bool
) -> None:
    entry = the_entry(tmp_path / "m", family, shapes, channels, as_folder=as_folder)
    assert (entry.kind, entry.family, entry.channels) == ("checkpoint", family, channels)
    assert entry.purpose == purpose


@pytest.mark.parametrize(("family", "shapes", "channels", "purpose"), MADE)
def test_whoever_asks_it_for_a_picture_hears_what_it_is_for(
    tmp_path: Path, family: str, shapes: Shapes, channels: int, purpose: str
) -> None:
    entry = the_entry(tmp_path / "m", family, shapes, channels, as_folder=False)
    init = Input(role="init", sha256=a_digest(), fit="cover")
    for inputs in ((), (init,)):
        with pytest.raises(NotMadeFor) as refusal:
            complete(Draft(words=A_CAT, inputs=inputs), entry.model, seed=1, device="cpu")
        said = apology_for(refusal.value)
        assert {"inpainting": "masked part", "editing": "as it is told to"}[purpose] in said
        assert "choose another model" in said


def test_a_depth_model_and_an_eight_channel_model_of_2_stay_refused(tmp_path: Path) -> None:
    """Those of eight channels that are made of 2.x look into pictures, and edit none."""
    for shapes, channels in ((SD15, 5), (SD2, 8), (REFINER, 9)):
        folder = tmp_path / f"{channels}"
        write_file(folder / "x.safetensors", with_channels(shapes, channels))
        (refused,) = scanned(folder).refused()
        assert f"{channels} channels" in refused.reason


def test_the_refiner_draws_over_a_picture_alone(tmp_path: Path) -> None:
    write_file(tmp_path / "m" / "x.safetensors", REFINER)
    entry = only(tmp_path / "m")
    assert (entry.family, entry.channels, entry.purpose) == ("sdxl-refiner", 4, None)
    with pytest.raises(NotMadeFor) as refusal:
        complete(Draft(words=A_CAT), entry.model, seed=1, device="cpu")
    assert "give it a picture" in apology_for(refusal.value)
    init = Input(role="init", sha256=a_digest(), fit="cover")
    recipe = complete(Draft(words=A_CAT, inputs=(init,)), entry.model, seed=1, device="cpu")
    assert (recipe.task, needed(recipe.sampling).denoise) == (Task.IMAGE_TO_IMAGE, 0.3)


def test_nobody_who_names_no_model_is_given_one_that_needs_a_picture(tmp_path: Path) -> None:
    write_file(tmp_path / "m" / "a.safetensors", with_channels(SD15, 9))
    write_file(tmp_path / "m" / "b.safetensors", REFINER)
    write_file(tmp_path / "m" / "c.safetensors", SD15)
    assert default_model(Settings(), scanned(tmp_path / "m")).weights.name == "c"


async def test_it_is_not_offered_and_a_wish_for_it_is_answered_at_once(tmp_path: Path) -> None:
    a_model_folder(tmp_path / "models")
    write_folder(tmp_path / "models" / "masks", channels=9)
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        assert "tiny" in await ann.complete("imagine", "model", "", prompt="a")
        assert "masks" not in await ann.complete("imagine", "model", "", prompt="a")
        await ann.command("imagine", prompt="a", model="masks")
        await ann.sees("`masks` is made to redraw a masked part of a picture")


def test_a_strangers_recipe_of_one_is_refused_like_a_wish(tmp_path: Path) -> None:
    entry = the_entry(tmp_path / "m", "sd15", SD15, 9, as_folder=False)
    here = {
        entry.weights.sha256: Present(
            kind="checkpoint", weights=entry.weights, family="sd15", purpose=entry.purpose
        )
    }
    recipe = a_recipe(checkpoint=entry.weights, family="sd15", width=512, height=512)
    with pytest.raises(NotMadeFor):
        for_somebody(recipe, here)


@pytest.mark.parametrize(
    ("name", "channels"), [("sd1", 9), ("sd1", 8), ("sd2", 9), ("sdxl", 9), ("sdxl", 8)]
)
def test_it_is_loaded_whole_from_a_folder_and_from_a_file(
    tmp_path: Path, name: str, channels: int
) -> None:
    build = {
        "sd1": tinymodels.build_sd15,
        "sd2": tinymodels.build_sd2,
        "sdxl": tinymodels.build_sdxl,
    }[name]
    folder = build(tmp_path / "m" / "x", channels=channels)
    catalog = Catalog([folder], tmp_path / "digests.json")
    catalog.scan()
    (entry,) = catalog.models()
    recipe = a_recipe(checkpoint=entry.weights, family=entry.family, width=64, height=64)
    file = tmp_path / "x.safetensors"
    write(name, folder, file)
    configs = configs_of(name, folder, tmp_path)
    head = single_file.opened(file, architecture(name), "x", configs=configs)
    single = assembled(architecture(name), torch.float32, head)
    single.residence.enter(CPU)
    with ModelCache(catalog, CPU, None).take(recipe, on_load=lambda _: None) as model:
        assert model.parts["unet"].config.in_channels == channels
        for part, module in model.parts.modules.items():
            theirs = single.parts[part].state_dict()
            assert all(torch.equal(theirs[key], t) for key, t in module.state_dict().items())
        with pytest.raises(NotMadeFor) as refusal:
            render(recipe, (), model, on_step=lambda *_: None)
    told = failure(report(JobId(1), refusal.value))
    assert isinstance(told, NotMadeFor)
    assert (told.model, told.purpose) == (entry.name, str(entry.purpose))
