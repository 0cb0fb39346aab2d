"""What drawing a recipe takes besides its weights."""

from __future__ import annotations

from generation.families.architecture import Stage
from generation.recipe import Recipe
from generation.worker.loading.loader import DTYPES
from generation.worker.model import Model


def activations(recipe: Recipe, model: Model) -> int:
    """That of the stage which needs most, of those that the recipe has."""
    configs, itemsize = model.parts.configs, DTYPES[recipe.precision].itemsize
    stages = [stage for stage in Stage if stage is not Stage.DENOISE or recipe.sampling is not None]
    return max(model.engine.activation_bytes(recipe, configs, itemsize, stage) for stage in stages)
