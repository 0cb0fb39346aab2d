"""Levels of flows, whose shift may depend on a picture's size and on its steps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from diffusers.pipelines.flux2.pipeline_flux2 import compute_empirical_mu
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)

from generation.draft import complete
from generation.errors import NoSuchName, OutOfRange
from generation.families.family import FAMILIES
from generation.families.trained import of_flow_scheduler
from generation.recipe import needed
from generation.sigmas import expand, levels, resolved, shifted
from tests.given.builders import a_draft, a_model

CONFIGS = [
    {"use_dynamic_shifting": True},
    {"use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 0.9, "max_image_seq_len": 8192},
    {"use_dynamic_shifting": True, "shift_terminal": 0.02},
    {"shift": 3.0},
    {"shift": 3.0, "shift_terminal": 0.1},
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("side", [512, 1024, 1536])
@pytest.mark.parametrize("steps", [2, 4, 20])
def test_the_levels_of_a_folder_are_those_of_its_scheduler(
    config: dict[str, object], side: int, steps: int
) -> None:
    stock = FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, **config)
    said = stock.config
    slope = (said.max_shift - said.base_shift) / (said.max_image_seq_len - said.base_image_seq_len)
    mu = slope * (side**2 // 256 - said.base_image_seq_len) + said.base_shift
    stock.set_timesteps(
        sigmas=list(np.linspace(1, 1 / steps, steps)),
        mu=mu if said.use_dynamic_shifting else None,
    )
    noise = of_flow_scheduler(dict(config), "a model").noise
    ours = expand(
        "euler",
        "simple",
        steps=steps,
        denoise=1.0,
        noise=resolved(noise, pixels=side**2, steps=steps),
    )
    # A table has an entry for each thousandth, or ten-thousandth.
    assert ours == pytest.approx(stock.sigmas.tolist(), abs=2e-3)


@pytest.mark.parametrize("side", [512, 1024, 1040, 1536])
@pytest.mark.parametrize("steps", [4, 20, 50])
def test_the_empirical_shift_is_that_of_the_pipeline(side: int, steps: int) -> None:
    found = levels(resolved("flow-empirical", pixels=side**2, steps=steps)).shift
    assert math.log(needed(found)) == pytest.approx(compute_empirical_mu(side**2 // 256, steps))


def test_a_shift_that_somebody_says_counts_more_than_the_models() -> None:
    model = a_model(family="sd3")
    usual = complete(a_draft(prompt="a"), model, seed=1, device="cpu")
    said = complete(a_draft(prompt="a", shift=6.0), model, seed=1, device="cpu")
    assert needed(usual.sampling).shift is None
    assert needed(said.sampling).shift == 6.0
    assert needed(said.sampling).sigmas[1] > needed(usual.sampling).sigmas[1]
    assert needed(said.sampling).sigmas[0] == needed(usual.sampling).sigmas[0] == 1.0


@pytest.mark.parametrize(("what", "value"), [("shift", 3.0), ("guidance", 3.5)])
def test_what_a_model_is_not_told_is_refused_by_its_name(what: str, value: float) -> None:
    with pytest.raises(OutOfRange) as refused:
        complete(a_draft(prompt="a", **{what: value}), a_model(), seed=1, device="cpu")
    assert refused.value.what == what
    assert FAMILIES["starter"].title in str(refused.value)


def test_other_noise_cannot_be_shifted() -> None:
    with pytest.raises(NoSuchName):
        shifted("scaled-linear", 3.0)
