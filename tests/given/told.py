"""Recipes of edits and of blends."""

from __future__ import annotations

from typing import Any

from generation.recipe import Canvas, Recipe
from generation.sigmas import expand
from generation.tasks import Task
from tests.given.builders import changed, levels_of
from tests.given.partly import an_input
from tests.given.worker_process import redrawing


def editing(recipe: Recipe, picture: bytes, **changes: Any) -> Recipe:
    """The same as an edit of `picture`, as large as that is and drawn at 64x64."""
    whole = changed(
        recipe,
        task=Task.EDIT,
        prompt="make it blue",
        inputs=(an_input("reference", picture),),
        width=90,
        height=70,
        drawn=Canvas(width=64, height=64),
        image_cfg=1.5,
        cfg=7.5,
    )
    return changed(whole, **changes)


def blending(recipe: Recipe, *pictures: bytes, shares: tuple[float, ...]) -> Recipe:
    """The same as a blend of the pictures, with 3 steps of a denoise of 0.6."""
    redrawn = redrawing(recipe, pictures[0])
    inputs = tuple(an_input("init", picture) for picture in pictures)
    return changed(redrawn, task=Task.BLEND, inputs=inputs, shares=shares)


def levels(recipe: Recipe, sampler: str, steps: int) -> dict[str, Any]:
    """A schedule from noise, for `changed`."""
    noise = levels_of(recipe.family, recipe.drawn_at.pixels, steps)
    sigmas = expand(sampler, "karras", steps=steps, denoise=1.0, noise=noise)
    return {"sampler": sampler, "sigmas": sigmas, "steps": len(sigmas) - 1}
