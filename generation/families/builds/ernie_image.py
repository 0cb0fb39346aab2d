"""The tensors of an ErnieImageTransformer2DModel, from its config, and the config from its tensors.

Invariant: every tensor that the class builds from the same config, and no other.
"""

from __future__ import annotations

import re

from generation.families import blueprint
from generation.families.architecture import Config, Shapes

Tensors = dict[str, tuple[int, ...]]

# What its class takes where a config says nothing.
USUAL: Config = {
    "eps": 1e-6,
    "ffn_hidden_size": 8192,
    "hidden_size": 3072,
    "in_channels": 128,
    "num_attention_heads": 24,
    "num_layers": 24,
    "out_channels": 128,
    "patch_size": 1,
    "qk_layernorm": True,
    "rope_axes_dim": [32, 48, 48],
    "rope_theta": 256,
    "text_in_dim": 2560,
}


def tensors(config: Config) -> Tensors | None:
    """All of them; None: a build that is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (blueprint.Unwritten, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Tensors:
    width, words = blueprint.whole(config["hidden_size"]), blueprint.whole(config["text_in_dim"])
    head, left = divmod(width, blueprint.whole(config["num_attention_heads"]))
    if left or config["patch_size"] != 1 or config["qk_layernorm"] is not True:
        raise blueprint.Unwritten
    out: Tensors = {"x_embedder.proj.bias": (width,)}
    out["x_embedder.proj.weight"] = (width, blueprint.whole(config["in_channels"]), 1, 1)
    if words != width:
        blueprint.linear(out, "text_proj", width, words, bias=False)
    for number in (1, 2):
        blueprint.linear(out, f"time_embedding.linear_{number}", width, width)
    blueprint.linear(out, "adaLN_modulation.1", 6 * width, width)
    inner = blueprint.whole(config["ffn_hidden_size"])
    for number in range(blueprint.whole(config["num_layers"], blueprint.MOST)):
        name = f"layers.{number}"
        for what in ("to_q", "to_k", "to_v", "to_out.0"):
            blueprint.linear(out, f"{name}.self_attention.{what}", width, width, bias=False)
        for what in ("norm_q", "norm_k"):
            out[f"{name}.self_attention.{what}.weight"] = (head,)
        for what in ("gate_proj", "up_proj"):
            blueprint.linear(out, f"{name}.mlp.{what}", inner, width, bias=False)
        blueprint.linear(out, f"{name}.mlp.linear_fc2", width, inner, bias=False)
        for what in ("adaLN_sa_ln", "adaLN_mlp_ln"):
            out[f"{name}.{what}.weight"] = (width,)
    blueprint.linear(out, "final_norm.linear", 2 * width, width)
    blueprint.linear(out, "final_linear", blueprint.whole(config["out_channels"]), width)
    return out


_LAYER = re.compile(r"layers\.(\d+)\.")


def told(shapes: Shapes) -> Config:
    """What tensors of these names say of the config; nothing where they are not such ones."""
    try:
        width, channels, _, _ = shapes["x_embedder.proj.weight"]
        return {
            "ffn_hidden_size": shapes["layers.0.mlp.gate_proj.weight"][0],
            "hidden_size": width,
            "in_channels": channels,
            "num_attention_heads": width // shapes["layers.0.self_attention.norm_q.weight"][0],
            "num_layers": len({match[1] for key in shapes if (match := _LAYER.match(key))}),
            "out_channels": shapes["final_linear.weight"][0],
            "text_in_dim": shapes.get("text_proj.weight", (width, width))[1],
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}
