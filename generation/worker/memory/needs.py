"""What drawing a recipe takes besides its weights."""

from __future__ import annotations

import torch

from generation.enlarging import of_a_piece
from generation.families.architecture import Stage
from generation.families.pixels import UPSCALER
from generation.recipe import NO_WEIGHTS, Recipe, needed
from generation.worker.loading.loader import DTYPES
from generation.worker.model import Model

BEHIND = 4  # full-size activations that an upscaler keeps behind its last doubling


def stages(recipe: Recipe) -> tuple[Stage, ...]:
    """Those that drawing it has."""
    by_network = recipe.enlarging.upscaler if recipe.enlarging is not None else None
    draws = None if recipe.checkpoint.sha256 == NO_WEIGHTS.sha256 else recipe.checkpoint
    absent = {
        stage
        for stage, section in (
            (Stage.ENLARGE, by_network),
            (Stage.ENCODE, recipe.words),
            (Stage.DENOISE, recipe.sampling),
            (Stage.DECODE, draws),
        )
        if section is None
    }
    return tuple(stage for stage in Stage if stage not in absent)


def activations(recipe: Recipe, model: Model, stage: Stage) -> int:
    """What a stage takes, at its worst moment; nothing, where no picture is enlarged by one."""
    if stage is Stage.ENLARGE:
        return _enlarging(recipe, model) if stage in stages(recipe) else 0
    if recipe.enlarging is not None and recipe.sampling is not None:
        recipe = of_a_piece(recipe, model.architecture.grid)
    itemsize = DTYPES[recipe.precision].itemsize
    return model.engine.activation_bytes(recipe, model.parts.configs, itemsize, stage)


def most_activations(recipe: Recipe, model: Model) -> int:
    """That of the stage which takes most."""
    return max((activations(recipe, model, stage) for stage in stages(recipe)), default=0)


def _enlarging(recipe: Recipe, model: Model) -> int:
    """A tile's features before and behind the doubling, as many as its network keeps at once."""
    network, how = model.parts[UPSCALER.name], needed(recipe.enlarging)
    canvas = needed(recipe.canvas)
    side = how.tile or max(canvas.width, canvas.height)
    before = (side // network.shuffle) ** 2 * (4 * network.config["width"] + 64)
    behind = (side * network.factor) ** 2 * network.config["width"] * BEHIND
    return int(before + behind) * torch.float32.itemsize
