"""What drawing a recipe takes besides its weights."""

from __future__ import annotations

from generation.families.architecture import Stage
from generation.recipe import Recipe
from generation.worker.loading.loader import DTYPES
from generation.worker.model import Model


def stages(recipe: Recipe) -> tuple[Stage, ...]:
    """Those that drawing it has."""
    absent = {
        stage
        for stage, section in ((Stage.ENCODE, recipe.words), (Stage.DENOISE, recipe.sampling))
        if section is None
    }
    return tuple(stage for stage in Stage if stage not in absent)


def activations(recipe: Recipe, model: Model, stage: Stage) -> int:
    """What a stage takes, at its worst moment."""
    itemsize = DTYPES[recipe.precision].itemsize
    return model.engine.activation_bytes(recipe, model.parts.configs, itemsize, stage)


def most_activations(recipe: Recipe, model: Model) -> int:
    """That of the stage which takes most."""
    return max(activations(recipe, model, stage) for stage in stages(recipe))
