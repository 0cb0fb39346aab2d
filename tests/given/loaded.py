"""The tiny models, loaded in this process the way the worker loads them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch

from generation.catalog.catalog import Catalog
from generation.families.stable_diffusion import SDXL
from generation.recipe import Recipe
from generation.worker import exactness
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.text.clip import Clip
from tests.given import tinymodels
from tests.given.builders import a_recipe


@cache
def shelf() -> ModelCache:
    exactness.switch_on(threads=1)
    catalog = Catalog([tinymodels.sd15(), tinymodels.sdxl()], tinymodels.home() / "loaded.json")
    catalog.scan()
    return ModelCache(catalog, torch.device("cpu"), None)


@cache
def sd15() -> Model:
    return _model("tiny-sd15", "starter")


@cache
def sdxl() -> Model:
    return _model("tiny-sdxl", "sdxl")


def recipe_of(name: str, family: str) -> Recipe:
    weights = shelf().catalog.find(name).weights
    return a_recipe(checkpoint=weights, family=family, width=64, height=64)


def folder_of(model: Model) -> Path:
    return tinymodels.sdxl() if model.architecture is SDXL else tinymodels.sd15()


def clips(model: Model) -> tuple[Clip, ...]:
    """Its text encoders."""
    return model.engine.learners(model.parts)


def _model(name: str, family: str) -> Model:
    with shelf().take(recipe_of(name, family), on_load=lambda _: None) as model:
        return model
