"""The claim that Krea 2's pictures are those of the stock pipeline, pixel for pixel."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from generation.draft import complete
from generation.recipe import Precision, Recipe, needed
from generation.worker.engines.tokens import packed
from generation.worker.loading.building import class_of
from generation.worker.loading.loader import load
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import a_draft, a_recipe
from tests.given.checkpoints import scanned
from tests.given.stock_flows import (
    HEIGHT,
    PHOTO,
    WIDTH,
    a_flow,
    differing,
    drawn,
    noise_of,
    over_a_photo,
    photo,
    pipeline,
)
from tests.given.tiny import krea2

NAME = "krea2"


def by_stock(model: Model, recipe: Recipe, latents: torch.Tensor) -> Any:
    """Their g is what is added to the prompt's own direction: ours without the one."""
    sampling = needed(recipe.sampling)
    return pipeline(model, "Krea2Pipeline", recipe)(
        prompt=recipe.prompt,
        negative_prompt="dog" if sampling.guided else None,
        width=WIDTH,
        height=HEIGHT,
        guidance_scale=sampling.cfg - 1,
        num_inference_steps=sampling.steps,
        latents=packed(latents),
    ).images[0]


@pytest.mark.parametrize("cfg", [1.0, 5.5])
@pytest.mark.parametrize("prompt", ["a red cat", "", "a (red:1.3) cat, [dog] " * 8])
def test_text_to_image_has_no_differing_pixel(cfg: float, prompt: str) -> None:
    recipe, model = a_flow(NAME, cfg=cfg, prompt=prompt), loaded.model(NAME)
    latents = noise_of(recipe, 16, HEIGHT // 8, WIDTH // 8)
    assert differing(drawn(recipe, model), by_stock(model, recipe, latents)) == 0


def test_a_picture_that_is_drawn_over_has_none_but_begins_as_the_stock_vae_has_it() -> None:
    """No pipeline of theirs does that: theirs begins from the latents that Qwen-Image's would."""
    import diffusers

    recipe, model = over_a_photo(a_flow(NAME)), loaded.model(NAME)
    encoder: Any = diffusers.QwenImageImg2ImgPipeline(
        scheduler=None,
        vae=model.parts["vae"],
        text_encoder=None,
        tokenizer=None,
        transformer=None,
    )
    generator = torch.Generator().manual_seed(recipe.seed)
    pixels = encoder.image_processor.preprocess(photo(), height=HEIGHT, width=WIDTH)
    with torch.inference_mode():
        init = encoder._encode_vae_image(pixels.unsqueeze(2), generator)[:, :, 0]
    noise = torch.randn(init.shape, generator=generator)
    first = torch.tensor(needed(recipe.sampling).sigmas[0])
    begun = noise * first + (1.0 - first) * init
    assert differing(drawn(recipe, model, PHOTO), by_stock(model, recipe, begun)) == 0


def test_a_folder_says_whether_it_is_distilled_and_then_its_levels_are_the_same_at_every_size(
    tmp_path: Path,
) -> None:
    krea2.build(tmp_path / "m" / "turbo")
    krea2.build(tmp_path / "m" / "base", distilled=False)
    found = {entry.name: entry for entry in scanned(tmp_path / "m").models()}
    assert {name: entry.family for name, entry in found.items()} == {
        "turbo": "krea2-turbo",
        "base": "krea2",
    }

    def levels(name: str, side: int) -> tuple[float, ...]:
        draft = a_draft(prompt="a cat", width=side, height=side, steps=4)
        recipe = complete(draft, found[name].model, seed=1, device="cpu")
        return needed(recipe.sampling).sigmas

    assert levels("turbo", 512) == levels("turbo", 1024)
    shift = math.exp(1.15)
    thirds = (1.0, *(shift * t / (1 + (shift - 1) * t) for t in (0.75, 0.5, 0.25)), 0.0)
    assert levels("turbo", 1024) == pytest.approx(thirds, rel=1e-3)
    assert levels("base", 512)[1] < levels("base", 1024)[1] < levels("turbo", 1024)[1]


@pytest.mark.parametrize("precision", list(Precision))
def test_its_norms_stay_in_fp32_as_the_library_keeps_them(
    precision: Precision, tmp_path: Path
) -> None:
    folder = krea2.build(tmp_path / "m" / "x")
    (entry,) = scanned(tmp_path / "m").models()
    recipe = a_recipe(family="krea2-turbo", checkpoint=entry.weights, precision=precision)
    model = load(recipe, entry.path, None, torch.device("cpu"))
    part = model.architecture.denoiser
    dtype = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]
    kind = class_of(part.network.module, part.network.name)
    theirs = kind.from_pretrained(folder / part.name, torch_dtype=dtype).state_dict()
    mine = model.parts[part.name].state_dict()
    assert {k: t.dtype for k, t in mine.items()} == {k: t.dtype for k, t in theirs.items()}
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)
