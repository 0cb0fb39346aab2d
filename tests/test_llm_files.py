"""Language models that are files of their own: however they are spelled, the same states are read.

as ComfyUI keeps them | as releases of transformers save them | in a checkpoint with all parts
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from generation.errors import UnusableWeights
from generation.families.architecture import Architecture, Part
from generation.families.networks import T5
from generation.families.sd3 import SD3
from generation.families.text.encoder import encoder
from generation.families.text.language import qwen_tokenizer
from generation.worker.loading.single_file import opened_component
from generation.worker.residence import Residence
from tests.given.languagemodels import NETWORKS, made, small

PREFIX = "text_encoders.qwen3_4b.transformer."  # that an architecture has
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


@pytest.mark.parametrize("name", ["qwen3", "qwen2.5-vl", "qwen3-vl"])
def test_qwens_words_are_read_from_a_gguf_of_llama_cpp(name: str, tmp_path: Path) -> None:
    whole = made(NETWORKS[name], small(name))
    arch = {"qwen3": "QWEN3", "qwen2.5-vl": "QWEN2VL", "qwen3-vl": "QWEN3VL"}[name]
    kept = {k: v for k, v in whole.state_dict().items() if not k.startswith("visual.")}
    file = a_gguf(tmp_path, getattr(gguf.MODEL_ARCH, arch), 3, comfyui, kept)
    assert torch.equal(states(read(file, tmp_path, name)), states(whole))


@pytest.mark.parametrize("name", ["gemma2", "mistral-small-3", "llama3.1"])
def test_what_a_gguf_has_otherwise_than_by_name_is_not_read(name: str, tmp_path: Path) -> None:
    arch = gguf.MODEL_ARCH.GEMMA2 if name == "gemma2" else gguf.MODEL_ARCH.LLAMA
    whole = made(NETWORKS[name], small(name))
    file = a_gguf(tmp_path, arch, 3, comfyui, whole.state_dict())
    with pytest.raises(UnusableWeights):
        read(file, tmp_path, name)


def test_t5_is_read_from_a_gguf_of_llama_cpp(tmp_path: Path) -> None:
    config = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_heads": 4, "num_layers": 2}
    whole = made(T5, {**config, "vocab_size": 320, "feed_forward_proj": "gated-gelu"})
    kept = {k: v for k, v in whole.state_dict().items() if k != "encoder.embed_tokens.weight"}
    file = a_gguf(tmp_path, gguf.MODEL_ARCH.T5ENCODER, 2, str, kept)
    names = gguf.GGUFReader(file).tensors
    assert {T5.modern(each.name) for each in names} == kept.keys()


def a_gguf(
    folder: Path,
    arch: Any,
    layers: int,
    published: Callable[[str], str],
    tensors: Mapping[str, Tensor],
) -> Path:
    """Tensors of plain numbers, by the names that llama.cpp's own converter gives them."""
    path, names = folder / "encoder.gguf", gguf.get_tensor_name_map(arch, layers)
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[arch])
    for key, tensor in tensors.items():
        called = names.get_name(published(key), try_suffixes=(".weight", ".bias"))
        assert called is not None, key
        writer.add_tensor(called, tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_half_a_language_model_is_none(tmp_path: Path) -> None:
    whole = made(NETWORKS["qwen3"], small("qwen3"))
    kept = {k: v for k, v in whole.state_dict().items() if "layers.1.mlp" not in k}
    file = a_file(tmp_path, {comfyui(key): one for key, one in kept.items()})
    with pytest.raises(UnusableWeights):
        read(file, tmp_path, "qwen3")
