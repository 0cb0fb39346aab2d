"""The tiny models, loaded in this process the way the worker loads them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from generation.catalog.catalog import Catalog
from generation.draft import Checkpoint
from generation.recipe import Recipe
from generation.sigmas import expand
from generation.tasks import AUDIO, MESH, VIDEO, Task
from generation.worker import exactness
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.text.clip import Clip
from tests.given import tinymodels
from tests.given.builders import A_MOTION, a_recipe, as_a_sound, brought


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
        made = {"task": _of_words(entry.model), "motion": A_MOTION}
    if entry.model.family.medium == MESH:
        return a_form_of(entry.model)
    recipe = a_recipe(checkpoint=entry.weights, family=entry.family, width=64, height=64, **made)
    return as_a_sound(recipe) if entry.model.family.medium == AUDIO else recipe


def _of_words(model: Checkpoint) -> Task:
    """The first of its tasks that needs nothing besides, or, where each needs some, of words."""
    tasks = (task for task in Task if task in model.family.tasks and not task.needs.roles)
    return next(tasks, Task.TEXT_TO_VIDEO)


def a_form_of(model: Checkpoint, **changes: Any) -> Recipe:
    """A recipe of a form, of words or of a picture as the family does; nothing of it has a size."""
    (task,) = model.family.tasks
    given: dict[str, Any] = {
        "checkpoint": model.weights,
        "family": model.family.name,
        "sampler": model.family.sampler,
        "scheduler": model.family.scheduler,
        "syntax": model.family.syntax,
        "sigmas": expand("heun", "karras", steps=4, denoise=1.0, noise=model.family.noise),
    }
    recipe = a_recipe(**given | changes)
    return replace(recipe, task=task, canvas=None, **brought(task))


def folder_of(model: Model) -> Path:
    return tinymodels.of(model.architecture.name)


def clips(model: Model) -> tuple[Clip, ...]:
    """Its text encoders."""
    return model.engine.learners(model.parts)
