"""Words alone: the drawing starts from noise."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from generation.recipe import Recipe
from generation.worker.model import Model


def begin(
    recipe: Recipe, inputs: Sequence[bytes], model: Model, generator: torch.Generator
) -> None:
    """Nothing to begin from; nothing is drawn from the generator."""
