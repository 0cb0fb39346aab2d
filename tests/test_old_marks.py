"""Older recipes name neither noise nor prediction: each keeps the pixels that it had."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from generation.catalog.checkpoint import read_checkpoint
from generation.catalog.quantised import Contents
from generation.errors import OutOfRange, UnusableWeights
from generation.families.stable_diffusion import SDXL as SDXL_BUILD
from generation.recipe import dump, needed, parse
from generation.worker.loading import single_file
from generation.worker.memory.model_cache import ModelCache
from generation.worker.render import Rendition, render
from generation.worker.sampling.denoiser import alphas_of
from tests.given import tinymodels
from tests.given.builders import a_recipe, changed
from tests.given.checkpoints import only, recipe_for, scanned, the_single_file, zero_snr_folder
from tests.given.thinmodels import SDXL, configs, write_file

LINEAR = {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02}
WITHOUT: dict[str, Any] = {"noise": None, "prediction": None}


def drawn(folder: Path, **changes: Any) -> Rendition:
    """What the folder's model draws by a recipe that begins where the older ones did."""
    catalog = scanned(folder)
    recipe = recipe_for(catalog.models()[0], steps=3, scheduler="karras")
    sigmas = needed(
        a_recipe(sampler=needed(recipe.sampling).sampler, scheduler="karras", steps=3).sampling
    ).sigmas
    recipe = changed(recipe, sigmas=sigmas, **changes)
    with ModelCache(catalog, torch.device("cpu"), None).take(
        recipe, on_load=lambda _: None
    ) as model:
        return render(recipe, (), model, on_step=lambda *_: None)


@pytest.mark.parametrize("betas", [{}, LINEAR])
def test_a_recipe_without_noise_is_drawn_as_if_the_folder_did_not_say_zero_snr(
    tmp_path: Path, betas: dict[str, object]
) -> None:
    marked = zero_snr_folder(tmp_path / "marked" / "x", **betas)
    silent = zero_snr_folder(tmp_path / "silent" / "x", rescale_betas_zero_snr=False, **betas)
    noise = needed(recipe_for(only(marked)).sampling).noise
    assert noise is not None
    assert needed(recipe_for(only(silent)).sampling).noise is None
    before = drawn(marked, **WITHOUT)
    assert before == drawn(silent, **WITHOUT)
    assert before.content != drawn(marked, noise=noise).content


@pytest.mark.parametrize("marks", [(), ("ztsnr",), ("v_pred",), ("v_pred", "ztsnr")])
def test_a_single_file_is_loaded_with_the_prediction_and_the_betas_that_it_says(
    tmp_path: Path, marks: tuple[str, ...]
) -> None:
    tensors, config = the_single_file("sdxl")
    file = tmp_path / "x.safetensors"
    save_file({**tensors, **{mark: torch.zeros(0) for mark in marks}}, file)
    trained = single_file.opened(file, SDXL_BUILD, "x", configs=config).trained
    assert trained is not None
    assert trained.noise == ("scaled-linear-zsnr" if "ztsnr" in marks else "scaled-linear")
    assert trained.prediction == ("v_prediction" if "v_pred" in marks else "epsilon")


def test_a_prediction_that_only_the_metadata_says_is_in_the_recipe(tmp_path: Path) -> None:
    file = write_file(tmp_path / "m" / "x.safetensors", SDXL)
    header = json.loads(file.read_bytes()[8 : 8 + int.from_bytes(file.read_bytes()[:8], "little")])
    header["__metadata__"] = {"modelspec.prediction_type": "v"}
    text = json.dumps(header).encode()
    size = int.from_bytes(file.read_bytes()[:8], "little")
    file.write_bytes(len(text).to_bytes(8, "little") + text + file.read_bytes()[8 + size :])
    recipe = recipe_for(only(tmp_path / "m"), width=512, height=512)
    assert needed(recipe.sampling).prediction == "v_prediction"
    said = Contents(shapes=SDXL, dtypes={}, metadata=header["__metadata__"], read=None)
    assert read_checkpoint(said, "x", SDXL_BUILD, configs()).prediction == "epsilon"


@pytest.mark.parametrize("said", ["rectified-flow", "sample"])
def test_a_prediction_of_another_kind_in_the_metadata_is_refused_by_name(said: str) -> None:
    for word, told in (("V-prediction", "v_prediction"), ("epsilon", None), ("", None)):
        contents = Contents(shapes=SDXL, metadata={"modelspec.prediction_type": word})
        assert read_checkpoint(contents, "x", SDXL_BUILD, configs()).told == told
    contents = Contents(shapes=SDXL, metadata={"modelspec.prediction_type": said})
    with pytest.raises(UnusableWeights, match=f"modelspec.prediction_type is '{said}'"):
        read_checkpoint(contents, "x", SDXL_BUILD, configs())


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_other_betas_that_end_without_signal_are_the_stock_schedulers(tmp_path: Path) -> None:
    from diffusers import EulerDiscreteScheduler

    entry = only(zero_snr_folder(tmp_path / "m" / "x", **LINEAR))
    recipe = recipe_for(entry)
    stock: Any = EulerDiscreteScheduler(
        **LINEAR, rescale_betas_zero_snr=True, timestep_spacing="trailing"
    )
    noise = needed(recipe.sampling).noise
    assert noise == "linear:0.0001:0.02-zsnr"
    assert torch.equal(alphas_of(noise), stock.alphas_cumprod)
    assert needed(recipe.sampling).sigmas[0] == pytest.approx(4096, abs=0.01)
    assert parse(dump(recipe)) == recipe


@pytest.mark.parametrize(
    "noise",
    [
        *("", "flow", "linear", "pink-zsnr", "linear:0.5:0.9-zsnr", "linear:1e-20:1e-19-zsnr"),
        *("linear:0.9:0.1-zsnr", "linear:" + "0" * 500 + ":1-zsnr", 7, ["scaled-linear"]),
    ],
)
def test_a_strangers_noise_is_a_name_that_can_be_used(noise: object) -> None:
    with pytest.raises(OutOfRange, match="noise"):
        a_recipe(noise=noise)


def test_a_folder_of_the_family_s_own_betas_says_nothing() -> None:
    recipe = recipe_for(only(tinymodels.sd15()))
    assert (needed(recipe.sampling).noise, needed(recipe.sampling).prediction) == (None, None)
