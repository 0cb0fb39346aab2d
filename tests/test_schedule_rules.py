"""Levels by hand, and Beta schedules of other numbers: a scheduler's name says them.

From what is typed to the recipe, the file and back, as every other scheduler.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from generation import names
from generation.draft import complete
from generation.errors import NoSuchName, OutOfRange
from generation.interchange.infotext import infotext
from generation.limits import Present, for_somebody
from generation.recipe import dump, needed, parse
from generation.schedule_rules import schedule_rule
from generation.sigmas import expand
from tests.given.builders import a_draft, a_model

TURBO_OF_QWEN = "manual:1:0.9045:0.7595:0.5128"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("manual:1:0.9045:0.7595:0.5128", TURBO_OF_QWEN),
        ("Manual(1.0, 0.9045, 0.7595, 0.5128, 0.0)", TURBO_OF_QWEN),
        ("sigmas: 1., .9045, .7595, .5128, 0", TURBO_OF_QWEN),
        ("beta:0.4:0.4", "beta:0.4:0.4"),
        ("Beta(.4, 0.40)", "beta:0.4:0.4"),
        ("beta", "beta"),
    ],
)
def test_a_rule_is_spelled_in_one_way(typed: str, name: str) -> None:
    assert names.scheduler(typed) == name
    assert names.scheduler(names.scheduler_title(name)) == name


@pytest.mark.parametrize("sampler", ["euler", "dpm_2"])
def test_levels_by_hand_are_the_levels_whatever_steps_and_denoise_are(sampler: str) -> None:
    for steps, denoise in ((20, 1.0), (2, 0.5)):
        found = expand(sampler, TURBO_OF_QWEN, steps=steps, denoise=denoise, noise="flow:3.0@0.02")
        assert found == (1.0, 0.9045, 0.7595, 0.5128, 0.0)


def test_a_beta_of_other_numbers_is_its_quantiles() -> None:
    table = np.arange(1, 1001) / 1000
    right = table[np.rint(beta.ppf(1 - np.arange(12) / 12, 0.4, 0.4) * 999).astype(int)]
    found = expand("euler", "beta:0.4:0.4", steps=12, denoise=1.0, noise="flow")
    assert found[:-1] == pytest.approx(right, rel=1e-6)
    plain = expand("euler", "beta", steps=12, denoise=1.0, noise="flow")
    assert expand("euler", "beta:0.6:0.6", steps=12, denoise=1.0, noise="flow") == plain != found


@pytest.mark.parametrize(
    "typed",
    [
        *("manual:0.5:0.9", "manual:1:1", "manual:0", "manual:1:0:0", "manual:1..2", "beta:0:1"),
        *("beta:99:1", "manual:" + ":".join(str(n) for n in range(200, 0, -1))),
    ],
)
def test_levels_that_do_not_descend_and_betas_that_are_none_are_refused(typed: str) -> None:
    with pytest.raises(OutOfRange):
        schedule_rule(typed)


def test_levels_above_what_a_model_saw_are_refused() -> None:
    with pytest.raises(OutOfRange):
        expand("euler", "manual:14:2:1", steps=3, denoise=1.0, noise="flow")
    assert len(expand("euler", "manual:14.6146:2:1", steps=3, denoise=1.0, noise="scaled-linear"))


def test_a_name_that_only_begins_so_is_no_rule() -> None:
    assert schedule_rule("manually") is None
    with pytest.raises(NoSuchName):
        names.scheduler("manual")


def test_a_recipe_of_such_levels_comes_back_from_its_text_its_file_and_a_stranger() -> None:
    model = a_model(family="sd3")
    draft = a_draft(prompt="a cat", scheduler="manual(1, .9, .4)", steps=30)
    recipe = complete(draft, model, seed=1, device="cpu")
    sampling = needed(recipe.sampling)
    assert (sampling.scheduler, sampling.steps) == ("manual:1:0.9:0.4", 3)
    assert sampling.sigmas == (1.0, 0.9, 0.4, 0.0)
    assert parse(dump(recipe)) == recipe
    here = {model.weights.sha256: Present(kind="checkpoint", weights=model.weights, family="sd3")}
    assert needed(for_somebody(recipe, here).sampling) == sampling
    assert TURBO_OF_QWEN not in infotext(recipe)
    assert "manual:1:0.9:0.4" in infotext(recipe)
