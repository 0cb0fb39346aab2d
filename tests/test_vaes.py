"""A VAE can be chosen by card, option and setting; where one overflows it decodes again in fp32."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bot.pages.recipe_page import recipe_page
from bot.pages.replies import settings_line
from generation.catalog.catalog import Catalog
from generation.errors import NoSuchName, RenderFailed, UnusableWeights, WrongFamily
from generation.picture import DECODED_AGAIN, Verdict, compare
from generation.recipe import Precision, Recipe, Weights
from generation.worker.loading.loader import load
from generation.worker.memory.model_cache import ModelCache
from generation.worker.render import Rendition, render
from storage.people import Preferences
from tests.given import thinmodels, tinymodels
from tests.given.apps import a_studio, a_wish, an_app, drawn
from tests.given.builders import ANN, a_model_folder, a_recipe
from tests.given.checkpoints import only, reason, scanned
from tests.given.fakes import FakeWorker
from tests.given.worker_process import WorkerProcess

CPU = torch.device("cpu")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A model "tiny" and the VAEs "fine" and, carded for SDXL, "large"."""
    folder = tmp_path / "models"
    a_model_folder(folder)
    thinmodels.write_vae(folder / "fine", fill=1)
    (thinmodels.write_vae(folder / "large", fill=2) / "atelier.toml").write_text('family = "sdxl"')
    return folder


# What a catalog knows of them.


def test_a_folder_or_file_is_a_vae_by_its_tensors(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    thinmodels.write_vae(folder / "fine")
    for name, prefix in (("bare", ""), ("prefixed", "first_stage_model.")):
        shapes = {prefix + key: shape for key, shape in thinmodels.VAE.items()}
        leftovers: dict[str, tuple[int, ...]] = {"loss.logvar": (), "model_ema.decay": ()}
        thinmodels.write_file(folder / f"{name}.safetensors", {**shapes, **leftovers})
    catalog = scanned(folder)
    assert catalog.refused() == ()
    assert [(e.name, e.kind, e.family) for e in catalog.entries()] == [
        ("bare", "vae", ""),
        ("fine", "vae", ""),
        ("prefixed", "vae", ""),
    ]


def test_half_a_vae_is_refused(tmp_path: Path) -> None:
    lacking = dict(thinmodels.VAE)
    del lacking["decoder.norm_out.weight"]
    thinmodels.write_file(tmp_path / "m" / "x.safetensors", lacking)
    assert "decoder.norm_out.weight" in reason(tmp_path / "m")


def test_a_card_chooses_the_vae_of_a_model(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    thinmodels.write_file(folder / "x.safetensors", thinmodels.SD15)
    thinmodels.write_vae(folder / "fine")
    (folder / "x.safetensors.atelier.toml").write_text('vae = "Fine"')
    catalog = scanned(folder)
    vae = catalog.find("fine", "vae")
    assert catalog.models()[0].model.vae == vae.weights
    shutil.rmtree(folder / "fine")
    assert "'Fine' is not here" in reason(folder)


def test_a_vae_folder_loads_as_it_lies(tmp_path: Path) -> None:
    """And is another picture than the model's own VAE makes."""
    folder = tmp_path / "m"
    shutil.copytree(tinymodels.sd15(), folder / "tiny")
    other = tinymodels.build_sd15(tmp_path / "other", seed=9)
    shutil.copytree(other / "vae", folder / "fine")
    catalog = Catalog([folder], tmp_path / "digests.json")
    catalog.scan()
    assert catalog.refused() == ()
    vae = catalog.find("fine", "vae").weights
    recipe = a_recipe(checkpoint=catalog.find("tiny").weights, width=64, height=64)
    own, fine = (rastered(catalog, r) for r in (recipe, replace(recipe, vae=vae)))
    assert own.latents_sha256 == fine.latents_sha256
    assert own.content != fine.content


def test_a_recipe_of_a_stranger_makes_no_vae_of_a_checkpoint(tmp_path: Path) -> None:
    folder = tinymodels.sd15()
    recipe = a_recipe(vae=Weights(name="sly", sha256=a_recipe().checkpoint.sha256))
    with pytest.raises(UnusableWeights, match=r"config\.json"):
        load(recipe, folder, folder, CPU)
    del tmp_path


# How people choose one.


async def test_an_option_chooses_it_and_what_follows_keeps_it(tmp_path: Path, models: Path) -> None:
    del models
    async with an_app(tmp_path, FakeWorker()) as app:
        first = (await drawn(app, a_wish(vae="FINE"))).pictures[0]
        assert first.recipe.vae is not None
        assert first.recipe.vae.name == "fine"
        changed = (await drawn(app, a_wish("at night", parent=first))).pictures[0]
        assert changed.recipe.vae == first.recipe.vae
        back = (await drawn(app, a_wish("at night", parent=first, vae="own"))).pictures[0]
        assert back.recipe.vae is None
    assert "vae `fine`" in settings_line(first.recipe)
    assert "fine (sha256" in recipe_page(first)[0]


async def test_one_that_does_not_fit_or_is_not_there_is_refused(
    tmp_path: Path, models: Path
) -> None:
    del models
    async with an_app(tmp_path, FakeWorker()) as app:
        with pytest.raises(WrongFamily, match="large"):
            await drawn(app, a_wish(vae="large"))
        with pytest.raises(NoSuchName) as unknown:
            await drawn(app, a_wish(vae="fin"))
        assert (unknown.value.kind, unknown.value.nearest) == ("vae", ("fine",))


async def test_a_setting_chooses_it_where_it_fits(tmp_path: Path, models: Path) -> None:
    del models
    async with an_app(tmp_path, FakeWorker()) as app:
        with pytest.raises(NoSuchName):
            await app.studio.defaults.keep(ANN, Preferences(vae="nowhere"), size=None)
        names = []
        for vae in ("fine", "large", "own"):
            await app.studio.defaults.keep(ANN, Preferences(vae=vae), size=None)
            recipe = (await drawn(app, a_wish())).pictures[0].recipe
            names.append(recipe.vae.name if recipe.vae else None)
        assert names == ["fine", None, None]


async def test_the_command_offers_those_that_fit(tmp_path: Path, models: Path) -> None:
    del models
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        offered = await ann.complete("imagine", "vae", "", prompt="a")
        assert "fine" in offered
        assert "large" not in offered
        await ann.command("imagine", prompt="a flower", vae="fine")
        await ann.sees("vae `fine`")
        vae = studio.worker.orders[-1].recipe.vae
        assert vae is not None
        assert vae.name == "fine"


# Overflow.


def rastered(catalog: Catalog, recipe: Recipe) -> Rendition:
    with ModelCache(catalog, CPU, None).take(recipe, on_load=lambda _: None) as model:
        return render(recipe, (), model, on_step=lambda *_: None)


def hot(folder: Path, factor: float) -> Path:
    """A model whose VAE's numbers grow beyond what fp16 holds."""
    tinymodels.build_sd15(folder)
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    for key, tensor in tensors.items():
        if key.startswith("decoder.mid_block.resnets.0.conv2"):
            tensors[key] = tensor * factor
    save_file(tensors, file, metadata={"format": "pt"})
    return folder


def test_a_vae_that_overflows_in_fp16_decodes_again_in_fp32(tmp_path: Path) -> None:
    hot(tmp_path / "m" / "hot", 3e5)
    catalog = scanned(tmp_path / "m")
    recipe = a_recipe(
        checkpoint=only(tmp_path / "m").weights, width=64, height=64, precision=Precision.FP16
    )
    one = rastered(catalog, recipe)
    assert one.remark == DECODED_AGAIN
    assert len(set(one.content)) > 10  # a picture, not black
    assert one == rastered(catalog, recipe)
    assert rastered(catalog, replace(recipe, precision=Precision.FP32)).remark == ""


def test_the_picture_says_so_and_is_identical_when_reproduced(tmp_path: Path) -> None:
    folder = hot(tmp_path / "m" / "hot", 3e5)
    worker = WorkerProcess(folder)
    try:
        weights = only(tmp_path / "m").weights
        recipe = a_recipe(checkpoint=weights, width=64, height=64, precision=Precision.FP16)
        one, two = worker.draw(recipe), worker.draw(recipe)
        assert DECODED_AGAIN in one.environment.flags
        assert one.environment.id == two.environment.id != worker.environment.id
        assert compare(one, two).verdict is Verdict.IDENTICAL
    finally:
        worker.close()


def test_what_overflows_in_fp32_too_is_refused_with_what_helps(tmp_path: Path) -> None:
    hot(tmp_path / "m" / "hot", float("inf"))
    catalog = scanned(tmp_path / "m")
    recipe = a_recipe(
        checkpoint=only(tmp_path / "m").weights, width=64, height=64, precision=Precision.FP16
    )
    with pytest.raises(RenderFailed, match="another VAE may help"):
        rastered(catalog, recipe)
