"""The tensors of CLIP's vision encoder, alone.

Invariant: every tensor that the class builds from the same config, and no other.
"""

from __future__ import annotations

from generation.families import blueprint
from generation.families.architecture import Config
from generation.families.blueprint import Shapes, Unwritten, linear, whole


def tensors(config: Config) -> Shapes | None:
    """The tensors of a CLIPVisionModel; None: its build is not written down."""
    inner = config.get("vision_config")
    try:
        return _tensors(inner if isinstance(inner, dict) else config)
    except (Unwritten, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Shapes:
    width, inner = (
        whole(config.get("hidden_size", 768)),
        whole(config.get("intermediate_size", 3072)),
    )
    patch = whole(config.get("patch_size", 32), 256)
    places = (whole(config.get("image_size", 224)) // patch) ** 2 + 1
    out: Shapes = {
        "embeddings.class_embedding": (width,),
        "embeddings.patch_embedding.weight": (width, 3, patch, patch),
        "embeddings.position_embedding.weight": (places, width),
    }
    _norm(out, "pre_layrnorm", width)
    for layer in range(whole(config.get("num_hidden_layers", 12), blueprint.MOST)):
        name = f"encoder.layers.{layer}"
        for what in ("k_proj", "v_proj", "q_proj", "out_proj"):
            linear(out, f"{name}.self_attn.{what}", width, width)
        _norm(out, f"{name}.layer_norm1", width)
        linear(out, f"{name}.mlp.fc1", inner, width)
        linear(out, f"{name}.mlp.fc2", width, inner)
        _norm(out, f"{name}.layer_norm2", width)
    _norm(out, "post_layernorm", width)
    return out


def _norm(out: Shapes, name: str, width: int) -> None:
    out[f"{name}.weight"] = out[f"{name}.bias"] = (width,)
