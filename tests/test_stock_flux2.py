"""Pictures of FLUX.2 are the stock pipelines', pixel for pixel, with the same levels and noise."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.flux2.image_processor import Flux2ImageProcessor
from diffusers.pipelines.flux2.pipeline_flux2 import compute_empirical_mu
from PIL import Image

from generation.families.family import family
from generation.families.flux2 import edited_at
from generation.recipe import Recipe, needed
from generation.sigmas import expand, resolved
from generation.tasks import Task
from generation.worker.model import Model
from generation.worker.render import render
from generation.worker.sampling.denoiser import noised
from tests.given import loaded
from tests.given.builders import changed, encoded
from tests.given.partly import a_mask_on_the_grid, an_input, masked, white_in


def a_picture(architecture: str, **changes: Any) -> Recipe:
    base = loaded.recipe_of(architecture)
    noise = resolved(family(base.family).noise, pixels=96 * 64, steps=4)
    sigmas = expand("euler", "simple", steps=4, denoise=1.0, noise=noise)
    usual = {"sampler": "euler", "scheduler": "simple", "negative_prompt": "", "cfg": 1.0}
    return changed(base, **{**usual, "sigmas": sigmas, "steps": 4, "width": 96, **changes})


def stock(model: Model, recipe: Recipe) -> Any:
    """diffusers' own pipeline around the same weights."""
    import diffusers

    dev = model.architecture.name == "flux2-dev"
    kind = diffusers.Flux2Pipeline if dev else diffusers.Flux2KleinPipeline
    if recipe.family == "flux2-klein-9b-kv":
        kind = diffusers.Flux2KleinKVPipeline
    if recipe.task is Task.INPAINT:
        kind = diffusers.Flux2KleinInpaintPipeline
    pipe = kind(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
        vae=model.parts["vae"],
        text_encoder=model.parts["text_encoder"],
        tokenizer=model.parts.tokenizers["text_encoder"],
        transformer=model.parts["transformer"],
        **(
            {}
            if dev or kind is diffusers.Flux2KleinKVPipeline
            else {"is_distilled": needed(recipe.sampling).cfg == 1.0}
        ),
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def drawn_by_stock(model: Model, recipe: Recipe, **options: Any) -> Any:
    sampling, canvas = needed(recipe.sampling), needed(recipe.canvas)
    scale = sampling.cfg if sampling.guidance is None else sampling.guidance
    return stock(model, recipe)(
        prompt=recipe.prompt,
        width=canvas.width,
        height=canvas.height,
        guidance_scale=scale,
        num_inference_steps=sampling.steps,
        sigmas=sampling.sigmas[:-1],
        **{"latents": noise(recipe), **options},
    ).images[0]


def noise(recipe: Recipe) -> torch.Tensor:
    canvas = needed(recipe.canvas)
    generator = torch.Generator().manual_seed(recipe.seed)
    return torch.randn((1, 128, canvas.height // 16, canvas.width // 16), generator=generator)


def differing(ours: bytes, plain: Any) -> int:
    there = np.asarray(plain)
    return int(np.count_nonzero(np.frombuffer(ours, np.uint8).reshape(there.shape) != there))


@pytest.mark.parametrize(
    ("architecture", "changes"),
    [
        ("flux2-klein", {"cfg": 1.0}),
        ("flux2-klein", {"cfg": 5.0}),
        ("flux2-dev", {"guidance": 4.0}),
    ],
    ids=["klein", "klein base", "dev"],
)
def test_a_picture_has_no_differing_pixel(architecture: str, changes: dict[str, float]) -> None:
    recipe, model = (
        a_picture(architecture, prompt="a red cat", **changes),
        loaded.model(architecture),
    )
    ours = render(recipe, (), model, on_step=lambda *_: None).content
    assert differing(ours, drawn_by_stock(model, recipe)) == 0


def with_references(recipe: Recipe, *pictures: bytes) -> Recipe:
    inputs = tuple(an_input("reference", picture) for picture in pictures)
    return changed(recipe, task=Task.EDIT, inputs=inputs)


@pytest.mark.parametrize(
    ("architecture", "changes"),
    [("flux2-klein", {"cfg": 5.0}), ("flux2-dev", {"guidance": 4.0})],
    ids=["klein base", "dev"],
)
def test_an_edit_with_two_pictures_has_no_differing_pixel(
    architecture: str, changes: dict[str, float]
) -> None:
    pictures = encoded(a_face(96, 64)), encoded(a_face(64, 80))
    model = loaded.model(architecture)
    recipe = with_references(a_picture(architecture, prompt="as a king", **changes), *pictures)
    ours = render(recipe, pictures, model, on_step=lambda *_: None).content
    seen = [a_face(96, 64), a_face(64, 80)]
    assert differing(ours, drawn_by_stock(model, recipe, image=seen)) == 0
    other_way = with_references(recipe, *reversed(pictures))
    assert render(other_way, pictures[::-1], model, on_step=lambda *_: None).content != ours


def test_an_edit_whose_pictures_see_each_other_alone_has_no_differing_pixel() -> None:
    """Klein 9B KV, of which the stock pipeline keeps what it saw: its later steps see the same."""
    pictures = encoded(a_face(96, 64)), encoded(a_face(64, 80))
    model = loaded.model("flux2-klein")
    plain = with_references(a_picture("flux2-klein", prompt="as a king"), *pictures)
    recipe = changed(plain, family="flux2-klein-9b-kv")
    before = render(plain, pictures, model, on_step=lambda *_: None).content
    ours = render(recipe, pictures, model, on_step=lambda *_: None).content
    assert ours != before == render(plain, pictures, model, on_step=lambda *_: None).content
    sampling = needed(recipe.sampling)
    theirs = stock(model, recipe)(
        prompt=recipe.prompt,
        width=96,
        height=64,
        num_inference_steps=sampling.steps,
        sigmas=sampling.sigmas[:-1],
        latents=noise(recipe),
        image=[a_face(96, 64), a_face(64, 80)],
    ).images[0]
    assert differing(ours, theirs) == 0


def a_face(width: int, height: int) -> Image.Image:
    """Something that has a left and a right, an above and a below."""
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    picture.paste((200, 30, 90), (4, 4, width // 2, height // 3))
    return picture


@pytest.mark.parametrize(("pixels", "steps"), [(1024 * 1024, 28), (512 * 768, 4), (2048**2, 50)])
def test_the_levels_are_the_stock_pipelines_for_every_size_and_number_of_steps(
    pixels: int, steps: int
) -> None:
    mu = compute_empirical_mu(pixels // 256, steps)
    times = np.linspace(1, 1 / steps, steps)
    bent = np.exp(mu) / (np.exp(mu) + (1 / times - 1))
    usual = family("flux2-dev")
    noise = resolved(usual.noise, pixels=pixels, steps=steps)
    ours = expand("euler", usual.scheduler, steps=steps, denoise=1.0, noise=noise)
    assert ours[:-1] == pytest.approx(bent, rel=1e-6)


@pytest.mark.parametrize("size", [(64, 64), (1024, 1024), (1023, 517), (3000, 2000), (40, 1500)])
def test_a_picture_is_looked_at_in_the_size_of_the_stock_pipeline(size: tuple[int, int]) -> None:
    width, height = edited_at(*size)
    assert width % 16 == height % 16 == 0
    assert width * height <= max(1024 * 1024, 64 * height)
    if size == (3000, 2000):
        shrunk = Flux2ImageProcessor._resize_to_target_area(Image.new("RGB", size))
        assert (width, height) == tuple(side // 16 * 16 for side in shrunk.size)


def test_a_part_that_klein_draws_has_no_differing_pixel() -> None:
    """It looks at the whole picture, as in the stock pipeline."""
    model = loaded.model("flux2-klein")
    picture, mask = a_face(96, 64), a_mask_on_the_grid(96, 64, (32, 16, 80, 48))
    whole = a_picture("flux2-klein", prompt="a red cat", cfg=5.0)
    recipe = masked(whole, encoded(picture), mask, blur=0.0, steps=4)
    ours = render(recipe, (encoded(picture), mask), model, on_step=lambda *_: None).content
    plain = drawn_by_stock(
        model,
        recipe,
        image=picture,
        mask_image=Image.open(io.BytesIO(mask)),
        strength=1.0,
    )
    area = white_in(mask, recipe)
    there = np.asarray(plain)
    drawn = np.frombuffer(ours, np.uint8).reshape(there.shape)
    assert np.count_nonzero(drawn[area] != there[area]) == 0


def test_a_picture_that_is_drawn_over_has_no_differing_pixel() -> None:
    """Its latents are the posterior's mean, under the noise of the first level."""
    model, picture = loaded.model("flux2-klein"), a_face(96, 64)
    whole = a_picture("flux2-klein", prompt="a red cat")
    sigmas = needed(whole.sampling).sigmas[2:]
    recipe = changed(
        whole,
        task=Task.IMAGE_TO_IMAGE,
        inputs=(an_input("init", encoded(picture)),),
        sigmas=sigmas,
        steps=2,
        denoise=0.5,
    )
    ours = render(recipe, (encoded(picture),), model, on_step=lambda *_: None).content
    pixels = torch.from_numpy(np.asarray(picture, np.float32) / 255.0)
    with torch.inference_mode():
        mean = stock(model, recipe)._encode_vae_image(
            2.0 * pixels[None].permute(0, 3, 1, 2) - 1.0, torch.Generator()
        )
    begun = noised(mean, noise(recipe), torch.tensor(sigmas[0]), flow=True)
    assert differing(ours, drawn_by_stock(model, recipe, latents=begun)) == 0
