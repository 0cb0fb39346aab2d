"""The claim that films of LTX-Video which go on from pictures and clips are the stock pipelines'.

Theirs throw which latents a picture has; here, as in ComfyUI, a picture has the likeliest ones.
"""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLLTXVideo, FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.ltx import pipeline_ltx_condition
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
from PIL import Image

from generation.errors import OutOfRange
from generation.media.photos import load
from generation.recipe import Input, Recipe, needed
from generation.spans import Motion
from generation.tasks import Task
from generation.worker.codecs.video import as_film
from generation.worker.engines.ltx import DECODED_AT, DECODED_WITH
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import a_blue_png, a_digest
from tests.given.stock_films import (
    FRAMES,
    HEIGHT,
    WIDTH,
    a_clip,
    a_film,
    differing,
    drawn,
    pipeline,
)
from tests.given.videos import animation
from tests.given.worker_process import a_photo

FIRST, LATER = "ltx-video", "ltx-video-0.9.5"
LEVELS: dict[str, Any] = {"sigmas": (1.0, 0.75, 0.5, 0.25, 0.0), "steps": 4}


class Certain(AutoencoderKLLTXVideo):  # type: ignore[misc]  # it has no types
    """The VAE, which gives the likeliest latents."""

    def encode(self, pixels: Any) -> Any:
        return SimpleNamespace(latents=super().encode(pixels).latent_dist.mode())


def certain(vae: Any) -> Any:
    found = copy.copy(vae)
    found.__class__ = Certain
    return found


def going_on(name: str, **changes: Any) -> Recipe:
    one = Input(role="first", sha256=a_digest("b"), fit="cover")
    given: dict[str, Any] = {"task": Task.IMAGE_TO_VIDEO, "inputs": (one,), **LEVELS}
    return a_film(name, **given | changes)


def picture() -> Image.Image:
    return load(a_photo(), width=WIDTH, height=HEIGHT, fit="cover")


def by_stock(model: Model, recipe: Recipe, **given: Any) -> Any:
    sampling, motion = needed(recipe.sampling), needed(recipe.motion)
    later = recipe.family == LATER
    pipe = pipeline(model, "LTXConditionPipeline" if later else "LTXImageToVideoPipeline", recipe)
    pipe.vae = certain(model.parts["vae"])
    if later:  # it is told times
        pipe.scheduler = FlowMatchEulerDiscreteScheduler(shift=1.0)
        passed = [1000.0] if "denoise_strength" in given else []
        given["timesteps"] = passed + [1000 * sigma for sigma in sampling.sigmas[:-1]]
        given["image_cond_noise_scale"] = 0.0
    return pipe(
        prompt=recipe.prompt,
        negative_prompt="dog",
        width=WIDTH,
        height=HEIGHT,
        num_frames=motion.frames,
        frame_rate=motion.fps,
        guidance_scale=sampling.cfg,
        num_inference_steps=len(given.get("timesteps", sampling.sigmas[:-1])),
        generator=torch.Generator().manual_seed(recipe.seed),
        decode_timestep=DECODED_AT,
        decode_noise_scale=DECODED_WITH,
        output_type="np",
        **given,
    ).frames[0]


@pytest.mark.parametrize("name", [FIRST, LATER])
@pytest.mark.parametrize("cfg", [1.0, 4.0])
def test_a_film_that_begins_with_a_picture_has_no_differing_value(name: str, cfg: float) -> None:
    recipe, model = going_on(name, cfg=cfg), loaded.model(name)
    theirs = by_stock(model, recipe, image=picture())
    assert differing(drawn(recipe, model, a_photo()), theirs) == 0


@pytest.mark.parametrize("cfg", [1.0, 4.0])
def test_a_film_that_ends_with_a_picture_too_has_none(
    cfg: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Theirs throw noise for the last frame, of which nothing is used, before the VAE's."""
    ends = tuple(Input(role=role, sha256=a_digest("b"), fit="cover") for role in ("first", "last"))
    recipe, model = going_on(LATER, cfg=cfg, inputs=ends), loaded.model(LATER)
    other = load(a_blue_png(), width=WIDTH, height=HEIGHT, fit="cover")
    thrown = pipeline_ltx_condition.randn_tensor

    def apart(shape: tuple[int, ...], generator: Any = None, **more: Any) -> Any:
        return thrown(shape, generator=None if shape[2] == 1 else generator, **more)

    monkeypatch.setattr(pipeline_ltx_condition, "randn_tensor", apart)
    theirs = by_stock(
        model,
        recipe,
        conditions=[
            LTXVideoCondition(image=picture(), frame_index=0),
            LTXVideoCondition(image=other, frame_index=FRAMES - 1),
        ],
    )
    ours = drawn(recipe, model, a_photo(), a_blue_png())
    assert differing(ours, theirs) == 0
    assert (ours != drawn(going_on(LATER, cfg=cfg), model, a_photo())).any()


def test_a_film_that_follows_a_clip_has_none() -> None:
    motion = Motion(frames=25, fps=8.0, piece=None, overlap=None)
    one = Input(role="clip", sha256=a_digest("b"), fit="cover")
    recipe = going_on(LATER, task=Task.EXTEND_VIDEO, inputs=(one,), motion=motion)
    clip, model = a_clip(20), loaded.model(LATER)
    theirs = by_stock(model, recipe, video=[[Image.fromarray(frame) for frame in clip[-17:]]])
    assert differing(drawn(recipe, model, animation(clip, "WEBP", [125] * 20)), theirs) == 0


def test_a_clip_that_is_drawn_over_has_none() -> None:
    """Theirs is given its latents, and passes over the first of four levels."""
    clip, model = a_clip(FRAMES), loaded.model(LATER)
    one = Input(role="clip", sha256=a_digest("b"), fit="cover")
    levels = {"sigmas": (0.75, 0.5, 0.25, 0.0), "steps": 3}
    recipe = going_on(LATER, task=Task.VIDEO_TO_VIDEO, inputs=(one,), **levels)
    with torch.no_grad():
        latents = model.engine.encode(model.parts, as_film(clip), None)
    theirs = by_stock(model, recipe, latents=latents, denoise_strength=0.75)
    assert differing(drawn(recipe, model, animation(clip, "WEBP", [125] * FRAMES)), theirs) == 0


def test_a_last_frame_is_refused() -> None:
    roles = tuple(Input(role=role, sha256=a_digest("b"), fit="cover") for role in ("first", "last"))
    with pytest.raises(OutOfRange, match="last frame"):
        drawn(going_on(FIRST, inputs=roles), loaded.model(FIRST), a_photo(), a_blue_png())
