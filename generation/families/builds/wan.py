"""The tensors of Wan's transformers, and what they say of their configs.

    blocks        attention to the film, to the words (and to a picture's look), and a layer
    vace_blocks   the same beside every few of them, which see a clip, a mask and references

Invariant: every tensor that the classes build from the same config, and no other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import prod

from generation.families import blueprint
from generation.families.architecture import Config
from generation.families.blueprint import Shapes, Unwritten, linear, whole

# What its class takes where a config says nothing.
USUAL: Config = {
    "added_kv_proj_dim": None,
    "attention_head_dim": 128,
    "cross_attn_norm": True,
    "eps": 1e-06,
    "ffn_dim": 13824,
    "freq_dim": 256,
    "image_dim": None,
    "in_channels": 16,
    "num_attention_heads": 40,
    "num_layers": 40,
    "out_channels": 16,
    "patch_size": (1, 2, 2),
    "pos_embed_seq_len": None,
    "qk_norm": "rms_norm_across_heads",
    "rope_max_seq_len": 1024,
    "text_dim": 4096,
}
VACE: Config = {
    **USUAL,
    "vace_in_channels": 96,
    "vace_layers": (0, 5, 10, 15, 20, 25, 30, 35),
}
HEAD = 128  # the width of an attention head in every checkpoint, which no tensor tells
_EMBEDDER = "condition_embedder"
_BLOCK = re.compile(r"blocks\.(\d+)\.")
_BESIDE = re.compile(r"vace_blocks\.(\d+)\.")


def tensors(config: Config) -> Shapes | None:
    """The tensors of a WanTransformer3DModel; None: its build is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def vace_tensors(config: Config) -> Shapes | None:
    """The tensors of a WanVACETransformer3DModel; None: its build is not written down."""
    said = {**VACE, **config}
    try:
        out = dict(_tensors(said))
        _vace(out, said)
    except (Unwritten, TypeError, ValueError):
        return None
    return out


def _tensors(config: Config) -> Shapes:
    width, patch = _width(config), _patch(config)
    out: Shapes = {"scale_shift_table": (1, 2, width)}
    _patches(out, "patch_embedding", width, whole(config["in_channels"]), patch)
    _embedder(out, width, config)
    for number in range(whole(config["num_layers"], blueprint.MOST)):
        _block(out, f"blocks.{number}", width, config)
    made = whole(config["out_channels"] or config["in_channels"])
    linear(out, "proj_out", made * prod(patch), width)
    return out


def _width(config: Config) -> int:
    return whole(config["num_attention_heads"]) * whole(config["attention_head_dim"])


def _patch(config: Config) -> tuple[int, ...]:
    size = config["patch_size"]
    if not isinstance(size, Sequence) or len(size) != 3:
        raise Unwritten
    return tuple(whole(each, 16) for each in size)


def _patches(out: Shapes, name: str, width: int, read: int, patch: tuple[int, ...]) -> None:
    out[f"{name}.weight"] = (width, read, *patch)
    out[f"{name}.bias"] = (width,)


def _embedder(out: Shapes, width: int, config: Config) -> None:
    """What is told of the time, of words, and of a picture's look."""
    linear(out, f"{_EMBEDDER}.time_embedder.linear_1", width, whole(config["freq_dim"]))
    linear(out, f"{_EMBEDDER}.time_embedder.linear_2", width, width)
    linear(out, f"{_EMBEDDER}.time_proj", 6 * width, width)
    linear(out, f"{_EMBEDDER}.text_embedder.linear_1", width, whole(config["text_dim"]))
    linear(out, f"{_EMBEDDER}.text_embedder.linear_2", width, width)
    if config["image_dim"] is None:
        return
    look, name = whole(config["image_dim"]), f"{_EMBEDDER}.image_embedder"
    _norm(out, f"{name}.norm1", look)
    linear(out, f"{name}.ff.net.0.proj", look, look)
    linear(out, f"{name}.ff.net.2", width, look)
    _norm(out, f"{name}.norm2", width)
    if config["pos_embed_seq_len"] is not None:
        out[f"{name}.pos_embed"] = (1, whole(config["pos_embed_seq_len"]), look)


def _norm(out: Shapes, name: str, width: int) -> None:
    out[f"{name}.weight"] = out[f"{name}.bias"] = (width,)


def _block(out: Shapes, name: str, width: int, config: Config) -> None:
    inner = whole(config["ffn_dim"])
    out[f"{name}.scale_shift_table"] = (1, 6, width)
    for attention in ("attn1", "attn2"):
        for what in ("to_q", "to_k", "to_v", "to_out.0"):
            linear(out, f"{name}.{attention}.{what}", width, width)
        for what in ("norm_q", "norm_k"):
            out[f"{name}.{attention}.{what}.weight"] = (width,)
    if config["added_kv_proj_dim"] is not None:
        look = whole(config["added_kv_proj_dim"])
        for what in ("add_k_proj", "add_v_proj"):
            linear(out, f"{name}.attn2.{what}", width, look)
        out[f"{name}.attn2.norm_added_k.weight"] = (width,)
    if config["cross_attn_norm"]:
        _norm(out, f"{name}.norm2", width)
    linear(out, f"{name}.ffn.net.0.proj", inner, width)
    linear(out, f"{name}.ffn.net.2", width, inner)


def _vace(out: Shapes, config: Config) -> None:
    layers = config["vace_layers"]
    if not isinstance(layers, Sequence) or 0 not in layers:
        raise Unwritten
    width = _width(config)
    _patches(
        out,
        "vace_patch_embedding",
        width,
        whole(config["vace_in_channels"]),
        _patch(config),
    )
    for number in range(len(layers)):
        name = f"vace_blocks.{number}"
        _block(out, name, width, config)
        linear(out, f"{name}.proj_out", width, width)
        if not number:
            linear(out, f"{name}.proj_in", width, width)


def told(shapes: Mapping[str, tuple[int, ...]]) -> Config:
    """What tensors of these names say of the transformer's config; nothing of others."""
    first, look = "blocks.0", f"{_EMBEDDER}.image_embedder"
    try:
        width, read, *patch = shapes["patch_embedding.weight"]
        found: dict[str, object] = {
            "ffn_dim": shapes[f"{first}.ffn.net.0.proj.weight"][0],
            "freq_dim": shapes[f"{_EMBEDDER}.time_embedder.linear_1.weight"][1],
            "in_channels": read,
            "num_layers": len({m[1] for key in shapes if (m := _BLOCK.match(key))}),
            "out_channels": shapes["proj_out.weight"][0] // prod(patch),
            "text_dim": shapes[f"{_EMBEDDER}.text_embedder.linear_1.weight"][1],
            "image_dim": shapes.get(f"{look}.norm1.weight", (None,))[0],
            "added_kv_proj_dim": shapes.get(f"{first}.attn2.add_k_proj.weight", (0, None))[1],
            "pos_embed_seq_len": shapes.get(f"{look}.pos_embed", (0, None))[1],
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}
    if width % HEAD == 0:
        found["num_attention_heads"] = width // HEAD
    return found | _told_of_vace(shapes, found)


def _told_of_vace(
    shapes: Mapping[str, tuple[int, ...]], found: Mapping[str, object]
) -> dict[str, object]:
    count = len({m[1] for key in shapes if (m := _BESIDE.match(key))})
    beside, layers = shapes.get("vace_patch_embedding.weight"), found["num_layers"]
    if beside is None or not count or not isinstance(layers, int):
        return {}
    # They stand at even distances in every checkpoint: 8 of 40, 15 of 30.
    return {
        "vace_in_channels": beside[1],
        "vace_layers": tuple(range(0, layers, max(1, layers // count)))[:count],
    }
