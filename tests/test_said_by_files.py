"""What a file says of its training is used as the stock libraries use it, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from generation.errors import UnknownWeights, UnusableWeights
from generation.families.trained import of_scheduler
from generation.recipe import Canvas, canonical, dump, needed, parse
from generation.sigmas import levels
from generation.worker.memory.model_cache import ModelCache
from generation.worker.render import render
from generation.worker.sampling.denoiser import alphas_of
from tests.given.checkpoints import only, recipe_for, scanned, zero_snr_folder
from tests.given.thinmodels import SCHEDULER, SD2, SD15, SDXL, Shapes, write_file, write_folder

CPU = torch.device("cpu")
ZERO = SCHEDULER | {"_class_name": "EulerDiscreteScheduler", "rescale_betas_zero_snr": True}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_zero_terminal_snr_has_the_stock_schedulers_levels(tmp_path: Path) -> None:
    from diffusers import EulerDiscreteScheduler

    stock: Any = EulerDiscreteScheduler(
        **{k: v for k, v in ZERO.items() if k not in ("_class_name", "clip_sample")},
        timestep_spacing="trailing",
    )
    assert torch.equal(alphas_of("scaled-linear-zsnr"), stock.alphas_cumprod)
    kept = stock.alphas_cumprod.double()
    # What float32 hardly holds is not quite the same: the last signals before none.
    assert levels("scaled-linear-zsnr").table == pytest.approx(
        (((1 - kept) / kept) ** 0.5).tolist(), rel=2e-4
    )
    entry = only(zero_snr_folder(tmp_path / "m" / "zero"))
    recipe = recipe_for(entry, steps=20, sampler="euler", scheduler="sgm_uniform")
    stock.set_timesteps(20)
    assert (
        needed(recipe.sampling).sigmas[0]
        == pytest.approx(float(stock.sigmas[0]), rel=1e-6)
        == 4096.0
    )
    assert needed(recipe_for(entry).sampling).scheduler == "sgm_uniform"
    assert parse(dump(recipe)) == recipe


def test_a_picture_begins_at_the_last_timestep_and_ends_finite(tmp_path: Path) -> None:
    folder = zero_snr_folder(tmp_path / "m" / "zero")
    catalog = scanned(folder)
    recipe = recipe_for(catalog.models()[0], steps=3)
    seen: list[float] = []
    with ModelCache(catalog, CPU, None).take(recipe, on_load=lambda _: None) as model:
        model.parts["unet"].register_forward_pre_hook(
            lambda _, inputs: seen.append(float(inputs[1]))
        )
        render(recipe, (), model, on_step=lambda *_: None)
    assert seen[0] == 999
    assert model.trained.prediction == "v_prediction"


@pytest.mark.parametrize(
    ("marks", "noise"),
    [((), None), (("v_pred",), None), (("v_pred", "ztsnr"), "scaled-linear-zsnr")],
)
def test_a_single_file_says_it_by_empty_tensors(
    tmp_path: Path, marks: tuple[str, ...], noise: str | None
) -> None:
    write_file(tmp_path / "m" / "x.safetensors", {**SDXL, **dict.fromkeys(marks, (0,))})
    entry = only(tmp_path / "m")
    assert entry.noise == needed(recipe_for(entry, width=512, height=512).sampling).noise == noise
    first = needed(recipe_for(entry, width=512, height=512).sampling).sigmas[0]
    assert first == pytest.approx(levels(noise or "scaled-linear").highest, rel=1e-6)


def test_a_recipe_of_a_file_that_says_nothing_is_what_it_always_was(tmp_path: Path) -> None:
    write_file(tmp_path / "m" / "x.safetensors", SD15)
    recipe = recipe_for(only(tmp_path / "m"), width=512, height=512)
    assert (needed(recipe.sampling).prediction, needed(recipe.sampling).noise, recipe.vae) == (
        None,
        None,
        None,
    )
    assert '"prediction"' not in canonical(recipe)
    assert '"noise"' not in canonical(recipe)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"_class_name": "EDMDPMSolverMultistepScheduler"}, "EDM"),
        ({"_class_name": "EDMEulerScheduler"}, "EDM"),
        ({"_class_name": "FlowMatchEulerDiscreteScheduler"}, "FlowMatchEulerDiscreteScheduler"),
        ({"_class_name": ["diffusers"]}, "scheduler"),
        ({"beta_schedule": "squaredcos_cap_v2"}, "squaredcos_cap_v2"),
        ({"beta_schedule": ["linear"]}, "noise schedule"),
        ({"beta_schedule": None}, "noise schedule"),
        ({"beta_start": "0.1"}, "beta_start"),
        ({"beta_end": 1e308}, "beta_end"),
        ({"beta_start": 0.9}, "beta_start"),
        ({"prediction_type": "sample"}, "sample"),
        ({"prediction_type": "flow_prediction"}, "flow_prediction"),
        ({"prediction_type": 3}, "prediction"),
        ({"num_train_timesteps": 4000}, "num_train_timesteps"),
        ({"trained_betas": [0.1, 0.2]}, "trained_betas"),
        ({"rescale_betas_zero_snr": "yes"}, "rescale_betas_zero_snr"),
        ({"thresholding": True}, "thresholding"),
        ({"use_flow_sigmas": True}, "use_flow_sigmas"),
        ({"timestep_type": "continuous"}, "timestep_type"),
        ({"sigma_data": 0.5}, "sigma_data"),
        ({"secret_sauce": 1}, "secret_sauce"),
    ],
)
def test_a_schedulers_setting_is_used_or_refused_by_name(
    change: dict[str, object], said: str
) -> None:
    with pytest.raises(UnusableWeights, match=said):
        of_scheduler(SCHEDULER | change, "x")


def test_a_scheduler_that_does_not_say_its_betas_is_refused() -> None:
    config = {key: value for key, value in SCHEDULER.items() if key != "beta_schedule"}
    with pytest.raises(UnusableWeights, match="does not say its beta_schedule"):
        of_scheduler(config, "x")


def test_other_betas_are_the_levels_of_the_recipe(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "m" / "x")
    config = SCHEDULER | {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02}
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(config))
    kept = alphas_of("linear:0.0001:0.02")[-1]
    recipe = recipe_for(only(tmp_path / "m"), width=512, height=512)
    assert needed(recipe.sampling).sigmas[0] == pytest.approx(
        float(((1 - kept) / kept) ** 0.5), rel=1e-5
    )


def test_a_file_of_2_that_does_not_say_what_it_predicts_waits_for_a_card(tmp_path: Path) -> None:
    """Noise at 512 pixels, or velocity at 768: the tensors are the same."""
    write_file(tmp_path / "m" / "x.safetensors", SD2)
    (refused,) = scanned(tmp_path / "m").refused()
    assert isinstance(refused, UnknownWeights)
    assert "nothing in it tells what it predicts: its card may" in refused.reason
    assert '"v_prediction" for Stable Diffusion 2.x (768)' in refused.reason


@pytest.mark.parametrize(
    ("card", "family", "prediction"),
    [
        ('prediction = "v_prediction"', "sd2-768", "v_prediction"),
        ('prediction = "epsilon"', "sd2", "epsilon"),
        ('family = "sd2-768"', "sd2-768", "v_prediction"),
        ('family = "sd2"', "sd2", "epsilon"),
        ('family = "sd2"\nprediction = "v_prediction"', "sd2", "v_prediction"),
    ],
)
def test_a_card_says_it(tmp_path: Path, card: str, family: str, prediction: str) -> None:
    write_file(tmp_path / "m" / "x.safetensors", SD2)
    (tmp_path / "m" / "x.safetensors.atelier.toml").write_text(card)
    entry = only(tmp_path / "m")
    recipe = recipe_for(entry, width=None, height=None)
    assert (recipe.family, needed(recipe.sampling).prediction) == (family, prediction)
    side = 768 if family == "sd2-768" else 512
    assert recipe.canvas == Canvas(width=side, height=side)


@pytest.mark.parametrize(
    ("more", "metadata", "family", "prediction"),
    [
        ({"v_pred": (0,)}, {}, "sd2-768", None),  # the worker reads it too
        ({}, {"modelspec.prediction_type": "v"}, "sd2-768", "v_prediction"),
        ({}, {"modelspec.prediction_type": "epsilon"}, "sd2", "epsilon"),
    ],
)
def test_a_file_of_2_may_say_it_itself(
    tmp_path: Path,
    more: Shapes,
    metadata: dict[str, str],
    family: str,
    prediction: str | None,
) -> None:
    write_file(tmp_path / "m" / "x.safetensors", {**SD2, **more}, metadata=metadata)
    entry = only(tmp_path / "m")
    assert (entry.family, entry.prediction) == (family, prediction)


@pytest.mark.parametrize(
    ("prediction", "family"), [("epsilon", "sd2"), ("v_prediction", "sd2-768")]
)
def test_a_folder_of_2_says_it_by_its_scheduler(
    tmp_path: Path, prediction: str, family: str
) -> None:
    folder = write_folder(tmp_path / "m" / "x", "sd2")
    file = folder / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps(SCHEDULER | {"prediction_type": prediction}))
    entry = only(tmp_path / "m")
    assert (entry.family, entry.prediction) == (family, None)
