"""The claim that LTX-Video's films are those of the stock pipelines, frame for frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from generation.errors import OutOfRange
from generation.families.family import FAMILIES
from generation.recipe import Recipe, needed
from generation.sigmas import expand, resolved
from generation.spans import Motion
from generation.worker.engines.ltx import DECODED_AT, DECODED_WITH
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import changed
from tests.given.stock_films import a_film, differing, drawn, noise_of, pipeline
from tests.given.tiny.ltx import SCHEDULER

FIRST, LATER = "ltx-video", "ltx-video-0.9.5"
# Times of tokens are a thousand times these, and divided again by the later pipeline.
LEVELS: dict[str, Any] = {"sigmas": (1.0, 0.75, 0.5, 0.25, 0.0), "steps": 4}


def by_stock(model: Model, recipe: Recipe, **given: Any) -> Any:
    sampling, canvas, motion = needed(recipe.sampling), recipe.drawn_at, needed(recipe.motion)
    later = recipe.family == LATER
    pipe = pipeline(model, "LTXConditionPipeline" if later else "LTXPipeline", recipe)
    if later:  # it is told times
        pipe.scheduler = FlowMatchEulerDiscreteScheduler(shift=1.0)
        given["timesteps"] = [1000 * sigma for sigma in sampling.sigmas[:-1]]
    else:
        given["latents"] = noise_of(recipe, model).flatten(2).transpose(1, 2)
    return pipe(
        prompt=recipe.prompt,
        negative_prompt="dog",
        width=canvas.width,
        height=canvas.height,
        num_frames=motion.frames,
        frame_rate=motion.fps,
        guidance_scale=sampling.cfg,
        num_inference_steps=sampling.steps,
        generator=torch.Generator().manual_seed(recipe.seed),
        decode_timestep=DECODED_AT,
        decode_noise_scale=DECODED_WITH,
        output_type="np",
        **given,
    ).frames[0]


@pytest.mark.parametrize("name", [FIRST, LATER])
@pytest.mark.parametrize("cfg", [1.0, 4.0])
@pytest.mark.parametrize("prompt", ["a red cat", "", "a red cat [dog] " * 9])
def test_a_film_of_words_has_no_differing_value(name: str, cfg: float, prompt: str) -> None:
    recipe, model = a_film(name, cfg=cfg, prompt=prompt, **LEVELS), loaded.model(name)
    assert differing(drawn(recipe, model), by_stock(model, recipe)) == 0


@pytest.mark.parametrize("name", [FIRST, LATER])
@pytest.mark.parametrize(("frames", "fps"), [(1, 25.0), (17, 30.0)])
def test_films_of_every_length_and_rate_have_none(name: str, frames: int, fps: float) -> None:
    motion = Motion(frames=frames, fps=fps, piece=None, overlap=None)
    recipe, model = a_film(name, motion=motion, **LEVELS), loaded.model(name)
    assert differing(drawn(recipe, model), by_stock(model, recipe)) == 0


def test_the_rate_of_frames_decides_what_is_drawn() -> None:
    def at(fps: float) -> Any:
        motion = Motion(frames=9, fps=fps, piece=None, overlap=None)
        return drawn(a_film(FIRST, motion=motion), loaded.model(FIRST))

    assert np.array_equal(at(24.0), at(24.0))
    assert not np.array_equal(at(24.0), at(12.0))


def test_in_pieces_a_film_is_as_long_and_begins_alike() -> None:
    whole = Motion(frames=25, fps=24.0, piece=None, overlap=None)
    pieces = Motion(frames=25, fps=24.0, piece=2, overlap=1)
    model = loaded.model(LATER)
    one, other = (drawn(a_film(LATER, motion=each), model) for each in (whole, pieces))
    assert one.shape == other.shape
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("steps", [4, 30])
@pytest.mark.parametrize("frames", [9, 97])
def test_the_usual_levels_are_those_of_the_stock_pipeline(steps: int, frames: int) -> None:
    usual = FAMILIES[FIRST]
    pixels = usual.architecture.levels_by(usual.width * usual.height, frames)
    noise = resolved(usual.noise, pixels=pixels, steps=steps)
    ours = expand("euler", usual.scheduler, steps=steps, denoise=1.0, noise=noise)
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(SCHEDULER)
    tokens = ((frames - 1) // 8 + 1) * usual.width * usual.height // 32**2
    mu = 0.95 + (2.05 - 0.95) * (tokens - 1024) / (4096 - 1024)
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps), mu=mu)
    assert np.allclose(ours, scheduler.sigmas.numpy(), rtol=2e-3, atol=0)


def test_the_later_ones_levels_are_those_of_theirs() -> None:
    from diffusers.pipelines.ltx.pipeline_ltx_condition import linear_quadratic_schedule

    usual = FAMILIES[LATER]
    ours = expand("euler", usual.scheduler, steps=30, denoise=1.0, noise=usual.noise)
    assert np.allclose(ours[:-1], linear_quadratic_schedule(30).numpy(), rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"width": 80}, "a multiple of 32"),
        ({"motion": Motion(frames=13, fps=8.0, piece=None, overlap=None)}, "9 or 17"),
    ],
)
def test_what_is_no_whole_token_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(OutOfRange, match=said):
        drawn(changed(a_film(FIRST), **changes), loaded.model(FIRST))
