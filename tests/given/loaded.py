"""The tiny models, loaded in this process the way the worker loads them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch

from generation.catalog.catalog import Catalog
from generation.recipe import Recipe
from generation.tasks import VIDEO, Task
from generation.worker import exactness
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.text.clip import Clip
from tests.given import tinymodels
from tests.given.builders import A_MOTION, a_recipe


@cache
def cache_of(architecture: str = "sd1") -> ModelCache:
    """A cache over the tiny model of an architecture."""
    exactness.switch_on(threads=1)
    source = tinymodels.of(architecture)
    catalog = Catalog([source], tinymodels.home() / f"loaded-{architecture}.json")
    catalog.scan()
    return ModelCache(catalog, torch.device("cpu"), None)


@cache
def model(architecture: str) -> Model:
    """The tiny model of an architecture."""
    with cache_of(architecture).take(recipe_of(architecture), on_load=lambda _: None) as found:
        return found


def sd15() -> Model:
    return model("sd1")


def sdxl() -> Model:
    return model("sdxl")


def recipe_of(architecture: str) -> Recipe:
    """A recipe for it."""
    (entry,) = cache_of(architecture).catalog.models()
    made: dict[str, Any] = {}
    if entry.model.family.medium == VIDEO:
        made = {"task": Task.TEXT_TO_VIDEO, "motion": A_MOTION}
    return a_recipe(checkpoint=entry.weights, family=entry.family, width=64, height=64, **made)


def folder_of(model: Model) -> Path:
    return tinymodels.of(model.architecture.name)


def clips(model: Model) -> tuple[Clip, ...]:
    """Its text encoders."""
    return model.engine.learners(model.parts)
