"""Claims about files of Krea 2: told by their tensors, and named as their makers name them."""

from __future__ import annotations

import pytest
import torch

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import of_file
from generation.families.architecture import Shapes
from generation.families.krea2 import KREA2, told

TRANSFORMER = KREA2.part("transformer")


def published(**config: object) -> Shapes:
    """The transformer by the makers' names, of its real sizes or others."""
    said = {**config_of(CONFIGS / TRANSFORMER.config), **config}
    return TRANSFORMER.layout(TRANSFORMER.network.tensors(said) or {}, said)


def test_the_stock_library_makes_the_networks_tensors_of_a_file_of_these() -> None:
    from diffusers.loaders.single_file_utils import (
        convert_krea2_transformer_checkpoint_to_diffusers,
        infer_diffusers_model_type,
    )

    made = {key: torch.empty(shape, device="meta") for key, shape in published().items()}
    assert infer_diffusers_model_type(made).startswith("krea2")
    theirs = convert_krea2_transformer_checkpoint_to_diffusers(made)
    ours = TRANSFORMER.network.tensors(config_of(CONFIGS / TRANSFORMER.config))
    assert {key: tuple(tensor.shape) for key, tensor in theirs.items()} == ours


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"num_attention_heads": 12, "num_key_value_heads": 4, "intermediate_size": 4096},
        {"num_layers": 1, "num_layerwise_text_blocks": 1, "num_refiner_text_blocks": 3},
        {"text_hidden_dim": 4096, "text_num_attention_heads": 32, "text_num_key_value_heads": 8},
    ],
)
def test_each_size_is_told_by_its_tensors(config: dict[str, object]) -> None:
    shapes = published(**config)
    assert {key: told(shapes)[key] for key in config} == config


@pytest.mark.parametrize("prefix", ["model.diffusion_model.", ""])
def test_a_transformer_alone_is_taken_for_turbo_and_lacks_the_others(prefix: str) -> None:
    shapes = {prefix + key.removeprefix(TRANSFORMER.prefix): s for key, s in published().items()}
    found = of_file(shapes, "x", dtypes=dict.fromkeys(shapes, "BF16"))
    lacks = " and ".join(found.lacks)
    assert found.family == "krea2-turbo"
    assert all(part.config in lacks for part in KREA2.parts if part is not TRANSFORMER)
