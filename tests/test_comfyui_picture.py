"""The same seed gives ComfyUI's picture, to one grey level of 255.

Claimed of deterministic samplers, one picture from words that carry no weights, and starts at the
highest level; docs/reproduction.md says why the others differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from generation.recipe import Recipe, needed
from generation.samplers import SAMPLERS
from generation.sigmas import expand
from generation.worker.render import render
from tests.given import loaded
from tests.given.builders import changed
from tests.given.comfyui_drawing import LEVELS, beginning, cut, drawn_as_comfyui_does, timestep
from tests.given.plain_diffusers import stock_pipeline

# docs/samplers.md says what ComfyUI does otherwise there.
OTHERWISE = ("uni_pc", "uni_pc_bh2", "dpm_fast", "ipndm_v")
SAME = [n for n, s in SAMPLERS.items() if not s.stochastic and n not in OTHERWISE]


def a_recipe_of(
    kind: str, sampler: str, scheduler: str = "karras", steps: int = 6, **changes: Any
) -> Recipe:
    base = loaded.recipe_of(kind)
    sigmas = expand(sampler, scheduler, steps=steps, denoise=1.0, noise="scaled-linear")
    return changed(
        base,
        sampler=sampler,
        scheduler=scheduler,
        sigmas=sigmas,
        steps=len(sigmas) - 1,
        prompt="a red cat",
        negative_prompt="dog",
        width=96,
        **changes,
    )


def difference(kind: str, recipe: Recipe) -> np.ndarray[Any, Any]:
    """Ours less ComfyUI's, in grey levels."""
    words, canvas = needed(recipe.words), needed(recipe.canvas)
    sampling = needed(recipe.sampling)
    model = loaded.model(kind)
    ours = render(recipe, (), model, on_step=lambda *_: None).content
    theirs = drawn_as_comfyui_does(
        stock_pipeline(model),
        words.prompt,
        words.negative_prompt,
        sampler=sampling.sampler,
        sigmas=sampling.sigmas,
        cfg=sampling.cfg,
        seed=recipe.seed,
        size=(canvas.width, canvas.height),
    )
    return np.frombuffer(ours, np.uint8).reshape(theirs.shape).astype(int) - theirs


@pytest.mark.parametrize("kind", ["sd1", "sdxl"])
@pytest.mark.parametrize("sampler", SAME)
def test_the_same_seed_gives_comfyuis_picture_to_one_grey_level(sampler: str, kind: str) -> None:
    found = difference(kind, a_recipe_of(kind, sampler, seed=2**31 + 7))
    assert set(np.unique(found)) <= {0, 1}


@pytest.mark.parametrize("scheduler", ["normal", "simple", "sgm_uniform", "exponential", "beta"])
def test_so_do_the_schedules_that_start_at_the_highest_level(scheduler: str) -> None:
    assert set(np.unique(difference("sd1", a_recipe_of("sd1", "dpmpp_2m", scheduler)))) <= {0, 1}


def test_the_one_level_is_that_comfyui_cuts_where_this_program_rounds() -> None:
    found = difference("sd1", a_recipe_of("sd1", "euler"))
    assert 0.4 < found.mean() < 0.6  # the half level that is lost there, on the average
    between = torch.tensor([10.1, 10.9, 11.1]) / 127.5 - 1
    assert cut(between.expand(1, 3, 1, 3)).ravel().tolist() == [10] * 6 + [11] * 3


def test_a_schedule_that_starts_lower_starts_with_other_noise_there() -> None:
    lower = expand("euler", "ddim_uniform", steps=3, denoise=1.0, noise="scaled-linear")[0]
    one = torch.ones(1)
    assert float(beginning(one, float(LEVELS[-1]))) == pytest.approx((1 + LEVELS[-1] ** 2) ** 0.5)
    assert float(beginning(one, lower)) == pytest.approx(lower)  # and (1 + lower^2)^0.5 here
    assert np.abs(difference("sd1", a_recipe_of("sd1", "euler", "ddim_uniform", 3))).max() > 1


def test_the_networks_are_asked_at_whole_steps_of_their_training() -> None:
    assert [timestep(float(LEVELS[t])) for t in (0, 500, 999)] == [0, 500, 999]
