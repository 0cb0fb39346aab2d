"""The tensors of Qwen-Image 2.1's transformer: one stream of words and pictures.

Single files have the same names, but for a block's gate and what it opens, which lie in one tensor
(`img_mlp.gate_up`) in files of ComfyUI's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from generation.families import blueprint
from generation.families.blueprint import Config, Shapes, linear, whole

# What its class takes where a config says nothing.
USUAL: Mapping[str, object] = {
    "attention_head_dim": 128,
    "axes_dims_rope": (16, 56, 56),
    "causal_condition": True,
    "context_in_dim": 4096,
    "eps": 1e-6,
    "in_channels": 64,
    "mlp_ratio": 3,
    "num_attention_heads": 32,
    "num_layers": 32,
    "out_channels": 64,
    "patch_size": 1,
}
_TIME = 256  # the waves that a timestep becomes

GATED = re.compile(r"\.img_mlp\.(gate_layer|proj)\.weight$")
TOGETHER = ".img_mlp.gate_up.weight"  # the gate first
_BLOCK = re.compile(r"transformer_blocks\.(\d+)\.")


def tensors(config: Config) -> Shapes | None:
    """The tensors of a QwenImage21Transformer2DModel; None: its build is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (blueprint.Unwritten, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Shapes:
    head, patch = whole(config["attention_head_dim"]), whole(config["patch_size"], 16)
    width, words = head * whole(config["num_attention_heads"]), whole(config["context_in_dim"])
    read = whole(config["in_channels"])
    out: Shapes = {}
    linear(out, "time_text_embed.timestep_embedder.linear_1", width, _TIME, bias=False)
    linear(out, "time_text_embed.timestep_embedder.linear_2", width, width, bias=False)
    out["txt_in.text_norm.weight"] = (words,)
    linear(out, "txt_in.in_layer", width, words, bias=False)
    linear(out, "txt_in.out_layer", width, width, bias=False)
    linear(out, "img_in", width, read * patch**2, bias=False)
    linear(out, "modulation.1", 4 * width, width, bias=False)
    inner = width * whole(config["mlp_ratio"], 64)
    for number in range(whole(config["num_layers"], 4 * blueprint.MOST)):
        name = f"transformer_blocks.{number}"
        for what in ("to_q", "to_k", "to_v", "to_out.0"):
            linear(out, f"{name}.attn.{what}", width, width, bias=False)
        out[f"{name}.attn.norm_q.weight"] = out[f"{name}.attn.norm_k.weight"] = (head,)
        linear(out, f"{name}.img_mlp.proj", inner, width, bias=False)
        linear(out, f"{name}.img_mlp.out", width, inner, bias=False)
        linear(out, f"{name}.img_mlp.gate_layer", inner, width, bias=False)
    linear(out, "norm_out.linear", width, width, bias=False)
    linear(out, "proj_out", patch**2 * whole(config["out_channels"] or read), width, bias=False)
    return out


def told(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, object]:
    """What a file's tensors say of its transformer; nothing where they are not its."""
    blocks = {int(match[1]) for key in shapes if (match := _BLOCK.match(key))}
    first = "transformer_blocks.0"
    try:
        width, read = shapes["img_in.weight"]
        (head,) = shapes[f"{first}.attn.norm_q.weight"]
        return {
            "attention_head_dim": head,
            "context_in_dim": shapes["txt_in.text_norm.weight"][0],
            "in_channels": read,
            "mlp_ratio": shapes[f"{first}.img_mlp.out.weight"][1] // width,
            "num_attention_heads": width // head,
            "num_layers": len(blocks),
            "out_channels": shapes["proj_out.weight"][0],
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}
