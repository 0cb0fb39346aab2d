"""The claim that Sana's pictures are those of the stock pipeline, pixel for pixel."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers.loaders import single_file_utils

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import of_file
from generation.draft import complete
from generation.errors import UnusableWeights
from generation.families.architecture import Shapes
from generation.families.sana import SANA, told
from generation.families.trained import of_flow_solver
from generation.recipe import Recipe, needed
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from tests.given import loaded, tinymodels
from tests.given.builders import a_draft
from tests.given.checkpoints import scanned
from tests.given.stock_flows import (
    HEIGHT,
    WIDTH,
    a_flow,
    differing,
    drawn,
    noise_of,
    photo,
    pipeline,
)
from tests.given.tiny import sana

NAME = "sana"
TRANSFORMER = SANA.part("transformer")


def by_stock(model: Model, recipe: Recipe) -> Any:
    """Without the sizes that are nearest to one of a list."""
    sampling = needed(recipe.sampling)
    return pipeline(model, "SanaPipeline", recipe)(
        prompt=recipe.prompt,
        negative_prompt="dog",
        width=WIDTH,
        height=HEIGHT,
        guidance_scale=sampling.cfg,
        num_inference_steps=sampling.steps,
        latents=noise_of(recipe, 32, HEIGHT // 32, WIDTH // 32),
        use_resolution_binning=False,
    ).images[0]


@pytest.mark.parametrize(
    ("cfg", "prompt"), [(1.0, " A (red:1.3) Cat, [dog] "), (4.5, "A cat"), (4.5, "")]
)
def test_text_to_image_has_no_differing_pixel(cfg: float, prompt: str) -> None:
    recipe, model = a_flow(NAME, cfg=cfg, prompt=prompt), loaded.model(NAME)
    assert differing(drawn(recipe, model), by_stock(model, recipe)) == 0


def test_words_beyond_300_tokens_are_read() -> None:
    one, two = (drawn(a_flow(NAME, prompt="o" * n), loaded.model(NAME)) for n in (350, 351))
    assert differing(one, two) > 0


def test_a_picture_is_what_its_vae_makes_of_it() -> None:
    """Nothing is drawn for it: its VAE knows no other latents of a picture."""
    model = loaded.model(NAME)
    rows = torch.from_numpy(np.asarray(photo()).astype(np.float32))
    pixels = rows.permute(2, 0, 1)[None] / 127.5 - 1
    with torch.inference_mode():
        ours = model.engine.encode(model.parts, pixels, torch.Generator().manual_seed(1))
        theirs = model.parts["vae"].encode(pixels).latent * 0.41407
    assert torch.equal(ours, theirs)


@cache
def sprint() -> Path:
    return sana.build(tinymodels.home() / "sprints" / "sprint", **sana.SPRINT)


def of_sprint() -> tuple[Recipe, Model]:
    """As its folder is completed by, and its model."""
    catalog = scanned(sprint().parent)
    (entry,) = catalog.models()
    draft = a_draft(prompt="a red cat", width=256, height=320)
    recipe = complete(draft, entry.model, seed=7, device="cpu")
    cache = ModelCache(catalog, torch.device("cpu"), None)
    with cache.take(recipe, on_load=lambda _: None) as model:
        return recipe, model


def test_sprint_is_drawn_as_by_its_pipeline_within_one_level_of_256() -> None:
    """Theirs walks angles: the same numbers, otherwise rounded."""
    recipe, model = of_sprint()
    pipe: Any = diffusers.SanaSprintPipeline.from_pretrained(sprint())
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(
        prompt=recipe.prompt,
        width=256,
        height=320,
        generator=torch.Generator().manual_seed(recipe.seed),
        use_resolution_binning=False,
    ).images[0]
    apart = np.asarray(theirs).astype(int) - drawn(recipe, model)
    assert np.abs(apart).max() <= 1


def test_a_folder_says_for_which_size_it_was_made(tmp_path: Path) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "sana": {},
        "sana-512": {"sample_size": 16},
        "sana-2k": {"sample_size": 64, "interpolation_scale": 1.0},
        "sana-4k": {"sample_size": 128, "interpolation_scale": 2.0},
        "sana-sprint": sana.SPRINT,
    }
    for name, transformer in kinds.items():
        sana.build(tmp_path / "m" / name, **transformer)
    assert {entry.name: entry.family for entry in scanned(tmp_path / "m").models()} == {
        name: name for name in kinds
    }


@pytest.mark.parametrize("odd", [{"use_flow_sigmas": False}, {"thresholding": True}, {"new": 1}])
def test_a_solver_is_read_where_it_walks_a_flow(odd: dict[str, object]) -> None:
    assert of_flow_solver(sana.SCHEDULER, "x").noise == "flow:3.0"
    with pytest.raises(UnusableWeights, match=next(iter(odd))):
        of_flow_solver(sana.SCHEDULER | odd, "x")


# Sana 1.6B, 0.6B at 512, 1.5 of 4.8B, 4K and Sprint, by their published configs.
SMALL: dict[str, object] = {
    "cross_attention_dim": 1152,
    "cross_attention_head_dim": 72,
    "num_attention_heads": 36,
    "num_cross_attention_heads": 16,
    "num_layers": 28,
    "sample_size": 16,
}
SIZES: list[tuple[str, dict[str, object]]] = [
    ("sana", {"sample_size": 32}),
    ("sana-512", SMALL),
    ("sana", {"num_layers": 60, "qk_norm": "rms_norm_across_heads"}),
    ("sana-4k", {"sample_size": 128, "interpolation_scale": 2.0}),
    ("sana-sprint", sana.SPRINT),
]


def as_published(shapes: Shapes, config: dict[str, Any]) -> Shapes:
    width = config["num_attention_heads"] * config["attention_head_dim"]
    beside = {
        "pos_embed": (1, config["sample_size"] ** 2, width),
        "y_embedder.y_embedding": (300, 2304),
    }
    return {**shapes, **{TRANSFORMER.prefix + key: shape for key, shape in beside.items()}}


@pytest.mark.parametrize(("family", "config"), SIZES)
def test_each_size_is_told_by_its_tensors_and_a_transformer_alone_lacks_the_others(
    family: str, config: dict[str, object]
) -> None:
    said = {**config_of(CONFIGS / TRANSFORMER.config), **config}
    layout = TRANSFORMER.layout(TRANSFORMER.network.tensors(said) or {}, said)
    shapes = as_published(layout, said)
    assert {key: told(shapes)[key] for key in config} == config
    found = of_file(shapes, "x", dtypes=dict.fromkeys(shapes, "BF16"))
    lacks = " and ".join(found.lacks)
    assert found.family == family
    assert all(part.config in lacks for part in SANA.parts if part is not TRANSFORMER)


@pytest.mark.parametrize(
    ("part", "named", "convert"),
    [
        ("transformer", sana.named, single_file_utils.convert_sana_transformer_to_diffusers),
        ("vae", sana.named_vae, single_file_utils.convert_autoencoder_dc_checkpoint_to_diffusers),
    ],
)
def test_files_have_the_names_that_diffusers_converts(part: str, named: Any, convert: Any) -> None:
    ours = dict(loaded.model(NAME).parts[part].state_dict())
    beside = dict.fromkeys(("pos_embed", "y_embedder.y_embedding")) if part == "transformer" else {}
    assert set(convert({**named(ours), **beside})) == set(ours)
