"""The claim that the worker's three stages are the stock pipelines', pixel for pixel.

Given the same sigmas, timesteps and noise, a picture of the worker and one of diffusers' own
pipeline, called the plain way, have 0 differing pixels.
"""

from __future__ import annotations

import io
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from generation.media.photos import load
from generation.recipe import Recipe, needed
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded, tinymodels
from tests.given.builders import a_recipe, changed
from tests.given.checkpoints import scanned, zero_snr_folder
from tests.given.comfy_weights import by_formula
from tests.given.plain_diffusers import forced, in_memory_of_its_own, scheduler_for, stock_pipeline
from tests.given.stock_pictures import picture_recipe, start
from tests.given.worker_process import a_photo, redrawing

# diffusers 0.42's own schedulers meet numpy 2 in set_timesteps; the worker does not call them.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def stock(model: Model, kind: str, recipe: Recipe) -> Any:
    """diffusers' own pipeline around the same weights, walking the recipe's sigmas."""
    import diffusers

    pipe: Any = stock_pipeline(model)
    parts = dict(pipe.components)
    prediction = model.trained.prediction
    if prediction != "flow":
        parts["scheduler"] = scheduler_for(needed(recipe.sampling).sampler)
        # The pipelines warn of another offset.
        parts["scheduler"].register_to_config(steps_offset=1, prediction_type=prediction)
    forced(parts["scheduler"], needed(recipe.sampling).sigmas)
    known = ("requires_safety_checker", "requires_aesthetics_score", "force_zeros_for_empty_prompt")
    options = {key: value for key, value in pipe.config.items() if key in known}
    name = type(pipe).__name__.removesuffix("Pipeline").removesuffix("Img2Img")
    stock_pipe = getattr(diffusers, f"{name}{kind}")(**parts, **options)
    stock_pipe.set_progress_bar_config(disable=True)
    return stock_pipe


def pixels(rgb: bytes, recipe: Recipe) -> np.ndarray[Any, Any]:
    return np.frombuffer(rgb, np.uint8).reshape(
        needed(recipe.canvas).height, needed(recipe.canvas).width, 3
    )


@pytest.mark.parametrize(
    ("architecture", "sampler"),
    [
        *product(("sd1", "sd2", "sdxl"), ("euler", "dpmpp_2m")),
        *product(("sd3",), ("euler", "ddim")),
    ],
)
def test_text_to_image_has_no_differing_pixel(sampler: str, architecture: str) -> None:
    recipe = picture_recipe(architecture, sampler, prompt="a red cat")
    compare(recipe, loaded.model(architecture))


def test_the_base_model_of_2_has_none_either(tmp_path: Path) -> None:
    """It predicts the noise, with the networks of the one that predicts velocity."""
    tinymodels.build_sd2(tmp_path / "m" / "base", prediction="epsilon")
    catalog = scanned(tmp_path / "m")
    (entry,) = catalog.models()
    recipe = picture_recipe("sd2", "euler", checkpoint=entry.weights, family=entry.family)
    with ModelCache(catalog, torch.device("cpu"), None).take(
        recipe, on_load=lambda _: None
    ) as model:
        assert model.trained.prediction == "epsilon"
        compare(recipe, model)


@pytest.mark.parametrize("build", [{"t5": False}, {"large": True}, {"first": True}], ids=min)
def test_other_builds_of_stable_diffusion_3_have_none_either(
    tmp_path: Path, build: dict[str, bool]
) -> None:
    tinymodels.build_sd3(tmp_path / "m" / "other", **build)
    catalog = scanned(tmp_path / "m")
    (entry,) = catalog.models()
    recipe = picture_recipe("sd3", "euler", checkpoint=entry.weights)
    with ModelCache(catalog, torch.device("cpu"), None).take(
        recipe, on_load=lambda _: None
    ) as model:
        assert ("text_encoder_3" in model.parts) == build.get("t5", True)
        compare(recipe, model)


def compare(recipe: Recipe, model: Model) -> None:
    ours = pixels(render(recipe, (), model, on_step=lambda *_: None).content, recipe)
    plain = stock(model, "Pipeline", recipe)(
        prompt=recipe.prompt,
        negative_prompt="dog",
        width=needed(recipe.canvas).width,
        height=needed(recipe.canvas).height,
        guidance_scale=needed(recipe.sampling).cfg,
        num_inference_steps=needed(recipe.sampling).steps,
        latents=start(recipe, model.architecture.latent_channels),
    ).images[0]
    assert np.count_nonzero(ours != np.asarray(plain)) == 0


def test_words_that_are_weighed_as_in_comfyui_have_none_either() -> None:
    recipe = picture_recipe("sd1", "dpmpp_2m", prompt="a (red:1.4) cat", syntax="comfy")
    model = loaded.model("sd1")
    (reader,) = loaded.clips(model)
    with torch.inference_mode():
        said = by_formula(reader, [("a ", 1.0), ("red", 1.4), (" cat", 1.0)])
        denied = by_formula(reader, [("dog", 1.0)])
    ours = pixels(render(recipe, (), model, on_step=lambda *_: None).content, recipe)
    plain = stock(model, "Pipeline", recipe)(
        prompt_embeds=said,
        negative_prompt_embeds=denied,
        width=needed(recipe.canvas).width,
        height=needed(recipe.canvas).height,
        guidance_scale=needed(recipe.sampling).cfg,
        num_inference_steps=needed(recipe.sampling).steps,
        latents=start(recipe, model.architecture.latent_channels),
    ).images[0]
    assert np.count_nonzero(ours != np.asarray(plain)) == 0
    otherwise = changed(recipe, syntax="a1111-2")
    theirs = pixels(render(otherwise, (), model, on_step=lambda *_: None).content, recipe)
    assert np.count_nonzero(ours != theirs) > 0


@pytest.mark.parametrize(
    ("architecture", "sampler"), [("sd1", "euler"), ("sd1", "dpmpp_2m"), ("sd3", "euler")]
)
def test_without_cfg_it_has_none_either(sampler: str, architecture: str) -> None:
    recipe = picture_recipe(architecture, sampler, cfg=1.0)
    model = loaded.model(architecture)
    ours = pixels(render(recipe, (), model, on_step=lambda *_: None).content, recipe)
    plain = stock(model, "Pipeline", recipe)(
        prompt=recipe.prompt,
        width=needed(recipe.canvas).width,
        height=needed(recipe.canvas).height,
        guidance_scale=1.0,
        num_inference_steps=needed(recipe.sampling).steps,
        latents=start(recipe, model.architecture.latent_channels),
    ).images[0]
    assert np.count_nonzero(ours != np.asarray(plain)) == 0


@pytest.mark.parametrize("architecture", ["sd1", "sd2", "sdxl", "sdxl-refiner", "sd3"])
def test_image_to_image_has_no_differing_pixel(architecture: str) -> None:
    photo = a_photo()
    recipe = redrawing(picture_recipe(architecture, "euler", prompt="a red cat"), photo)
    model = loaded.model(architecture)
    ours = pixels(render(recipe, (photo,), model, on_step=lambda *_: None).content, recipe)
    image = load(
        photo, width=needed(recipe.canvas).width, height=needed(recipe.canvas).height, fit="cover"
    )
    pipe = stock(model, "Img2ImgPipeline", recipe)
    size = {"width": image.width, "height": image.height} if "transformer" in model.parts else {}
    plain = pipe(
        prompt=recipe.prompt,
        negative_prompt=needed(recipe.words).negative_prompt,
        image=image,
        strength=1.0,  # the sigmas say where it begins
        **size,  # others take the picture's own
        guidance_scale=needed(recipe.sampling).cfg,
        num_inference_steps=needed(recipe.sampling).steps,
        generator=torch.Generator().manual_seed(recipe.seed),
    ).images[0]
    assert np.count_nonzero(ours != np.asarray(plain)) == 0


def test_the_digest_of_a_png_is_the_digest_of_what_was_rendered() -> None:
    from generation.media.image import pixels_sha256, png, rgb_sha256

    recipe = picture_recipe("sd1", "euler")
    drawn = render(recipe, (), loaded.sd15(), on_step=lambda *_: None)
    file = png(drawn.content, recipe)
    assert pixels_sha256(file) == rgb_sha256(drawn.content)
    with Image.open(io.BytesIO(file)) as image:
        assert image.tobytes() == drawn.content


def test_zero_terminal_snr_and_velocity_have_no_differing_pixel(tmp_path: Path) -> None:
    """A folder as stock diffusers reads it: its own scheduler, from 4096 down."""
    import diffusers

    folder = zero_snr_folder(tmp_path / "m" / "zero")
    catalog = scanned(tmp_path / "m")
    pipe: Any = diffusers.StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    pipe.set_progress_bar_config(disable=True)
    for part in (pipe.unet, pipe.vae, pipe.text_encoder):
        in_memory_of_its_own(part)
    # "leading" scales the start by sqrt(1 + sigma^2), "trailing" begins at the last timestep.
    pipe.scheduler.register_to_config(timestep_spacing="trailing")
    pipe.scheduler.set_timesteps(6)
    sigmas = tuple(float(sigma) for sigma in pipe.scheduler.sigmas)
    assert sigmas[0] == pytest.approx(4096)
    pipe.scheduler.register_to_config(timestep_spacing="leading")
    times, original = pipe.scheduler.timesteps.clone(), pipe.scheduler.set_timesteps

    def set_timesteps(steps: int, device: Any = None, **_: object) -> None:
        original(steps, device=device)
        pipe.scheduler.sigmas, pipe.scheduler.timesteps = torch.tensor(sigmas), times

    pipe.scheduler.set_timesteps = set_timesteps
    entry = catalog.models()[0]
    recipe = a_recipe(
        checkpoint=entry.weights, sigmas=sigmas, steps=6, width=64, height=64, sampler="euler"
    )
    recipe = changed(recipe, noise=entry.noise)  # as `complete` writes it
    with ModelCache(catalog, torch.device("cpu"), None).take(
        recipe, on_load=lambda _: None
    ) as model:
        ours = pixels(render(recipe, (), model, on_step=lambda *_: None).content, recipe)
    plain = pipe(
        prompt=recipe.prompt,
        negative_prompt="",
        width=64,
        height=64,
        guidance_scale=needed(recipe.sampling).cfg,
        num_inference_steps=6,
        latents=start(recipe),
    ).images[0]
    assert np.count_nonzero(ours != np.asarray(plain)) == 0
