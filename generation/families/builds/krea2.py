"""The tensors of a Krea2Transformer2DModel, from its config, and the config from its tensors.

    text_fusion           layerwise_blocks look across the states of a token, refiner_blocks along
                          the tokens
    transformer_blocks    words and picture in one row

Invariant: every tensor that the class builds from the same config, and no other.
"""

from __future__ import annotations

import re

from generation.families import blueprint
from generation.families.architecture import Config, Shapes

Tensors = dict[str, tuple[int, ...]]

# What its class takes where a config says nothing.
USUAL: Config = {
    "attention_head_dim": 128,
    "axes_dims_rope": [32, 48, 48],
    "in_channels": 64,
    "intermediate_size": 16384,
    "norm_eps": 1e-5,
    "num_attention_heads": 48,
    "num_key_value_heads": 12,
    "num_layers": 28,
    "num_layerwise_text_blocks": 2,
    "num_refiner_text_blocks": 2,
    "num_text_layers": 12,
    "rope_theta": 1000.0,
    "text_hidden_dim": 2560,
    "text_intermediate_size": 6912,
    "text_num_attention_heads": 20,
    "text_num_key_value_heads": 20,
    "timestep_embed_dim": 256,
}
_MODULATIONS, _LAST_MODULATIONS = 6, 2


def tensors(config: Config) -> Tensors | None:
    """All of them; None: a build that is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (blueprint.Unwritten, TypeError, ValueError, ZeroDivisionError):
        return None


def _tensors(config: Config) -> Tensors:
    def said(name: str, most: int = 2**20) -> int:
        return blueprint.whole(config[name], most)

    head, words = said("attention_head_dim"), said("text_hidden_dim")
    width, pixels = head * said("num_attention_heads"), said("in_channels")
    out: Tensors = {}
    blueprint.linear(out, "img_in", width, pixels)
    blueprint.linear(out, "time_embed.linear_1", width, said("timestep_embed_dim"))
    blueprint.linear(out, "time_embed.linear_2", width, width)
    blueprint.linear(out, "time_mod_proj", _MODULATIONS * width, width)
    heads, shared = said("text_num_attention_heads"), said("text_num_key_value_heads")
    each = words // heads
    inner = said("text_intermediate_size")
    for name in ("layerwise", "refiner"):
        for number in range(said(f"num_{name}_text_blocks", blueprint.MOST)):
            _block(out, f"text_fusion.{name}_blocks.{number}", words, (each, shared, inner))
    blueprint.linear(out, "text_fusion.projector", 1, said("num_text_layers"), bias=False)
    out["txt_in.norm.weight"] = (words,)
    blueprint.linear(out, "txt_in.linear_1", width, words)
    blueprint.linear(out, "txt_in.linear_2", width, width)
    build = (head, said("num_key_value_heads"), said("intermediate_size"))
    for number in range(said("num_layers", blueprint.MOST)):
        name = f"transformer_blocks.{number}"
        _block(out, name, width, build)
        out[f"{name}.scale_shift_table"] = (_MODULATIONS, width)
    out["final_layer.scale_shift_table"] = (_LAST_MODULATIONS, width)
    out["final_layer.norm.weight"] = (width,)
    blueprint.linear(out, "final_layer.linear", pixels, width)
    return out


def _block(out: Tensors, name: str, width: int, build: tuple[int, int, int]) -> None:
    """`build`: how wide a head is, how many keys and values have, and the layer between."""
    head, shared, inner = build
    for what in ("norm1", "norm2"):
        out[f"{name}.{what}.weight"] = (width,)
    for what, rows in (("to_q", width), ("to_k", shared * head), ("to_v", shared * head)):
        blueprint.linear(out, f"{name}.attn.{what}", rows, width, bias=False)
    for what in ("to_gate", "to_out.0"):
        blueprint.linear(out, f"{name}.attn.{what}", width, width, bias=False)
    for what in ("norm_q", "norm_k"):
        out[f"{name}.attn.{what}.weight"] = (head,)
    for what, rows, columns in (("gate", inner, width), ("up", inner, width)):
        blueprint.linear(out, f"{name}.ff.{what}", rows, columns, bias=False)
    blueprint.linear(out, f"{name}.ff.down", width, inner, bias=False)


_NUMBERED = {
    "num_layers": re.compile(r"transformer_blocks\.(\d+)\."),
    "num_layerwise_text_blocks": re.compile(r"text_fusion\.layerwise_blocks\.(\d+)\."),
    "num_refiner_text_blocks": re.compile(r"text_fusion\.refiner_blocks\.(\d+)\."),
}


def told(shapes: Shapes) -> Config:
    """What tensors of these names say of the config; nothing where they are not such ones."""
    try:
        width, pixels = shapes["img_in.weight"]
        own = _heads(shapes, "transformer_blocks.0", width)
        words = shapes["txt_in.linear_1.weight"][1]
        theirs = _heads(shapes, "text_fusion.layerwise_blocks.0", words)
        return {
            **{name: _count(pattern, shapes) for name, pattern in _NUMBERED.items()},
            **own,
            "in_channels": pixels,
            "num_text_layers": shapes["text_fusion.projector.weight"][1],
            "text_hidden_dim": words,
            **{f"text_{key}": n for key, n in theirs.items() if key != "attention_head_dim"},
            "timestep_embed_dim": shapes["time_embed.linear_1.weight"][1],
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}


def _heads(shapes: Shapes, block: str, width: int) -> dict[str, int]:
    head = shapes[f"{block}.attn.norm_q.weight"][0]
    return {
        "attention_head_dim": head,
        "intermediate_size": shapes[f"{block}.ff.gate.weight"][0],
        "num_attention_heads": width // head,
        "num_key_value_heads": shapes[f"{block}.attn.to_k.weight"][0] // head,
    }


def _count(pattern: re.Pattern[str], shapes: Shapes) -> int:
    return len({match[1] for key in shapes if (match := pattern.match(key))})
