"""Language models that are files of their own: however they are spelled, the same states are read.

as ComfyUI keeps them | as releases of transformers save them | in a checkpoint with all parts
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from generation.errors import UnusableWeights
from generation.families.architecture import Architecture, Part
from generation.families.sd3 import SD3
from generation.families.text.encoder import encoder
from generation.families.text.language import qwen_tokenizer
from generation.worker.loading.single_file import opened_component
from generation.worker.residence import Residence
from tests.given.languagemodels import NETWORKS, made, small

PREFIX = "text_encoders.llm.transformer."
IDS = torch.tensor([[5, 9, 200, 31, 7, 11]])


def with_encoder(name: str) -> tuple[Architecture, Part]:
    part = encoder(NETWORKS[name], config=name, prefix=PREFIX, tokenizer=qwen_tokenizer())
    return replace(SD3, parts=(SD3.denoiser, part)), part


def configs(folder: Path, name: str) -> Path:
    """The config of a model with more and wider layers: the file tells its own."""
    home = folder / "configs" / name
    home.mkdir(parents=True)
    usual = small(name, num_hidden_layers=5, intermediate_size=96)
    (home / "config.json").write_text(json.dumps(usual))
    return home.parent


def flat(key: str) -> str:
    return key.removeprefix("language_model.")


def comfyui(key: str) -> str:
    return key if key.startswith("visual.") else f"model.{flat(key)}"


SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "ComfyUI's": comfyui,
    "transformers 5": lambda key: f"model.{key}",
    "the network's own": str,
    "in a checkpoint": lambda key: PREFIX + comfyui(key),
}


def read(file: Path, folder: Path, name: str) -> Any:
    """As the loader reads it."""
    architecture, part = with_encoder(name)
    head = opened_component(file, architecture, "it", configs=configs(folder, name))
    built = head.built(part, torch.float32)
    Residence(built.module, built.numbers).enter(torch.device("cpu"))
    return built.module


def a_file(folder: Path, tensors: Mapping[str, Tensor]) -> Path:
    path = folder / "encoder.safetensors"
    save_file({key: tensor.clone() for key, tensor in tensors.items()}, path)
    return path


def states(network: Any) -> Tensor:
    found: Tensor = network(input_ids=IDS, use_cache=False).last_hidden_state
    return found


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_states_are_read_of_every_spelling(
    name: str, spelling: str, tmp_path: Path
) -> None:
    whole = made(NETWORKS[name], small(name))
    tensors = {SPELLINGS[spelling](key): one for key, one in whole.state_dict().items()}
    beside = {"lm_head.weight": torch.ones(2, 2), "spiece_model": torch.zeros(3, dtype=torch.uint8)}
    if spelling == "in a checkpoint":
        beside = {PREFIX + "lm_head.weight": torch.ones(2, 2)}
    found = read(a_file(tmp_path, tensors | beside), tmp_path, name)
    assert torch.equal(states(found), states(whole))


def test_a_tower_may_be_missing_where_only_words_are_read(tmp_path: Path) -> None:
    whole = made(NETWORKS["qwen2.5-vl"], small("qwen2.5-vl"))
    kept = {k: v for k, v in whole.state_dict().items() if not k.startswith("visual.")}
    file = a_file(tmp_path, {comfyui(key): one for key, one in kept.items()})
    found = read(file, tmp_path, "qwen2.5-vl")
    assert found.visual is None
    assert torch.equal(states(found), states(whole))


def test_half_a_language_model_is_none(tmp_path: Path) -> None:
    whole = made(NETWORKS["qwen3"], small("qwen3"))
    kept = {k: v for k, v in whole.state_dict().items() if "layers.1.mlp" not in k}
    file = a_file(tmp_path, {comfyui(key): one for key, one in kept.items()})
    with pytest.raises(UnusableWeights):
        read(file, tmp_path, "qwen3")
