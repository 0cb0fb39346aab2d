"""The claim that Lumina-Image 2.0's pictures are those of the stock pipeline, pixel for pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from generation.catalog.header import read_header
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import Anatomy, of_file
from generation.errors import OutOfRange
from generation.families.architecture import Shapes
from generation.families.lumina2 import LUMINA2, told
from generation.families.text.language import gemma_tokenizer
from generation.recipe import Recipe, needed
from generation.worker.engines.lumina2 import ANIME, START
from generation.worker.jobs import _read_by
from generation.worker.loading.stored import StoredFile
from generation.worker.loading.tokenizers import tokenizer_for
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import changed
from tests.given.checkpoints import scanned, the_single_file
from tests.given.stock_flows import HEIGHT, WIDTH, a_flow, differing, drawn, noise_of, pipeline
from tests.given.tiny import lumina2

NAME = "lumina2"
TRANSFORMER = LUMINA2.part("transformer")


def by_stock(model: Model, recipe: Recipe, **given: Any) -> Any:
    sampling = needed(recipe.sampling)
    return pipeline(model, "Lumina2Pipeline", recipe)(
        **{
            "prompt": recipe.prompt,
            "negative_prompt": "dog",
            "width": WIDTH,
            "height": HEIGHT,
            "guidance_scale": sampling.cfg,
            "num_inference_steps": sampling.steps,
            "latents": noise_of(recipe, 16, HEIGHT // 8, WIDTH // 8),
            **given,
        }
    ).images[0]


@pytest.mark.parametrize("cfg", [1.0, 4.0])
@pytest.mark.parametrize("prompt", ["a red cat", "", "a (red:1.3) cat, [dog] " * 2])
def test_text_to_image_has_no_differing_pixel(cfg: float, prompt: str) -> None:
    recipe, model = a_flow(NAME, cfg=cfg, prompt=prompt), loaded.model(NAME)
    assert differing(drawn(recipe, model), by_stock(model, recipe)) == 0


@pytest.mark.parametrize("cfg", [1.0, 4.0])
def test_netayume_has_none_either_with_its_own_sentences_and_guidance(cfg: float) -> None:
    recipe, model = changed(a_flow(NAME, cfg=cfg), family="netayume"), loaded.model(NAME)
    theirs = by_stock(
        model,
        recipe,
        system_prompt=ANIME[0].removesuffix(f" {START} "),
        negative_prompt=f"{ANIME[1]}dog",
        cfg_normalization=False,
    )
    assert differing(drawn(recipe, model), theirs) == 0


def test_words_that_bring_their_own_sentence_are_read_as_they_are() -> None:
    recipe, model = a_flow(NAME, prompt=f"Draw. {START} a cat"), loaded.model(NAME)
    theirs = by_stock(model, recipe, prompt="a cat", system_prompt="Draw.")
    assert differing(drawn(recipe, model), theirs) == 0


def test_words_beyond_256_tokens_are_read_and_beyond_all_places_refused() -> None:
    model = loaded.model(NAME)
    one, two = (drawn(a_flow(NAME, prompt="c" * n), model) for n in (300, 301))
    assert differing(one, two) > 0
    with pytest.raises(OutOfRange, match="at most 1535"):
        drawn(a_flow(NAME, prompt="c" * 1600), model)


def test_a_side_without_places_is_refused() -> None:
    with pytest.raises(OutOfRange, match="1024"):
        drawn(changed(a_flow(NAME), width=65 * 16), loaded.model(NAME))


def test_a_whole_file_brings_the_pieces_of_its_tokenizer(tmp_path: Path) -> None:
    tensors, _ = the_single_file(NAME)
    save_file(tensors, tmp_path / "x.safetensors")
    file = StoredFile(
        path=tmp_path / "x.safetensors", header=read_header(tmp_path / "x.safetensors", "x")
    )
    ours = tokenizer_for(gemma_tokenizer(), file)
    theirs = loaded.model(NAME).parts.tokenizers["text_encoder"]
    assert ours("a cat, 雪").input_ids == theirs("a cat, 雪").input_ids


def published(**config: object) -> Shapes:
    """The transformer as it is published alone, of its real sizes or others."""
    said = {**config_of(CONFIGS / TRANSFORMER.config), **config}
    laid = TRANSFORMER.layout(TRANSFORMER.network.tensors(said) or {}, said)
    return {key.removeprefix(TRANSFORMER.prefix): shape for key, shape in laid.items()}


def judged(shapes: Shapes, **metadata: str) -> Anatomy:
    return of_file(shapes, "x", dtypes=dict.fromkeys(shapes, "BF16"), metadata=metadata)


def test_the_stock_library_makes_the_networks_tensors_of_a_file_of_these() -> None:
    from diffusers.loaders.single_file_utils import (
        convert_lumina2_to_diffusers,
        infer_diffusers_model_type,
    )

    laid = {f"{TRANSFORMER.prefix}{key}": shape for key, shape in published().items()}
    made = {key: torch.empty(shape, device="meta") for key, shape in laid.items()}
    assert infer_diffusers_model_type(made) == "lumina2"
    theirs = convert_lumina2_to_diffusers(
        {k.removeprefix(TRANSFORMER.prefix): v for k, v in made.items()}
    )
    ours = TRANSFORMER.network.tensors(config_of(CONFIGS / TRANSFORMER.config))
    assert {key: tuple(tensor.shape) for key, tensor in theirs.items()} == ours


@pytest.mark.parametrize(
    "config",
    [{}, {"num_layers": 1}, {"hidden_size": 1152, "num_attention_heads": 12, "num_kv_heads": 4}],
)
def test_each_size_is_told_by_its_tensors_and_a_transformer_alone_lacks_the_others(
    config: dict[str, object],
) -> None:
    shapes = published(**config)
    said = told({TRANSFORMER.prefix + key: shape for key, shape in shapes.items()})
    assert {key: said[key] for key in config} == config
    found = judged({**shapes, "norm_final.weight": (2304,)})
    assert found.family == "lumina2"
    lacks = " and ".join(found.lacks)
    assert all(part.config in lacks for part in LUMINA2.parts if part is not TRANSFORMER)


def test_a_shift_a_mark_or_a_card_says_that_it_is_netayume(tmp_path: Path) -> None:
    lumina2.build(tmp_path / "m" / "base")
    lumina2.build(tmp_path / "m" / "tuned", shift=4.0)
    card = lumina2.build(tmp_path / "m" / "carded") / "atelier.toml"
    card.write_text('family = "netayume"\n')
    found = {entry.name: entry.family for entry in scanned(tmp_path / "m").models()}
    assert found == {"base": "lumina2", "tuned": "netayume", "carded": "netayume"}
    marked = judged(published(), **{"modelspec.title": "NetaYume Lumina v3.5"})
    assert marked.family == "netayume"


def test_families_that_say_other_sentences_remember_other_words() -> None:
    recipe, model = a_flow(NAME), loaded.model(NAME)
    other = changed(recipe, family="netayume")
    assert _read_by(model, recipe, ()) != _read_by(model, other, ())
