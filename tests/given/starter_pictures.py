"""Pictures of the built-in model, as the worker draws them, and what the judge sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random

import torch
from PIL import Image

from generation.catalog.catalog import Catalog
from generation.draft import Draft, complete
from generation.recipe import Recipe, needed
from generation.training.starter.captions import EVERYTHING, caption
from generation.training.starter.evaluate import read_pictures
from generation.training.starter.judge import load_judge
from generation.training.starter.scenes import held_out_scenes
from generation.training.starter.text import KINDS
from generation.worker import exactness
from generation.worker.memory.model_cache import ModelCache
from generation.worker.render import render
from tests.given import tinymodels
from tests.given.builders import a_draft

FOLDER = Path(__file__).parents[2] / "generation" / "starter" / "models"


@cache
def starter() -> ModelCache:
    exactness.switch_on(threads=1)
    catalog = Catalog([FOLDER], tinymodels.home() / "starter-digests.json")
    catalog.scan()
    return ModelCache(catalog, torch.device("cpu"), None)


def recipe_of(draft: Draft, seed: int) -> Recipe:
    """The starter's recipe, as it is completed for everybody."""
    model = starter().catalog.find("starter").model
    return complete(draft, model, seed=seed, device="cpu")


def prompts(count: int, seed: int = 1) -> Iterator[str]:
    """Captions of combinations that were never in its training."""
    dice = Random(seed)
    for scene in held_out_scenes(count, dice):
        yield caption(scene, dice, EVERYTHING).text


def parents(count: int) -> list[Recipe]:
    return [recipe_of(a_draft(text), seed) for seed, text in enumerate(prompts(count), start=1)]


def drawn(recipe: Recipe, *inputs: bytes) -> Image.Image:
    with starter().take(recipe, on_load=lambda _: None) as model:
        content = render(recipe, inputs, model, on_step=lambda *_: None).content
    canvas = needed(recipe.canvas)
    return Image.frombytes("RGB", (canvas.width, canvas.height), content)


def seen(pictures: Sequence[Image.Image]) -> list[dict[str, str]]:
    """What each shows, in the judge's words."""
    with torch.inference_mode():
        found = read_pictures(load_judge(), pictures)
    return [
        {kind: names[int(index)] for (kind, names), index in zip(KINDS.items(), row, strict=True)}
        for row in found
    ]
