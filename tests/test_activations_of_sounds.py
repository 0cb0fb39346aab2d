"""Claims about memory: what engines of sounds say that a stage takes is what their networks keep.

The networks have their real widths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.families.architecture import Stage
from generation.recipe import Recipe, needed
from generation.worker.engines.table import ENGINES
from generation.worker.loading.building import class_of
from tests.given.builders import a_recipe, as_a_sound
from tests.given.peaks import peak_bytes
from tests.given.thinmodels import architecture

Call = Callable[[Any, Recipe], object]


def of_length(family: str, seconds: float, cfg: float) -> Recipe:
    recipe = as_a_sound(a_recipe(family="ace-step", cfg=cfg), seconds)
    return replace(recipe, family=family)


def oobleck(network: Any, recipe: Recipe) -> object:
    frames = int(needed(recipe.sound).seconds * 25)
    return network.decode(torch.empty(1, 64, frames)).sample


CALLS: dict[str, tuple[str, Stage, dict[str, object], Call]] = {
    "ace-step, its VAE": ("vae", Stage.DECODE, {}, oobleck),
}


@pytest.mark.parametrize(("seconds", "cfg"), [(30.0, 1.0), (240.0, 6.0)])
@pytest.mark.parametrize("name", CALLS)
def test_a_stage_takes_what_was_said_and_a_quarter_less_at_most(
    name: str, seconds: float, cfg: float
) -> None:
    family = name.partition(",")[0]
    recipe = of_length(family, seconds, cfg)
    which, stage, fewer, call = CALLS[name]
    part = architecture(family).part(which)
    config = config_of(CONFIGS / part.config)
    kind = class_of(part.network.module, part.network.name)
    taken = peak_bytes(
        lambda: kind.from_config({**config, **fewer}), lambda network: call(network, recipe)
    )
    said = ENGINES[family].activation_bytes(recipe, {part.name: config}, 4, stage)
    assert 0.75 * said <= taken <= said, taken / said
