"""The claim that CogVideoX's films are those of the stock pipelines, frame for frame.

Theirs walk the same sigmas by Euler's steps, which DDIM's are without noise.
"""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, EulerDiscreteScheduler

from generation.errors import OutOfRange
from generation.media.photos import load
from generation.recipe import Input, Recipe, needed
from generation.sigmas import expand, levels
from generation.spans import Motion
from generation.tasks import Task
from generation.worker.codecs.video import as_film
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import a_digest, changed
from tests.given.plain_diffusers import forced
from tests.given.stock_films import (
    FRAMES,
    HEIGHT,
    WIDTH,
    a_clip,
    a_film,
    differing,
    drawn,
    noise_of,
    pipeline,
)
from tests.given.tiny.cogvideox import SCHEDULER
from tests.given.videos import animation
from tests.given.worker_process import a_photo

# numpy 2 wants of tensors what torch does not have yet.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NAMES = ["cogvideox", "cogvideox-5b", "cogvideox-1.5"]
OF_PICTURES = ["cogvideox-i2v", "cogvideox-1.5-i2v"]


class Certain(AutoencoderKLCogVideoX):  # type: ignore[misc]  # it has no types
    """The VAE, which gives the likeliest latents."""

    def encode(self, pixels: Any) -> Any:
        return SimpleNamespace(latents=super().encode(pixels).latent_dist.mode())


def a_walk(name: str, **changes: Any) -> Recipe:
    """Under the noise that the folder's scheduler says."""
    noise = loaded.model(name).trained.noise
    sigmas = expand("euler", "sgm_uniform", steps=4, denoise=1.0, noise=noise)
    given: dict[str, Any] = {"scheduler": "sgm_uniform", "sigmas": sigmas, "noise": noise}
    return a_film(name, **given | changes)


def by_stock(model: Model, recipe: Recipe, kind: str = "CogVideoXPipeline", **given: Any) -> Any:
    sampling = needed(recipe.sampling)
    pipe = pipeline(model, kind, recipe)
    scheduler = EulerDiscreteScheduler(prediction_type="v_prediction", timestep_spacing="trailing")
    pipe.scheduler = forced(scheduler, sampling.sigmas, model.trained.noise)
    pipe.vae = copy.copy(model.parts["vae"])
    pipe.vae.__class__ = Certain
    return pipe(
        prompt=recipe.prompt,
        negative_prompt="dog",
        width=WIDTH,
        height=HEIGHT,
        num_frames=needed(recipe.motion).frames,
        guidance_scale=sampling.cfg,
        num_inference_steps=sampling.steps,
        latents=noise_of(recipe, model).transpose(1, 2).contiguous(),
        output_type="np",
        **given,
    ).frames[0]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cfg", [1.0, 4.0])
def test_a_film_of_words_has_no_differing_value(name: str, cfg: float) -> None:
    recipe, model = a_walk(name, cfg=cfg), loaded.model(name)
    assert differing(drawn(recipe, model), by_stock(model, recipe)) == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("frames", [1, 17])
def test_films_of_every_length_have_none(name: str, frames: int) -> None:
    motion = Motion(frames=frames, fps=8.0, piece=None, overlap=None)
    recipe, model = a_walk(name, motion=motion), loaded.model(name)
    assert differing(drawn(recipe, model), by_stock(model, recipe)) == 0


@pytest.mark.parametrize("name", OF_PICTURES)
def test_a_film_that_begins_with_a_picture_has_none(name: str) -> None:
    one = Input(role="first", sha256=a_digest("b"), fit="cover")
    recipe = a_walk(name, task=Task.IMAGE_TO_VIDEO, inputs=(one,))
    model = loaded.model(name)
    picture = load(a_photo(), width=WIDTH, height=HEIGHT, fit="cover")
    theirs = by_stock(model, recipe, "CogVideoXImageToVideoPipeline", image=picture)
    assert differing(drawn(recipe, model, a_photo()), theirs) == 0


class Begun(EulerDiscreteScheduler):  # type: ignore[misc]  # it has no types
    """Euler's steps from latents that have their noise already."""

    init_noise_sigma = 1.0


@pytest.mark.parametrize("name", NAMES[:2])
def test_a_clip_that_is_drawn_over_has_none(name: str) -> None:
    clip, model = a_clip(FRAMES), loaded.model(name)
    noise = model.trained.noise
    sigmas = expand("euler", "sgm_uniform", steps=3, denoise=0.6, noise=noise)
    one = Input(role="clip", sha256=a_digest("b"), fit="cover")
    recipe = a_walk(name, task=Task.VIDEO_TO_VIDEO, inputs=(one,), sigmas=sigmas, steps=3)
    with torch.no_grad():
        latents = model.parts["vae"].encode(as_film(clip)).latent_dist.mode()
    latents = model.parts["vae"].config.scaling_factor * latents
    begun = (latents + sigmas[0] * noise_of(recipe, model)).transpose(1, 2).contiguous()
    pipe = pipeline(model, "CogVideoXVideoToVideoPipeline", recipe)
    scheduler = Begun(prediction_type="v_prediction", timestep_spacing="trailing")
    pipe.scheduler = forced(scheduler, sigmas, noise)
    theirs = pipe(
        prompt=recipe.prompt,
        negative_prompt="dog",
        width=WIDTH,
        height=HEIGHT,
        guidance_scale=needed(recipe.sampling).cfg,
        num_inference_steps=3,
        strength=1.0,  # the sigmas say where it begins
        latents=begun,
        output_type="np",
    ).frames[0]
    assert differing(drawn(recipe, model, animation(clip, "WEBP", [125] * FRAMES)), theirs) == 0


@pytest.mark.parametrize("less", [1.0, 3.0])
def test_the_levels_are_those_of_their_scheduler(less: float) -> None:
    scheduler = CogVideoXDDIMScheduler.from_config(SCHEDULER | {"snr_shift_scale": less})
    kept = scheduler.alphas_cumprod.numpy()[:-1]
    noise = "scaled-linear-zsnr" if less == 1.0 else "scaled-linear*3.0-zsnr"
    ours = np.array(levels(noise).table)[:-1]
    assert np.allclose(ours, ((1 - kept) / kept) ** 0.5, rtol=1e-4)
    assert [loaded.model(name).trained.noise for name in NAMES[:2]] == [
        "scaled-linear*3.0-zsnr",
        "scaled-linear-zsnr",
    ]


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("cogvideox", {"width": 72}, "a multiple of 16"),
        ("cogvideox-i2v", {"width": 128}, "96 for this model"),
        ("cogvideox", {"motion": Motion(frames=5, fps=8.0, piece=None, overlap=None)}, "1 or 9"),
        ("cogvideox", {"motion": Motion(frames=9, fps=8.0, piece=2, overlap=1)}, "hands on"),
        ("cogvideox", {"prompt": "red cat " * 200}, "226"),
    ],
)
def test_what_it_cannot_draw_is_refused(name: str, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(OutOfRange, match=said):
        drawn(changed(a_walk(name), **changes), loaded.model(name))
