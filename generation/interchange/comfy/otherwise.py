"""What makes ComfyUI's picture of a recipe another one, or not quite the same."""

from __future__ import annotations

from enum import Enum, auto

from generation.interchange.comfy.flows import flow_of, levels_of
from generation.recipe import COMFY, Recipe, Sampling, needed
from generation.samplers import SAMPLERS
from generation.sigmas import strongest
from generation.tasks import Task


class Otherwise(Enum):
    """Why ComfyUI's picture will be another one, or not quite the same."""

    STEP_NOISE = auto()  # the sampler draws noise at each step, and from another generator
    SAMPLER = auto()  # the sampler's first or last steps differ
    START = auto()  # the schedule starts lower, where the first noise is scaled otherwise
    WEIGHTS = auto()  # A1111's brackets are read otherwise
    CHUNKS = auto()  # what is longer than 75 tokens is divided otherwise
    PICTURE = auto()  # a picture is brought to size and encoded otherwise
    MASK = auto()  # a mask grows and meets the rest otherwise
    VARIATIONS = auto()  # there is no node for varied noise
    CONTROL = auto()  # control pictures are prepared otherwise
    FOLDER = auto()  # the model is a folder here, and has to be one file there
    TRAINING = auto()  # the noise that it was trained with has another end, or no name there


# Deterministic ones that end or begin otherwise: docs/samplers.md says how.
DIFFERENT_SAMPLERS = ("uni_pc", "uni_pc_bh2", "dpm_fast", "ipndm_v")

LONG = 280  # letters of a prompt that may be more than 75 tokens


def otherwise(recipe: Recipe) -> list[Otherwise]:
    """All that holds of the recipe."""
    sampling, words = needed(recipe.sampling), needed(recipe.words)
    texts = (words.prompt, words.negative_prompt)
    brackets = any(sign in text for text in texts for sign in "()[]\\") or any(
        "BREAK" in text for text in texts
    )
    no_flow = flow_of(recipe) is None
    found = {
        Otherwise.STEP_NOISE: SAMPLERS[sampling.sampler].stochastic,
        Otherwise.SAMPLER: sampling.sampler in DIFFERENT_SAMPLERS,
        Otherwise.START: _starts_low(recipe, sampling),
        Otherwise.WEIGHTS: brackets and words.syntax.startswith("a1111"),
        Otherwise.CHUNKS: any(len(text) > LONG for text in texts)
        and no_flow
        and words.syntax != COMFY,
        Otherwise.PICTURE: recipe.task is not Task.TEXT_TO_IMAGE,
        Otherwise.MASK: recipe.masking is not None,
        Otherwise.VARIATIONS: bool(recipe.variations),
        Otherwise.CONTROL: any(adapter.control is not None for adapter in recipe.adapters),
        Otherwise.TRAINING: no_flow and sampling.noise not in (None, "scaled-linear"),
    }
    return [why for why, holds in found.items() if holds]


def _starts_low(recipe: Recipe, sampling: Sampling) -> bool:
    if recipe.task is not Task.TEXT_TO_IMAGE or flow_of(recipe) is not None:
        return False
    return sampling.sigmas[0] < strongest(levels_of(recipe)) * (1 - 1e-5)
