"""Tiny language models of the classes that families read prompts with, by their real configs."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.families.architecture import Network
from generation.families.text import language
from generation.worker.loading.building import class_of

NETWORKS = {
    "qwen3": language.QWEN3,
    "qwen2.5-vl": language.QWEN25_VL,
    "qwen3-vl": language.QWEN3_VL,
    "mistral-small-3": language.MISTRAL,
    "ministral-3-3b": language.MINISTRAL3,
    "gemma2": language.GEMMA2,
    "gemma3-12b": language.GEMMA3,
    "llama3.1": language.LLAMA,
}
LANGUAGE_MODELS = tuple(NETWORKS.values())

HEAD = 16  # a quarter of it and more is a section of a picture's positions
_SMALL = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "num_key_value_heads": 2,
    "vocab_size": 320,
    "max_position_embeddings": 2048,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_SMALL_TOWER = {
    "depth": 2,
    "hidden_size": 32,
    "intermediate_size": 24,
    "num_heads": 2,
    "fullatt_block_indexes": [1],
}


def small(name: str, **others: object) -> dict[str, Any]:
    """The real config of that name with few and narrow layers."""
    config: dict[str, Any] = config_of(CONFIGS / "text" / name)
    inner = config.get("text_config", config)
    inner |= {**_SMALL, "head_dim": HEAD}
    if name == "qwen2.5-vl":  # its heads divide its width between them
        inner |= {"hidden_size": 4 * HEAD}
    inner |= others
    if "rope_scaling" in inner and "mrope_section" in inner["rope_scaling"]:
        inner["rope_scaling"] = {**inner["rope_scaling"], "mrope_section": [2, 3, 3]}
    if "vision_config" in config:
        kept = set(config["vision_config"]) | {"fullatt_block_indexes"}
        small_ones = {k: v for k, v in _SMALL_TOWER.items() if k in kept}
        config["vision_config"] |= {**small_ones, "out_hidden_size": inner["hidden_size"]}
        if "deepstack_visual_indexes" in config["vision_config"]:
            config["vision_config"] |= {"deepstack_visual_indexes": [0, 1]}
            config["vision_config"] |= {"num_position_embeddings": 64}
            config["vision_config"].pop("fullatt_block_indexes")
    return config


def made(network: Network, config: dict[str, Any], seed: int = 0) -> Any:
    """A model of random numbers, as its own library makes it."""
    import torch

    kind = class_of(network.module, network.name)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return kind(kind.config_class.from_dict(config)).eval()


def saved(module: Any, folder: Path) -> Path:
    """Write it as its library does."""
    module.save_pretrained(folder)
    return folder


def _size(number: int) -> bytes:
    low = bytes([number & 127 | (128 if number > 127 else 0)])
    return low if number < 128 else low + _size(number >> 7)


def as_pieces(pieces: list[tuple[str, float, int]]) -> bytes:
    """Pieces as sentencepiece writes them, with a field of another kind behind each."""
    found = b""
    for text, score, kind in pieces:
        letters = text.encode()
        inner = b"\x0a" + _size(len(letters)) + letters
        inner += b"\x15" + struct.pack("<f", score) + b"\x18" + _size(kind)
        found += b"\x0a" + _size(len(inner)) + inner
    return found + b"\x12\x03abc" + b"\x19" + bytes(8)
