"""The claim that drawing a part anew is what the stock pipelines do, where ours is not on purpose
another.

Given the same sigmas and noise, and a mask on the grid of the latents, the part has 0 differing
pixels.  On purpose ours differs in these, each of which has a test:

    the rest        copied from the picture; theirs went through the VAE
    its edge        moved in colour to meet the rest (`blur`); theirs is as it comes
    the first step  sees the rest of the picture; theirs sees noise, where everything is drawn anew
    a mask's edge   draws all latent pixels that it touches; theirs, those whose corner it covers
    SD 3's pixels   decoded with the VAE's shift, which diffusers 0.42's pipeline forgets
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from generation.media.photos import load
from generation.recipe import Recipe, needed
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded, tinymodels
from tests.given.builders import changed
from tests.given.checkpoints import scanned
from tests.given.partly import a_mask_on_the_grid, masked, white_in
from tests.given.plain_diffusers import forced, scheduler_for, stock_pipeline
from tests.given.worker_process import a_photo

# diffusers 0.42's own schedulers meet numpy 2 in set_timesteps; the worker does not call them.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

PHOTO = a_photo()
BOX = (24, 16, 72, 48)
MASK = a_mask_on_the_grid(96, 64, BOX)
STEPS = 6


def a_masked(architecture: str, sampler: str, mask: bytes = MASK, **more: Any) -> Recipe:
    base = changed(
        loaded.recipe_of(architecture),
        sampler=sampler,
        scheduler="karras",
        prompt="a red cat",
        negative_prompt="dog",
        width=96,
        height=64,
    )
    return masked(base, PHOTO, mask, blur=0.0, steps=STEPS, **more)


def stock(model: Model, recipe: Recipe, before: int) -> Any:
    """diffusers' own pipeline, walking the recipe's sigmas after so many that it passes over."""
    import diffusers

    pipe: Any = stock_pipeline(model)
    parts, sampling = dict(pipe.components), needed(recipe.sampling)
    parts.pop("image_encoder", None)
    if model.trained.prediction != "flow":
        parts["scheduler"] = scheduler_for(sampling.sampler)
        # The pipelines warn of another offset.
        prediction = model.trained.prediction
        parts["scheduler"].register_to_config(steps_offset=1, prediction_type=prediction)
    forced(parts["scheduler"], [sampling.sigmas[0]] * before + list(sampling.sigmas))
    known = ("requires_safety_checker", "requires_aesthetics_score", "force_zeros_for_empty_prompt")
    options = {key: value for key, value in pipe.config.items() if key in known}
    name = type(pipe).__name__.removesuffix("Pipeline").removesuffix("Img2Img")
    found = getattr(diffusers, f"{name}InpaintPipeline")(**parts, **options)
    found.set_progress_bar_config(disable=True)
    return found


def drawn_by_stock(
    model: Model, recipe: Recipe, mask: bytes = MASK, *, alone: bool = False, **more: Any
) -> NDArray[np.uint8]:
    """What it draws; `alone`: all of it from noise, as it does at a strength of 1."""
    canvas, sampling = needed(recipe.canvas), needed(recipe.sampling)
    before = 0 if alone else 1
    whole = load(PHOTO, width=canvas.width, height=canvas.height, fit="cover")
    white = load(mask, width=canvas.width, height=canvas.height, fit="cover").convert("L")
    plain = stock(model, recipe, before)(
        prompt=recipe.prompt,
        negative_prompt="dog",
        image=whole,
        mask_image=white,
        width=canvas.width,
        height=canvas.height,
        strength=sampling.steps / (sampling.steps + before),
        guidance_scale=sampling.cfg,
        num_inference_steps=sampling.steps + before,
        generator=torch.Generator().manual_seed(recipe.seed),
        **more,
    ).images[0]
    return np.asarray(plain)


def decoded(model: Model, latents: NDArray[Any]) -> NDArray[np.uint8]:
    """The pixels of latents, by the worker."""
    content = model.engine.decode(model.parts, torch.tensor(latents)[None]).content
    return np.frombuffer(content, np.uint8).reshape(64, 96, 3)


def drawn(recipe: Recipe, model: Model, mask: bytes = MASK) -> NDArray[np.uint8]:
    content = render(recipe, (PHOTO, mask), model, on_step=lambda *_: None).content
    canvas = needed(recipe.canvas)
    return np.frombuffer(content, np.uint8).reshape(canvas.height, canvas.width, 3)


@pytest.mark.parametrize(
    ("architecture", "sampler"),
    [
        *(("sd1", "euler"), ("sd1", "dpmpp_2m"), ("sd2", "euler"), ("sdxl", "euler")),
        *(("sdxl", "dpmpp_2m"), ("sdxl-refiner", "euler"), ("sd3", "euler")),
    ],
)
def test_a_part_that_is_drawn_over_has_no_differing_pixel(architecture: str, sampler: str) -> None:
    recipe, model = a_masked(architecture, sampler, denoise=0.6), loaded.model(architecture)
    area = white_in(MASK, recipe)
    if architecture == "sd3":
        with torch.inference_mode():
            latents = drawn_by_stock(model, recipe, output_type="latent")
            theirs = decoded(model, latents)
        assert not np.array_equal(drawn_by_stock(model, recipe), theirs)
    else:
        theirs = drawn_by_stock(model, recipe)
    assert np.count_nonzero(drawn(recipe, model)[area] != theirs[area]) == 0


@pytest.mark.parametrize("architecture", ["sd1", "sd2", "sdxl"])
def test_neither_has_that_of_a_network_made_to_inpaint(tmp_path: Path, architecture: str) -> None:
    """From noise alone; the noise comes after the picture without what is masked, theirs before."""
    build = {
        "sd1": tinymodels.build_sd15,
        "sd2": tinymodels.build_sd2,
        "sdxl": tinymodels.build_sdxl,
    }[architecture]
    build(tmp_path / "m" / "x", channels=9)
    catalog = scanned(tmp_path / "m")
    (entry,) = catalog.models()
    recipe = changed(a_masked(architecture, "euler"), checkpoint=entry.weights, family=entry.family)
    with ModelCache(catalog, torch.device("cpu"), None).take(
        recipe, on_load=lambda _: None
    ) as model:
        area = white_in(MASK, recipe)
        theirs = drawn_by_stock(model, recipe, alone=True, latents=noise_of(recipe))
        assert np.count_nonzero(drawn(recipe, model)[area] != theirs[area]) == 0


def noise_of(recipe: Recipe) -> torch.Tensor:
    """What the worker draws after a posterior of the same shape."""
    generator, shape = torch.Generator().manual_seed(recipe.seed), (1, 4, 8, 12)
    torch.randn(shape, generator=generator)
    return torch.randn(shape, generator=generator)


def test_the_rest_is_the_picture_and_theirs_went_through_the_vae() -> None:
    recipe, model = a_masked("sd1", "euler", denoise=0.6), loaded.sd15()
    picture, area = (
        np.asarray(load(PHOTO, width=96, height=64, fit="cover")),
        white_in(MASK, recipe),
    )
    assert np.array_equal(drawn(recipe, model)[~area], picture[~area])
    assert not np.array_equal(drawn_by_stock(model, recipe)[~area], picture[~area])


def test_from_noise_alone_the_first_step_sees_the_rest_and_theirs_does_not() -> None:
    recipe, model = a_masked("sd1", "euler"), loaded.sd15()
    area = white_in(MASK, recipe)
    theirs = drawn_by_stock(model, recipe, alone=True)
    assert np.count_nonzero(drawn(recipe, model)[area] != theirs[area]) > 0


def test_a_mask_that_covers_no_corner_of_a_latent_pixel_draws_it_and_theirs_draws_nothing() -> None:
    speck = a_mask_on_the_grid(96, 64, (33, 33, 39, 39))
    recipe, model = a_masked("sd1", "euler", speck, denoise=0.9), loaded.sd15()
    area, picture = white_in(speck, recipe), load(PHOTO, width=96, height=64, fit="cover")
    ours, theirs = drawn(recipe, model, speck), drawn_by_stock(model, recipe, speck)
    untouched = drawn_by_stock(model, changed(recipe, prompt="dog"), speck)
    assert np.array_equal(theirs, untouched)
    assert not np.array_equal(ours[area], theirs[area])
    assert not np.array_equal(ours[area], np.asarray(picture)[area])
