"""The flow that a recipe's schedule is laid over, by the name of its levels."""

from __future__ import annotations

from generation.families.family import FAMILIES
from generation.recipe import Recipe, needed
from generation.sigmas import resolved, shifted


def levels_of(recipe: Recipe, steps: int | None = None) -> str:
    """The name of the levels that the schedule is laid over, in so many steps; None: in its own."""
    sampling = needed(recipe.sampling)
    architecture = FAMILIES[recipe.family].architecture
    frames = recipe.motion.frames if recipe.motion is not None else 1
    pixels = architecture.levels_by(recipe.drawn_at.pixels, frames)
    trained = sampling.noise or architecture.noise.levels
    named = resolved(trained, pixels=pixels, steps=steps or sampling.steps)
    return named if sampling.shift is None else shifted(named, sampling.shift)


def shift_of(noise: str) -> float:
    """The shift of a flow by its name; 1 where it says none."""
    told = noise.partition("@")[0].split(":")
    return float(told[1]) if len(told) > 1 else 1.0


def flow_of(recipe: Recipe) -> str | None:
    """The same of a flow; None where the model is none."""
    levels = levels_of(recipe)
    return levels if levels.startswith("flow") else None
