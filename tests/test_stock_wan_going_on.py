"""The claim that films which go on from pictures and clips are the stock pipelines', to the bit."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from generation.errors import OutOfRange
from generation.media.photos import load
from generation.recipe import Input, Recipe, needed
from generation.spans import Experts
from generation.tasks import Task
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import a_blue_png, a_digest, encoded
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

FIRST, LAST = a_photo(), a_blue_png()


def going_on(name: str, *, last: bool = False, **changes: Any) -> Recipe:
    roles = ("first", "last") if last else ("first",)
    inputs = tuple(Input(role=role, sha256=a_digest("b"), fit="cover") for role in roles)
    return a_film(name, task=Task.IMAGE_TO_VIDEO, inputs=inputs, **changes)


def picture(data: bytes) -> Image.Image:
    return load(data, width=WIDTH, height=HEIGHT, fit="cover")


def by_stock(
    model: Model, recipe: Recipe, kind: str = "WanImageToVideoPipeline", **given: Any
) -> Any:
    more: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    if recipe.experts is not None:
        settings["boundary_ratio"] = recipe.experts.boundary
        more["guidance_scale_2"] = recipe.experts.cfg
    if model.architecture.name == "wan-2.2-5b":
        settings["expand_timesteps"] = True
    if kind == "WanImageToVideoPipeline":
        settings["image_processor"] = processor()
        if "image_encoder" not in model.parts:
            settings["image_encoder"] = None
    return pipeline(model, kind, recipe, **settings)(
        **asked(model, recipe),
        **more,
        **given,
    ).frames[0]


def processor() -> Any:
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    return CLIPImageProcessorPil()


@pytest.mark.parametrize("name", ["wan-i2v", "wan-2.2-i2v", "wan-2.2-5b"])
def test_a_film_that_begins_with_a_picture_has_no_differing_value(name: str) -> None:
    experts = Experts(boundary=0.9, cfg=3.0) if name == "wan-2.2-i2v" else None
    recipe, model = going_on(name, experts=experts), loaded.model(name)
    theirs = by_stock(model, recipe, image=picture(FIRST))
    assert differing(drawn(recipe, model, FIRST), theirs) == 0


@pytest.mark.parametrize("name", ["wan-flf2v", "wan-2.2-i2v"])
def test_a_film_between_two_pictures_has_none(name: str) -> None:
    experts = Experts(boundary=0.9, cfg=3.0) if name == "wan-2.2-i2v" else None
    recipe, model = going_on(name, last=True, experts=experts), loaded.model(name)
    theirs = by_stock(model, recipe, image=picture(FIRST), last_image=picture(LAST))
    assert differing(drawn(recipe, model, FIRST, LAST), theirs) == 0


@pytest.mark.parametrize(
    ("name", "last"), [("wan-i2v", True), ("wan-2.2-5b", True), ("wan-flf2v", False)]
)
def test_a_last_frame_that_a_model_cannot_be_told_or_lacks_is_refused(
    name: str, last: bool
) -> None:
    given = (FIRST, LAST) if last else (FIRST,)
    with pytest.raises(OutOfRange, match="last frame"):
        drawn(going_on(name, last=last), loaded.model(name), *given)


@pytest.mark.parametrize("boundary", [0.0, 0.9, 1.0])
def test_two_experts_share_the_noise_as_theirs_do(boundary: float) -> None:
    recipe = a_film("wan-2.2", experts=Experts(boundary=boundary, cfg=3.0))
    model = loaded.model("wan-2.2")
    assert differing(drawn(recipe, model), by_stock(model, recipe, "WanPipeline")) == 0


def test_a_model_of_two_experts_is_told_how_they_share() -> None:
    with pytest.raises(OutOfRange, match="experts"):
        drawn(a_film("wan-2.2"), loaded.model("wan-2.2"))


def test_tokens_that_are_told_their_own_time_draw_from_words_alike() -> None:
    recipe, model = a_film("wan-2.2-5b"), loaded.model("wan-2.2-5b")
    assert differing(drawn(recipe, model), by_stock(model, recipe, "WanPipeline")) == 0


def test_a_clip_that_is_drawn_over_has_none() -> None:
    clip = [Image.new("RGB", (WIDTH, HEIGHT), (20 * n, 90, 200 - 20 * n)) for n in range(FRAMES)]
    levels = {"sigmas": (0.8, 0.5, 0.2, 0.0), "steps": 3}
    recipe = a_film("wan", task=Task.VIDEO_TO_VIDEO, inputs=(ROLE,), **levels)
    model = loaded.model("wan")
    pipe = pipeline(model, "WanVideoToVideoPipeline", recipe)
    theirs = pipe(
        video=clip,
        prompt=recipe.prompt,
        negative_prompt="dog",
        width=WIDTH,
        height=HEIGHT,
        guidance_scale=needed(recipe.sampling).cfg,
        num_inference_steps=3,
        strength=1.0,  # the sigmas say where it begins
        generator=torch.Generator().manual_seed(recipe.seed),
    ).frames[0]
    assert differing(drawn(recipe, model, animated(clip)), theirs) == 0


ROLE = Input(role="clip", sha256=a_digest("b"), fit="cover")


def animated(frames: list[Image.Image]) -> bytes:
    """A lossless clip of eight frames a second."""
    out = io.BytesIO()
    first, *others = frames
    first.save(out, "WEBP", save_all=True, append_images=others, duration=125, lossless=True)
    return out.getvalue()


@pytest.mark.parametrize("name", ["wan-i2v", "wan-2.2-5b"])
def test_what_follows_a_clip_begins_with_its_last_frames(name: str) -> None:
    """Of a clip that ends with a picture, as a film that begins with the picture."""
    last = picture(FIRST)
    clip = animated([Image.new("RGB", last.size, (9 * n, 0, 0)) for n in range(12)] + [last] * 12)
    recipe, model = a_film(name, task=Task.EXTEND_VIDEO, inputs=(ROLE,)), loaded.model(name)
    other = animated([Image.new("RGB", last.size, (0, 9 * n, 0)) for n in range(12)] + [last] * 12)
    same = drawn(recipe, model, clip)
    assert np.array_equal(same, drawn(recipe, model, other))
    moved = animated([last] * 12 + [Image.new("RGB", last.size, (9 * n, 0, 0)) for n in range(12)])
    assert not np.array_equal(same, drawn(recipe, model, moved))
    if name == "wan-i2v":
        assert np.array_equal(same, drawn(going_on(name), model, encoded(last)))
