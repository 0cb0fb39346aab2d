"""The tensors of SigLIP's tower, which sees pictures, by its config.

Invariant: every tensor that its class builds from the same config, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping

from generation.families import blueprint
from generation.families.blueprint import Config, Shapes, Unwritten, linear, norm, whole

# What its class takes where a config says nothing.
_USUAL: Mapping[str, object] = {
    "hidden_size": 768,
    "image_size": 224,
    "intermediate_size": 3072,
    "num_channels": 3,
    "num_hidden_layers": 12,
    "patch_size": 16,
    "vision_use_head": True,
}


def tensors(config: Config) -> Shapes | None:
    """The tensors of a SiglipVisionModel; None: its build is not written down."""
    try:
        return _tensors({**_USUAL, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Shapes:
    out: Shapes = {}
    width, inner = whole(config["hidden_size"]), whole(config["intermediate_size"])
    patch = whole(config["patch_size"], 256)
    places = (whole(config["image_size"]) // patch) ** 2
    out["embeddings.patch_embedding.weight"] = (width, whole(config["num_channels"]), patch, patch)
    out["embeddings.patch_embedding.bias"] = (width,)
    out["embeddings.position_embedding.weight"] = (places, width)
    for layer in range(whole(config["num_hidden_layers"], blueprint.MOST)):
        name = f"encoder.layers.{layer}"
        for number in (1, 2):
            norm(out, f"{name}.layer_norm{number}", width)
        for what in ("q_proj", "k_proj", "v_proj", "out_proj"):
            linear(out, f"{name}.self_attn.{what}", width, width)
        _layer(out, f"{name}.mlp", width, inner)
    norm(out, "post_layernorm", width)
    if config["vision_use_head"]:
        out["head.probe"] = (1, 1, width)
        out["head.attention.in_proj_weight"] = (3 * width, width)
        out["head.attention.in_proj_bias"] = (3 * width,)
        linear(out, "head.attention.out_proj", width, width)
        norm(out, "head.layernorm", width)
        _layer(out, "head.mlp", width, inner)
    return out


def _layer(out: Shapes, name: str, width: int, inner: int) -> None:
    linear(out, f"{name}.fc1", inner, width)
    linear(out, f"{name}.fc2", width, inner)
