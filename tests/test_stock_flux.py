"""The claim that FLUX.1's pictures are those of diffusers' own pipelines, pixel for pixel.

Given the same sigmas and noise, a picture of the worker and one of the stock pipeline have 0
differing pixels, whichever layout its files have.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from generation.families.family import FAMILIES
from generation.media.photos import load
from generation.recipe import Input, Recipe, Sha256, Task, needed
from generation.sigmas import expand, resolved
from generation.worker.engines.tokens import packed
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded
from tests.given.builders import changed
from tests.given.partly import a_mask_on_the_grid, masked, white_in
from tests.given.plain_diffusers import forced
from tests.given.worker_process import a_photo

PHOTO = a_photo()
WIDTH, HEIGHT, STEPS = 96, 64, 6
MASK = a_mask_on_the_grid(WIDTH, HEIGHT, (32, 16, 80, 48))


def stock(model: Model, kind: str, sigmas: tuple[float, ...]) -> Any:
    """diffusers' pipeline of that class around the model's parts, walking these sigmas."""
    import diffusers

    parts: dict[str, Any] = dict(model.parts.modules)
    for name, tokenizer in model.parts.tokenizers.items():
        parts[name.replace("text_encoder", "tokenizer")] = tokenizer
    scheduler = forced(diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0), sigmas)
    found = getattr(diffusers, kind)(scheduler=scheduler, **parts)
    found.set_progress_bar_config(disable=True)
    return found


def a_flux(architecture: str = "flux1", **changes: Any) -> Recipe:
    base = loaded.recipe_of(architecture)
    usual = FAMILIES[base.family]
    noise = resolved(usual.noise, pixels=WIDTH * HEIGHT, steps=STEPS)
    sigmas = expand("euler", "simple", steps=STEPS, denoise=1.0, noise=noise)
    fields = {
        "prompt": "a red cat",
        "negative_prompt": "dog",
        "width": WIDTH,
        "height": HEIGHT,
        "sampler": "euler",
        "scheduler": "simple",
        "sigmas": sigmas,
        "steps": STEPS,
        "cfg": 1.0,
        "guidance": usual.guidance,
    }
    return changed(base, **(fields | changes))


def noise_of(recipe: Recipe) -> torch.Tensor:
    """The worker's first draw, as the stock pipelines take it."""
    shape = 1, 16, HEIGHT // 8, WIDTH // 8
    return packed(torch.randn(shape, generator=torch.Generator().manual_seed(recipe.seed)))


def asked(recipe: Recipe, **more: Any) -> dict[str, Any]:
    """What a stock pipeline is called with for a recipe."""
    sampling, words = needed(recipe.sampling), needed(recipe.words)
    guided = {"negative_prompt": words.negative_prompt} if sampling.guided else {}
    return {
        "prompt": words.prompt,
        "width": WIDTH,
        "height": HEIGHT,
        "true_cfg_scale": sampling.cfg,
        "guidance_scale": sampling.guidance or 0.0,
        "num_inference_steps": sampling.steps,
        "max_sequence_length": 512 if sampling.guidance is not None else 256,
        **guided,
        **more,
    }


def drawn(recipe: Recipe, model: Model, *inputs: bytes) -> NDArray[np.uint8]:
    content = render(recipe, inputs, model, on_step=lambda *_: None).content
    return np.frombuffer(content, np.uint8).reshape(HEIGHT, WIDTH, 3)


def theirs(pipe: Any, **asked: Any) -> NDArray[np.uint8]:
    return np.asarray(pipe(**asked).images[0])


@pytest.mark.parametrize("cfg", [1.0, 3.0])
@pytest.mark.parametrize("architecture", ["flux1", "flux1-schnell"])
def test_text_to_image_has_no_differing_pixel(architecture: str, cfg: float) -> None:
    recipe, model = a_flux(architecture, cfg=cfg), loaded.model(architecture)
    pipe = stock(model, "FluxPipeline", needed(recipe.sampling).sigmas)
    plain = theirs(pipe, **asked(recipe, latents=noise_of(recipe)))
    assert np.count_nonzero(drawn(recipe, model) != plain) == 0


def test_guidance_and_a_negative_prompt_change_the_picture() -> None:
    model = loaded.model("flux1")
    usual, guided = a_flux(), a_flux(cfg=3.0)
    assert not np.array_equal(drawn(usual, model), drawn(a_flux(guidance=8.0), model))
    assert not np.array_equal(
        drawn(guided, model), drawn(changed(guided, negative_prompt="red"), model)
    )
    assert np.array_equal(drawn(usual, model), drawn(changed(usual, negative_prompt="red"), model))


@pytest.mark.parametrize("architecture", ["flux1", "flux1-schnell"])
def test_image_to_image_has_no_differing_pixel(architecture: str) -> None:
    sigmas = needed(a_flux(architecture).sampling).sigmas[2:]
    init = Input(role="init", sha256=Sha256(hashlib.sha256(PHOTO).hexdigest()), fit="cover")
    recipe = a_flux(
        architecture,
        task=Task.IMAGE_TO_IMAGE,
        inputs=(init,),
        denoise=0.6,
        sigmas=sigmas,
        steps=len(sigmas) - 1,
    )
    model = loaded.model(architecture)
    plain = theirs(
        stock(model, "FluxImg2ImgPipeline", sigmas),
        **asked(
            recipe,
            image=load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover"),
            strength=1.0,  # the sigmas say where it begins
            generator=torch.Generator().manual_seed(recipe.seed),
        ),
    )
    assert np.count_nonzero(drawn(recipe, model, PHOTO) != plain) == 0


def test_a_part_that_is_drawn_over_has_no_differing_pixel() -> None:
    """From the picture under noise; what ours does otherwise on purpose, others' tests say."""
    recipe = masked(a_flux(), PHOTO, MASK, blur=0.0, steps=4, denoise=0.6)
    sigmas, model = needed(recipe.sampling).sigmas, loaded.model("flux1")
    pipe = stock(model, "FluxInpaintPipeline", (sigmas[0], *sigmas))
    plain = theirs(
        pipe,
        **asked(
            recipe,
            image=load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover"),
            mask_image=load(MASK, width=WIDTH, height=HEIGHT, fit="cover").convert("L"),
            strength=4 / 5,
            num_inference_steps=5,
            generator=torch.Generator().manual_seed(recipe.seed),
        ),
    )
    area = white_in(MASK, recipe)
    assert np.count_nonzero(drawn(recipe, model, PHOTO, MASK)[area] != plain[area]) == 0
