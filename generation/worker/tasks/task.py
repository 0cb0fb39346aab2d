"""A task at work: the port of what is made of what.

    begin -> what drawing starts with     finish(final latents) -> pixels

What a recipe of it has is in `generation.recipe.NEEDS`; how networks draw is the engine's.  The
invariant: a task draws from the generator nothing but what its docstring says, in that order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from PIL import Image
from torch import Tensor

from generation.errors import BadPicture
from generation.media.photos import load
from generation.recipe import Recipe, needed
from generation.worker.codecs.decoded import Decoded
from generation.worker.model import Model

_TITLES = {"init": "picture to start from"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a task works with."""

    recipe: Recipe
    inputs: Sequence[bytes]  # in the recipe's order
    model: Model
    generator: torch.Generator  # the recipe's

    def picture(self, role: str) -> Image.Image:
        """The input of that role, brought to the canvas.  Raises BadPicture."""
        pairs = zip(self.inputs, self.recipe.inputs, strict=False)
        given = [(data, what.fit) for data, what in pairs if what.role == role]
        if len(given) != 1:
            title = _TITLES.get(role, role)
            raise BadPicture(f"one {title} is needed, {len(given)} were sent")
        (data, fit), canvas = given[0], needed(self.recipe.canvas)
        return load(data, width=canvas.width, height=canvas.height, fit=fit)

    def encoded(self, pixels: Tensor) -> Tensor:
        """Latents of pixels (1, 3, H, W) in -1 to 1; a draw from the generator."""
        return self.model.engine.encode(self.model.parts, pixels, self.generator)

    def decoded(self, latents: Tensor) -> Decoded:
        """Pixels of latents."""
        return self.model.engine.decode(self.model.parts, latents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What drawing starts with."""

    init: Tensor | None = None  # latents that the first noise is laid over; None: noise alone
    extra: Tensor | None = None  # channels that the denoiser reads beside the noisy ones


class TaskWork(Protocol):
    """How a task begins and ends."""

    def begin(self, bench: Bench, /) -> Begun:
        """What drawing starts with."""

    def finish(self, bench: Bench, latents: Tensor, /) -> Decoded:
        """The result, from the final latents."""
