"""Recipes and first noise of pictures that the stock pipelines draw as well."""

from __future__ import annotations

from typing import Any

import torch

from generation.families.family import FAMILIES
from generation.recipe import Recipe, needed
from generation.sigmas import expand
from tests.given import loaded
from tests.given.builders import changed


def start(recipe: Recipe, channels: int = 4) -> torch.Tensor:
    """The worker's first draw, scaled so that the stock pipeline starts from the same latents."""
    noise = torch.randn(
        (1, channels, needed(recipe.canvas).height // 8, needed(recipe.canvas).width // 8),
        generator=torch.Generator().manual_seed(recipe.seed),
    )
    if needed(recipe.sampling).sampler == "euler":
        return noise  # its "leading" scheduler multiplies by sqrt(1 + sigma^2) itself
    return noise  # the multistep schedulers work on unit variance


def picture_recipe(architecture: str, sampler: str, **changes: Any) -> Recipe:
    base = loaded.recipe_of(architecture)
    noise = FAMILIES[base.family].noise
    sigmas = expand(sampler, "karras", steps=6, denoise=1.0, noise=noise)
    return changed(
        base,
        sampler=sampler,
        scheduler="karras",
        sigmas=sigmas,
        steps=len(sigmas) - 1,
        negative_prompt="dog",
        width=96,
        height=64,
        **changes,
    )
