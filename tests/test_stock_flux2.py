"""Pictures of FLUX.2 are the stock pipelines', pixel for pixel, with the same levels and noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from generation.families.family import family
from generation.recipe import Recipe, needed
from generation.sigmas import expand, resolved
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded
from tests.given.builders import changed


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
    pipe = kind(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
        vae=model.parts["vae"],
        text_encoder=model.parts["text_encoder"],
        tokenizer=model.parts.tokenizers["text_encoder"],
        transformer=model.parts["transformer"],
        **({} if dev else {"is_distilled": needed(recipe.sampling).cfg == 1.0}),
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
        latents=noise(recipe),
        **options,
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
