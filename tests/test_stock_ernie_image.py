"""The claim that ERNIE-Image's pictures are those of the stock pipeline, pixel for pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import of_file
from generation.draft import complete
from generation.families.ernie_image import ERNIE_IMAGE, told
from generation.recipe import Recipe, needed
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import a_draft
from tests.given.checkpoints import scanned
from tests.given.plain_diffusers import forced, in_memory_of_its_own
from tests.given.stock_flows import HEIGHT, WIDTH, a_flow, differing, drawn, noise_of
from tests.given.tiny import ernie_image

NAME = "ernie-image"
TRANSFORMER = ERNIE_IMAGE.part("transformer")


def by_stock(model: Model, recipe: Recipe) -> Any:
    """All of the folder's own, as the libraries read it, the encoder's tower too."""
    import diffusers

    sampling = needed(recipe.sampling)
    pipe: Any = diffusers.ErnieImagePipeline.from_pretrained(loaded.folder_of(model))
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            in_memory_of_its_own(part)
    forced(pipe.scheduler, sampling.sigmas)
    pipe.set_progress_bar_config(disable=True)
    return pipe(
        prompt=recipe.prompt,
        negative_prompt="dog",
        width=WIDTH,
        height=HEIGHT,
        guidance_scale=sampling.cfg,
        num_inference_steps=sampling.steps,
        latents=noise_of(recipe, 128, HEIGHT // 16, WIDTH // 16),
    ).images[0]


@pytest.mark.parametrize("cfg", [1.0, 4.0])
@pytest.mark.parametrize("prompt", ["a red cat", "", "a (red:1.3) cat, [dog] " * 8])
def test_text_to_image_has_no_differing_pixel(cfg: float, prompt: str) -> None:
    recipe, model = a_flow(NAME, cfg=cfg, prompt=prompt), loaded.model(NAME)
    assert differing(drawn(recipe, model), by_stock(model, recipe)) == 0


def test_a_card_says_that_it_is_turbo(tmp_path: Path) -> None:
    folder = ernie_image.build(tmp_path / "m" / "x")
    (folder / "atelier.toml").write_text('family = "ernie-image-turbo"\n')
    (entry,) = scanned(tmp_path / "m").models()
    recipe = complete(a_draft(prompt="a cat"), entry.model, seed=1, device="cpu")
    assert (needed(recipe.sampling).steps, needed(recipe.sampling).cfg) == (8, 1.0)


@pytest.mark.parametrize(
    "config",
    [{}, {"hidden_size": 3072, "num_attention_heads": 24, "text_in_dim": 3072, "num_layers": 1}],
)
def test_each_size_is_told_by_its_tensors_and_a_transformer_alone_lacks_the_others(
    config: dict[str, object],
) -> None:
    said = {**config_of(CONFIGS / TRANSFORMER.config), **config}
    shapes = TRANSFORMER.layout(TRANSFORMER.network.tensors(said) or {}, said)
    assert {key: told(shapes)[key] for key in config} == config
    found = of_file(shapes, "x", dtypes=dict.fromkeys(shapes, "BF16"))
    lacks = " and ".join(found.lacks)
    assert found.family == "ernie-image"
    assert all(part.config in lacks for part in ERNIE_IMAGE.parts if part is not TRANSFORMER)
