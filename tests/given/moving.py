"""A tiny Stable Diffusion 1.x that moves, by a motion module, as the worker has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from generation.catalog.catalog import Catalog
from generation.draft import complete
from generation.families.architecture import Stage
from generation.recipe import Adapter, Control, Recipe
from generation.sigmas import expand
from generation.worker import exactness
from generation.worker.adapters import switching
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from tests.given import tinymodels
from tests.given.builders import a_draft, changed
from tests.given.plain_diffusers import in_memory_of_its_own
from tests.given.tiny import motion

WIDTH, HEIGHT, FRAMES, STEPS = 64, 48, 5, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """What can be made to move, and by what."""

    cache: ModelCache

    @property
    def catalog(self) -> Catalog:
        return self.cache.catalog

    def recipe(self, model: str = "tiny-sd15", **said: Any) -> Recipe:
        """A clip's recipe, guided by a negative prompt; `said` are fields of a draft."""
        draft = a_draft(prompt="a red cat", negative_prompt="dog", cfg=4.0, sampler="euler")
        made = self.catalog.find(model).making("video")
        families = self.catalog.families()
        given = {"frames": FRAMES, "steps": STEPS, "scheduler": "normal", **said}
        recipe = complete(changed(draft, **given), made, seed=7, device="cpu", families=families)
        return changed(recipe, width=WIDTH, height=HEIGHT)  # less than anybody may ask for

    def lora(self, name: str, strength: float) -> Adapter:
        weights = self.catalog.find(name, "lora").weights
        return Adapter(kind="lora", weights=weights, strength=strength, control=None)

    def steering(self, name: str, strength: float) -> Adapter:
        """A ControlNet that looks at the first input in all steps."""
        weights = self.catalog.find(name, "controlnet").weights
        control = Control(input=0, start=None, end=None, preprocessor=None, mode=None)
        return Adapter(kind="controlnet", weights=weights, strength=strength, control=control)

    @contextmanager
    def drawing(self, recipe: Recipe) -> Iterator[Model]:
        """Its model, with its adapters on."""
        with self.cache.take(recipe, on_load=lambda _: None) as model:
            for part in model.at(Stage.DENOISE):  # as the stock pipeline's, which are copies
                in_memory_of_its_own(part.module)
            switching.switch(model, recipe, self.catalog.locate)
            yield model
            switching.switch_off(model)


def moving(folder: Path, *, whole: bool = False, groups: int = 8, **module: Any) -> Moving:
    """In `folder`: the tiny checkpoint, and a motion module beside it.

    `whole`: the module is a file, as its makers publish one.
    """
    exactness.switch_on(threads=1)
    tinymodels.build_sd15(folder / "tiny-sd15", norm_num_groups=groups)
    if whole:
        motion.write_file(folder / "mm.safetensors", groups=groups, **module)
    else:
        motion.write_folder(folder / "mm", groups=groups, **module)
    return seen(folder)


def seen(folder: Path) -> Moving:
    """What lies there."""
    catalog = Catalog([folder], folder.parent / f"{folder.name}.json")
    catalog.scan()
    assert catalog.refused() == (), catalog.refused()
    return Moving(cache=ModelCache(catalog, torch.device("cpu"), None))


def levels(recipe: Recipe) -> tuple[float, ...]:
    """Those of its steps, as they are laid under linear betas."""
    assert recipe.sampling is not None
    said = recipe.sampling
    return expand(said.sampler, said.scheduler, steps=STEPS, denoise=1.0, noise="linear")
