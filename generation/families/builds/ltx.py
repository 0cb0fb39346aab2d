"""The tensors of LTX-Video's transformer, and what they say of its config.

    transformer_blocks   attention to the film, to the words, and a layer
    caption_projection   what makes T5's states as wide as the film's tokens

Invariant: every tensor that the class builds from the same config, and no other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from generation.families import blueprint
from generation.families.architecture import Config
from generation.families.blueprint import Shapes, Unwritten, linear, whole

# What its class takes where a config says nothing.
USUAL: Config = {
    "activation_fn": "gelu-approximate",
    "attention_bias": True,
    "attention_head_dim": 64,
    "attention_out_bias": True,
    "caption_channels": 4096,
    "cross_attention_dim": 2048,
    "in_channels": 128,
    "norm_elementwise_affine": False,
    "norm_eps": 1e-6,
    "num_attention_heads": 32,
    "num_layers": 28,
    "out_channels": 128,
    "patch_size": 1,
    "patch_size_t": 1,
    "qk_norm": "rms_norm_across_heads",
}
HEADS = 32  # in every checkpoint, which no tensor tells
TIMES = 256  # frequencies by which a network is told a time
_BLOCK = re.compile(r"transformer_blocks\.(\d+)\.")


def tensors(config: Config) -> Shapes | None:
    """The tensors of an LTXVideoTransformer3DModel; None: its build is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Shapes:
    width = whole(config["num_attention_heads"]) * whole(config["attention_head_dim"])
    read = whole(config["in_channels"])
    out: Shapes = {"scale_shift_table": (2, width)}
    linear(out, "proj_in", width, read)
    linear(out, "time_embed.emb.timestep_embedder.linear_1", width, TIMES)
    linear(out, "time_embed.emb.timestep_embedder.linear_2", width, width)
    linear(out, "time_embed.linear", 6 * width, width)
    linear(out, "caption_projection.linear_1", width, whole(config["caption_channels"]))
    linear(out, "caption_projection.linear_2", width, width)
    for number in range(whole(config["num_layers"], blueprint.MOST)):
        name = f"transformer_blocks.{number}"
        out[f"{name}.scale_shift_table"] = (6, width)
        _attention(out, f"{name}.attn1", width, width)
        _attention(out, f"{name}.attn2", width, whole(config["cross_attention_dim"]))
        linear(out, f"{name}.ff.net.0.proj", 4 * width, width)
        linear(out, f"{name}.ff.net.2", width, 4 * width)
    linear(out, "proj_out", whole(config["out_channels"] or read), width)
    return out


def _attention(out: Shapes, name: str, width: int, read: int) -> None:
    for what, columns in (("to_q", width), ("to_k", read), ("to_v", read), ("to_out.0", width)):
        linear(out, f"{name}.{what}", width, columns)
    for what in ("norm_q", "norm_k"):
        out[f"{name}.{what}.weight"] = (width,)


def told(shapes: Mapping[str, tuple[int, ...]]) -> Config:
    """What tensors of these names say of the transformer's config; nothing of others."""
    try:
        width, read = shapes["proj_in.weight"]
        return {
            "attention_head_dim": width // HEADS,
            "caption_channels": shapes["caption_projection.linear_1.weight"][1],
            "cross_attention_dim": shapes["transformer_blocks.0.attn2.to_k.weight"][1],
            "in_channels": read,
            "num_attention_heads": HEADS,
            "num_layers": len({m[1] for key in shapes if (m := _BLOCK.match(key))}),
            "out_channels": shapes["proj_out.weight"][0],
        }
    except (LookupError, ValueError):
        return {}
