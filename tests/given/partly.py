"""Recipes of which a part is drawn anew, and the pictures and masks that they are made of."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from generation.recipe import Input, Masking, Placement, Recipe, Sha256, needed
from generation.sigmas import expand
from generation.tasks import Task
from tests.given.builders import changed, encoded, levels_of


def an_input(role: str, data: bytes) -> Input:
    return Input(role=role, sha256=Sha256(hashlib.sha256(data).hexdigest()), fit="cover")


def a_mask(width: int = 64, height: int = 64, *, share: float = 0.5) -> bytes:
    """A disk in the middle, on no grid."""
    mask = Image.new("L", (width, height))
    across, down = width * share / 2, height * share / 2
    middle = width / 2, height / 2
    box = (middle[0] - across, middle[1] - down, middle[0] + across, middle[1] + down)
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    return encoded(mask)


def a_mask_on_the_grid(width: int, height: int, box: tuple[int, int, int, int]) -> bytes:
    mask = Image.new("L", (width, height))
    mask.paste(255, box)
    return encoded(mask)


def white_in(mask: bytes, recipe: Recipe) -> NDArray[np.bool_]:
    """Where a mask is white, on the recipe's canvas."""
    from generation.media.photos import load

    canvas = needed(recipe.canvas)
    image = load(mask, width=canvas.width, height=canvas.height, fit="cover")
    return np.asarray(np.asarray(image.convert("L")) >= 128)


def masked(
    recipe: Recipe, picture: bytes, mask: bytes, *, grow: int = 0, blur: float = 2.0, **more: Any
) -> Recipe:
    """The same, of `picture` where `mask` is white; `more` are fields of the sampling."""
    masking = Masking(
        grow=grow, blur=blur, region=None, segmenter=None, threshold=None, inverse=None
    )
    inputs = (an_input("init", picture), an_input("mask", mask))
    whole = changed(recipe, task=Task.INPAINT, inputs=inputs, masking=masking)
    return drawn_anew(whole, **more)


def further(
    recipe: Recipe, picture: bytes, placement: Placement, *, blur: float = 2.0, **more: Any
) -> Recipe:
    """The same, of `picture` drawn further from where it lies."""
    masking = Masking(grow=0, blur=blur, region=None, segmenter=None, threshold=None, inverse=None)
    inputs = (an_input("init", picture),)
    whole = changed(recipe, task=Task.OUTPAINT, inputs=inputs, masking=masking, placement=placement)
    return drawn_anew(whole, **more)


def drawn_anew(recipe: Recipe, *, denoise: float = 1.0, steps: int = 3) -> Recipe:
    """With that much of it drawn anew."""
    sampling = needed(recipe.sampling)
    noise = levels_of(recipe.family, recipe.drawn_at.pixels, steps)
    sigmas = expand(sampling.sampler, sampling.scheduler, steps=steps, denoise=denoise, noise=noise)
    return changed(recipe, denoise=denoise, sigmas=sigmas, steps=len(sigmas) - 1)
