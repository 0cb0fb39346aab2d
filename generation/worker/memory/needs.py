"""What drawing a recipe takes, stage by stage, before a weight is read.

Of weights the heads of their files say it to the byte, packed ones as they stay; of what is alive
besides, the engine and the largest packed layer.  The invariant: no less than is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from generation.enlarging import of_a_piece
from generation.families.architecture import Stage
from generation.families.pixels import UPSCALER
from generation.recipe import NO_WEIGHTS, Recipe, needed
from generation.two_passes import passes
from generation.worker.loading.loader import DTYPES
from generation.worker.model import Model

BEHIND = 4  # full-size activations that an upscaler keeps behind its last doubling


def stages(recipe: Recipe) -> tuple[Stage, ...]:
    """Those that drawing it has."""
    by_network = recipe.enlarging.upscaler if recipe.enlarging is not None else recipe.second
    draws = None if recipe.checkpoint.sha256 == NO_WEIGHTS.sha256 else recipe.checkpoint
    absent = {
        stage
        for stage, section in (
            (Stage.ENLARGE, by_network),
            (Stage.ENCODE, recipe.words),
            (Stage.DENOISE, recipe.sampling),
            (Stage.REFINE, recipe.experts),
            (Stage.DECODE, draws),
        )
        if section is None
    }
    return tuple(stage for stage in Stage if stage not in absent)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageNeeds:
    """What a stage takes of the device."""

    parts: Mapping[str, int]  # bytes of each part's weights
    least: Mapping[str, int]  # the same, where its blocks come one after the other
    drawing: int  # what is alive besides, at the worst moment

    @property
    def whole(self) -> int:
        """With all weights of its parts."""
        return sum(self.parts.values()) + self.drawing

    @property
    def streamed(self) -> int:
        """Block by block: less is not possible."""
        return sum(self.least.values()) + self.drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedNeeds:
    """What a recipe takes of the device, by the stages that it has."""

    stages: Mapping[Stage, StageNeeds]

    @property
    def least(self) -> int:
        """Of the stage that takes most, with as little of it as is possible."""
        return max((each.streamed for each in self.stages.values()), default=0)

    @property
    def by_stage(self) -> int:
        """The same, with each stage's parts as a whole."""
        return max((each.whole for each in self.stages.values()), default=0)


def predict(recipe: Recipe, model: Model, device: torch.device) -> PredictedNeeds:
    """What drawing takes there.  Of the model's files the heads are enough: `FileHeads.model`."""

    def of(stage: Stage) -> StageNeeds:
        parts = model.at(stage)
        return StageNeeds(
            parts={part.key.part: part.bytes for part in parts},
            least={part.key.part: part.residence.least_bytes(device) for part in parts},
            drawing=activations(recipe, model, stage),
        )

    return PredictedNeeds(stages={stage: of(stage) for stage in stages(recipe)})


def activations(recipe: Recipe, model: Model, stage: Stage) -> int:
    """What a stage takes, at its worst moment; nothing, where nothing is enlarged by a network."""
    if stage is Stage.ENLARGE and stage not in stages(recipe):
        return 0
    if stage is Stage.ENLARGE and recipe.second is None:
        return _enlarging(recipe, model)
    if recipe.enlarging is not None and recipe.sampling is not None:
        recipe = of_a_piece(recipe, model.architecture.grid)
    itemsize = DTYPES[recipe.precision].itemsize
    unpacking = max((part.unpacking_bytes for part in model.at(stage)), default=0)
    configs = model.parts.configs
    of_each = (
        model.engine.activation_bytes(each, configs, itemsize, stage) for each in passes(recipe)
    )
    return max(of_each) + unpacking


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
