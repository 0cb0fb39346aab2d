"""The claim that Z-Image's pictures are those of the stock pipelines, pixel for pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from generation.errors import OutOfRange
from generation.recipe import Recipe, needed
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import changed
from tests.given.checkpoints import scanned
from tests.given.stock_flows import (
    HEIGHT,
    MASK,
    PHOTO,
    WIDTH,
    a_flow,
    decoded,
    differing,
    drawn,
    mask,
    noise_of,
    of_a_part,
    over_a_photo,
    photo,
    pipeline,
)
from tests.given.tiny import z_image

NAME = "z-image"


def by_stock(model: Model, kind: str, recipe: Recipe, *, before: int = 0, **given: Any) -> Any:
    """Their g is what is added to the prompt's own direction: ours without the one."""
    sampling = needed(recipe.sampling)
    return pipeline(model, kind, recipe, before=before)(
        prompt=recipe.prompt,
        negative_prompt="dog",
        width=WIDTH,
        height=HEIGHT,
        guidance_scale=sampling.cfg - 1,
        num_inference_steps=sampling.steps + before,
        **given,
    ).images


@pytest.mark.parametrize("cfg", [1.0, 4.0])
@pytest.mark.parametrize("prompt", ["a red cat", "", "a (red:1.3) cat, [dog] " * 18])
def test_text_to_image_has_no_differing_pixel(cfg: float, prompt: str) -> None:
    recipe, model = a_flow(NAME, cfg=cfg, prompt=prompt), loaded.model(NAME)
    latents = noise_of(recipe, 16, HEIGHT // 8, WIDTH // 8)
    theirs = by_stock(model, "ZImagePipeline", recipe, latents=latents)[0]
    assert differing(drawn(recipe, model), theirs) == 0


def test_image_to_image_has_none() -> None:
    recipe, model = over_a_photo(a_flow(NAME)), loaded.model(NAME)
    theirs = by_stock(
        model,
        "ZImageImg2ImgPipeline",
        recipe,
        image=photo(),
        strength=1.0,  # the sigmas say where it begins
        generator=torch.Generator().manual_seed(recipe.seed),
    )[0]
    assert differing(drawn(recipe, model, PHOTO), theirs) == 0


def test_a_part_that_is_drawn_over_has_none() -> None:
    """Of the same numbers: theirs lie otherwise in memory, which decides last bits of a VAE."""
    recipe, model = of_a_part(a_flow(NAME)), loaded.model(NAME)
    steps = needed(recipe.sampling).steps
    latents = by_stock(
        model,
        "ZImageInpaintPipeline",
        recipe,
        before=1,
        image=photo(),
        mask_image=mask(),
        strength=steps / (steps + 1),
        generator=torch.Generator().manual_seed(recipe.seed),
        output_type="latent",
    )
    theirs = decoded(model, latents)
    assert differing(drawn(recipe, model, PHOTO, MASK), theirs, recipe) == 0


def test_a_folder_of_the_base_models_shift_is_the_base_model(tmp_path: Path) -> None:
    z_image.build(tmp_path / "m" / "turbo")
    z_image.build(tmp_path / "m" / "base", shift=6.0)
    found = {entry.name: entry for entry in scanned(tmp_path / "m").models()}
    assert {name: entry.family for name, entry in found.items()} == {
        "turbo": "z-image-turbo",
        "base": "z-image",
    }
    assert (found["turbo"].levels, found["base"].levels) == (None, "flow:6.0")


def test_a_card_says_better_which_of_both_a_folder_is(tmp_path: Path) -> None:
    folder = z_image.build(tmp_path / "m" / "x")
    (folder / "atelier.toml").write_text('family = "z-image"\n')
    (entry,) = scanned(tmp_path / "m").models()
    assert entry.family == "z-image"


def test_words_beyond_512_tokens_are_read_and_beyond_all_positions_refused() -> None:
    model = loaded.model(NAME)
    one, two = (drawn(a_flow(NAME, prompt="a" * n), model) for n in (600, 601))
    assert differing(one, two) > 0
    with pytest.raises(OutOfRange, match="1504 tokens"):
        drawn(a_flow(NAME, prompt="a" * 1600), model)


def test_a_side_without_positions_is_refused() -> None:
    recipe = changed(a_flow(NAME), width=65 * 16)
    with pytest.raises(OutOfRange, match="1024"):
        drawn(recipe, loaded.model(NAME))
