"""Claims about memory: what Shap-E's engine says that a stage takes is what is kept alive.

The prior has its real width and fewer layers: a layer's numbers are gone before the next.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.families.architecture import Stage
from generation.recipe import Recipe
from generation.spans import Surface
from generation.tasks import Task
from generation.training.form.triangles import tables
from generation.worker.codecs import mesh
from generation.worker.engines import shap_e
from generation.worker.engines.table import ENGINES
from generation.worker.loading.building import class_of
from tests.given.builders import a_recipe
from tests.given.peaks import peak_bytes, tracked
from tests.given.thinmodels import architecture

TOLD = {"shap-e": (768,), "shap-e-image": (shap_e.SEEN, 1024)}  # of each lane


def a_form(family: str, cfg: float = 1.0, side: int = 128) -> Recipe:
    recipe, form = a_recipe(family=family, cfg=cfg), Surface(resolution=side)
    return replace(recipe, task=Task.TEXT_TO_3D, canvas=None, form=form)


def said(recipe: Recipe, stage: Stage) -> int:
    built = architecture(recipe.family)
    configs = {part.name: config_of(CONFIGS / part.config) for part in built.parts}
    return ENGINES[built.name].activation_bytes(recipe, configs, 4, stage)


@pytest.mark.parametrize(("cfg", "lanes"), [(1.0, 1), (7.0, 2)])
@pytest.mark.parametrize("family", TOLD)
def test_a_step_takes_what_was_said(family: str, cfg: float, lanes: int) -> None:
    part = architecture(family).denoiser
    kind = class_of(part.network.module, part.network.name)
    config = {**config_of(CONFIGS / part.config), "num_layers": 2}

    def called(network: Any) -> object:
        told = torch.empty(lanes, *TOLD[family])
        return network(torch.empty(lanes, 1024, 1024), timestep=torch.ones(()), proj_embedding=told)

    taken = peak_bytes(lambda: kind.from_config(config), called)
    whole = said(a_form(family, cfg), Stage.DENOISE)
    assert 0.85 * whole <= taken <= whole


def test_asking_the_renderer_takes_what_was_said() -> None:
    """In a grid so coarse that its surface is less."""
    part = architecture("shap-e").part("shap_e_renderer")
    kind, side = class_of(part.network.module, part.network.name), 24
    box = mesh.Box(low=-torch.ones(3), high=torch.ones(3))

    def asked(renderer: Any) -> object:
        latents = torch.empty(1, 1024, 1024)
        ask = shap_e._network(renderer, latents)
        points = mesh.grid_points(box, side)
        return mesh.in_pieces(lambda some: ask(some)[0], points, side**3)

    taken = peak_bytes(lambda: kind.from_config(config_of(CONFIGS / part.config)), asked)
    whole = said(a_form("shap-e", side=side), Stage.DECODE)
    assert 0.85 * whole <= taken <= whole


@pytest.mark.parametrize("side", [80, 128])
def test_finding_the_surface_of_a_ball_that_fills_the_grid_takes_what_was_said(side: int) -> None:
    cases, masks = tables()
    table = mesh.Table(cases=cases, masks=masks)
    box = mesh.Box(low=-torch.ones(3), high=torch.ones(3))
    at = torch.linspace(-1, 1, side)
    squares = at[:, None, None] ** 2 + at[None, :, None] ** 2 + at[None, None, :] ** 2

    def found() -> object:
        latents, layers = torch.empty(1024, 1024), torch.empty(256, 93 + 3 * 256)
        return latents, layers, mesh.surface_of(0.9 - squares.sqrt(), box, table)

    whole = said(a_form("shap-e", side=side), Stage.DECODE)
    assert 0.85 * whole <= tracked(found) <= whole
