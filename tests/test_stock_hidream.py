"""The claim that HiDream I1's pictures are those of the stock pipeline, pixel for pixel."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import of_file
from generation.errors import OutOfRange
from generation.families.hidream import HIDREAM, told
from generation.recipe import Recipe, needed
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import changed
from tests.given.checkpoints import scanned
from tests.given.stock_flows import a_flow, differing, drawn, noise_of, pipeline
from tests.given.tiny import hidream

NAME = "hidream"
TRANSFORMER = HIDREAM.part("transformer")


def by_stock(model: Model, recipe: Recipe) -> Any:
    """Theirs has as many pixels as it is told to have by default, whatever is asked for."""
    sampling, canvas = needed(recipe.sampling), needed(recipe.canvas)
    pipe = pipeline(model, "HiDreamImagePipeline", recipe)
    pipe.default_sample_size = math.sqrt(canvas.pixels * 1.0001) / 8
    return pipe(
        prompt=recipe.prompt,
        negative_prompt="dog",
        width=canvas.width,
        height=canvas.height,
        guidance_scale=sampling.cfg,
        num_inference_steps=sampling.steps,
        latents=noise_of(recipe, 16, canvas.height // 8, canvas.width // 8),
    ).images[0]


@pytest.mark.parametrize("cfg", [1.0, 5.0])
@pytest.mark.parametrize("side", [64, 96])
def test_text_to_image_has_no_differing_pixel(cfg: float, side: int) -> None:
    recipe = a_flow(NAME, cfg=cfg, prompt="a (red:1.3) cat, [dog]", width=side)
    assert differing(drawn(recipe, model := loaded.model(NAME)), by_stock(model, recipe)) == 0


def test_words_beyond_128_tokens_are_read_by_t5_and_llama() -> None:
    one, two = (drawn(a_flow(NAME, prompt="a" * n), loaded.model(NAME)) for n in (150, 151))
    assert differing(one, two) > 0


def test_more_pixels_than_its_network_has_room_for_are_refused() -> None:
    with pytest.raises(OutOfRange, match="16384 pixels"):
        drawn(changed(a_flow(NAME), width=256, height=128), loaded.model(NAME))


def test_a_folders_scheduler_says_which_of_the_three_it_is(tmp_path: Path) -> None:
    kinds = {"full": hidream.FULL, "dev": hidream.DEV, "fast": hidream.FAST}
    for name, scheduler in kinds.items():
        hidream.build(tmp_path / "m" / name, scheduler=scheduler)
    found = {entry.name: entry for entry in scanned(tmp_path / "m").models()}
    assert {name: entry.family for name, entry in found.items()} == {
        name: f"hidream-{name}" for name in kinds
    }
    assert [found[name].model.family.noise for name in kinds] == [
        "flow:3.0",
        "flow:6.0",
        "flow:3.0",
    ]


@pytest.mark.parametrize(
    "config", [{}, {"num_layers": 1, "num_single_layers": 2, "num_attention_heads": 12}]
)
def test_each_size_is_told_by_its_tensors_and_a_transformer_alone_lacks_the_others(
    config: dict[str, object],
) -> None:
    said = {**config_of(CONFIGS / TRANSFORMER.config), **config}
    shapes = TRANSFORMER.layout(TRANSFORMER.network.tensors(said) or {}, said)
    assert {key: told(shapes)[key] for key in config} == config
    found = of_file(shapes, "x", dtypes=dict.fromkeys(shapes, "BF16"))
    lacks = " and ".join(found.lacks)
    assert found.family == "hidream-full"
    assert all(part.config in lacks for part in HIDREAM.parts if part is not TRANSFORMER)
