"""The claim that what VACE makes of clips, masks and pictures is the stock pipeline's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from generation.media.photos import load
from generation.recipe import Input, Recipe
from generation.tasks import Task
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import a_digest
from tests.given.partly import a_mask_on_the_grid
from tests.given.stock_films import (
    FRAMES,
    HEIGHT,
    WIDTH,
    a_film,
    asked,
    differing,
    drawn,
    pipeline,
)
from tests.given.worker_process import a_photo

NAME, PHOTO = "wan-vace", a_photo()
MASK = a_mask_on_the_grid(WIDTH, HEIGHT, (32, 16, 64, 48))
BYTES = {"clip": PHOTO, "mask": MASK, "reference": PHOTO}


def made_of(*roles: str) -> Recipe:
    inputs = tuple(Input(role=role, sha256=a_digest("b"), fit="cover") for role in roles)
    return a_film(NAME, task=Task.EDIT_VIDEO, inputs=inputs)


def film_of(data: bytes) -> list[Image.Image]:
    return [load(data, width=WIDTH, height=HEIGHT, fit="cover")] * FRAMES


def by_stock(model: Model, recipe: Recipe, **given: Any) -> Any:
    return pipeline(model, "WanVACEPipeline", recipe)(**asked(model, recipe), **given).frames[0]


@pytest.mark.parametrize(
    "roles", [(), ("clip",), ("clip", "mask"), ("reference", "reference"), ("clip", "reference")]
)
def test_what_it_makes_of_them_has_no_differing_value(roles: tuple[str, ...]) -> None:
    recipe, model = made_of(*roles), loaded.model(NAME)
    given: dict[str, Any] = {}
    if "clip" in roles:
        given["video"] = film_of(PHOTO)
    if "mask" in roles:
        given["mask"] = film_of(MASK)
    if "reference" in roles:
        photo = load(PHOTO, width=90, height=70, fit="cover")
        given["reference_images"] = [photo] * roles.count("reference")
    theirs = by_stock(model, recipe, **given)
    assert differing(drawn(recipe, model, *(BYTES[role] for role in roles)), theirs) == 0


def test_what_follows_a_picture_is_a_clip_of_it_in_a_mask() -> None:
    model = loaded.model(NAME)
    inputs = (Input(role="first", sha256=a_digest("b"), fit="cover"),)
    recipe = a_film(NAME, task=Task.IMAGE_TO_VIDEO, inputs=inputs)
    grey = [Image.new("RGB", (WIDTH, HEIGHT), (127, 127, 127))] * (FRAMES - 1)
    white = [Image.new("RGB", (WIDTH, HEIGHT), "white")] * (FRAMES - 1)
    theirs = by_stock(
        model,
        recipe,
        video=[film_of(PHOTO)[0], *grey],
        mask=[Image.new("RGB", (WIDTH, HEIGHT)), *white],
    )
    ours = drawn(recipe, model, PHOTO)
    far = np.abs(ours.astype(float) - np.rint(theirs * 255)).max()
    assert far < 40  # their grey is half a step away from ours
