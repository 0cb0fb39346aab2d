"""The tensors of Anima's transformer, which is Cosmos-Predict2's, and of what reads words for it.

    transformer       blocks of attention to the picture, attention to the words, and a layer
    text conditioner  T5's tokens, which attend to each other and to what a language model says

Invariant: every tensor that the classes build from the same config, and no other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from generation.families import blueprint
from generation.families.architecture import Config
from generation.families.blueprint import Shapes, Unwritten, linear, whole

# What their classes take where a config says nothing.
TRANSFORMER: Config = {
    "adaln_lora_dim": 256,
    "attention_head_dim": 128,
    "concat_padding_mask": True,
    "controlnet_block_every_n": None,
    "crossattn_proj_in_channels": 1024,
    "encoder_hidden_states_channels": 1024,
    "extra_pos_embed_type": "learnable",
    "img_context_dim_in": None,
    "img_context_dim_out": 2048,
    "img_context_num_tokens": 256,
    "in_channels": 16,
    "max_size": (128, 240, 240),
    "mlp_ratio": 4.0,
    "num_attention_heads": 32,
    "num_layers": 28,
    "out_channels": 16,
    "patch_size": (1, 2, 2),
    "rope_scale": (2.0, 1.0, 1.0),
    "text_embed_dim": 1024,
    "use_crossattn_projection": False,
}
CONDITIONER: Config = {
    "min_sequence_length": 512,
    "mlp_ratio": 4.0,
    "model_dim": 1024,
    "num_attention_heads": 16,
    "num_layers": 6,
    "source_dim": 1024,
    "target_dim": 1024,
    "target_vocab_size": 32128,
    "use_layer_norm": False,
    "use_self_attention": True,
}
_PIXELS = 4  # latent pixels of a token
_BLOCK = re.compile(r"transformer_blocks\.(\d+)\.")
_LAYER = re.compile(r"blocks\.(\d+)\.")


def transformer(config: Config) -> Shapes | None:
    """The tensors of a CosmosTransformer3DModel; None: its build is not written down."""
    try:
        return _transformer({**TRANSFORMER, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def conditioner(config: Config) -> Shapes | None:
    """The tensors of an AnimaTextConditioner; None: its build is not written down."""
    try:
        return _conditioner({**CONDITIONER, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def _transformer(config: Config) -> Shapes:
    if config["extra_pos_embed_type"] or config["use_crossattn_projection"]:
        raise Unwritten
    if config["img_context_dim_in"] or config["controlnet_block_every_n"]:
        raise Unwritten
    size = config["patch_size"]
    if not isinstance(size, Sequence) or tuple(size) != (1, 2, 2):
        raise Unwritten
    head = whole(config["attention_head_dim"])
    width = head * whole(config["num_attention_heads"])
    told, words = whole(config["adaln_lora_dim"]), whole(config["text_embed_dim"])
    read = whole(config["in_channels"]) + bool(config["concat_padding_mask"])
    out: Shapes = {}
    linear(out, "patch_embed.proj", width, read * _PIXELS, bias=False)
    linear(out, "time_embed.t_embedder.linear_1", width, width, bias=False)
    linear(out, "time_embed.t_embedder.linear_2", 3 * width, width, bias=False)
    out["time_embed.norm.weight"] = (width,)
    inner = _wider(width, config["mlp_ratio"])
    for number in range(whole(config["num_layers"], blueprint.MOST)):
        name = f"transformer_blocks.{number}"
        for attention, context in (("1", width), ("2", words)):
            _told(out, f"{name}.norm{attention}", width, told, 3)
            _attention(out, f"{name}.attn{attention}", (width, context, head))
        _told(out, f"{name}.norm3", width, told, 3)
        linear(out, f"{name}.ff.net.0.proj", inner, width, bias=False)
        linear(out, f"{name}.ff.net.2", width, inner, bias=False)
    _told(out, "norm_out", width, told, 2)
    linear(out, "proj_out", whole(config["out_channels"]) * _PIXELS, width, bias=False)
    return out


def _wider(width: int, ratio: object) -> int:
    if not isinstance(ratio, int | float):
        raise Unwritten
    return int(width * ratio)


def _told(out: Shapes, name: str, width: int, told: int, makes: int) -> None:
    """What a norm makes of the time: shift, scale and a gate."""
    linear(out, f"{name}.linear_1", told, width, bias=False)
    linear(out, f"{name}.linear_2", makes * width, told, bias=False)


def _attention(out: Shapes, name: str, widths: tuple[int, int, int]) -> None:
    """`widths`: of what attends, of what is attended to, and of a head."""
    width, context, head = widths
    for what, columns in (("to_q", width), ("to_k", context), ("to_v", context)):
        linear(out, f"{name}.{what}", width, columns, bias=False)
    linear(out, f"{name}.to_out.0", width, width, bias=False)
    out[f"{name}.norm_q.weight"] = out[f"{name}.norm_k.weight"] = (head,)


def _conditioner(config: Config) -> Shapes:
    if config["use_layer_norm"] or not config["use_self_attention"]:
        raise Unwritten
    width, made = whole(config["model_dim"]), whole(config["target_dim"])
    read, heads = whole(config["source_dim"]), whole(config["num_attention_heads"])
    if width % heads:
        raise Unwritten
    inner = _wider(width, config["mlp_ratio"])
    out: Shapes = {"embed.weight": (whole(config["target_vocab_size"]), made)}
    if width != made:
        linear(out, "in_proj", width, made)
    for number in range(whole(config["num_layers"], blueprint.MOST)):
        name = f"blocks.{number}"
        for what in ("norm_self_attn", "norm_cross_attn", "norm_mlp"):
            out[f"{name}.{what}.weight"] = (width,)
        for attention, context in (("self_attn", width), ("cross_attn", read)):
            for what, columns in (("q", width), ("k", context), ("v", context), ("o", width)):
                linear(out, f"{name}.{attention}.{what}_proj", width, columns, bias=False)
            for what in "qk":
                out[f"{name}.{attention}.{what}_norm.weight"] = (width // heads,)
        linear(out, f"{name}.mlp.0", inner, width)
        linear(out, f"{name}.mlp.2", width, inner)
    linear(out, "out_proj", made, width)
    out["norm.weight"] = (made,)
    return out


def transformer_told(shapes: Mapping[str, tuple[int, ...]]) -> Config:
    """What tensors of these names say of the transformer's config; nothing of others."""
    first = "transformer_blocks.0"
    try:
        width, read = shapes["patch_embed.proj.weight"]
        (head,) = shapes[f"{first}.attn1.norm_q.weight"]
        return {
            "adaln_lora_dim": shapes[f"{first}.norm1.linear_1.weight"][0],
            "attention_head_dim": head,
            "in_channels": read // _PIXELS - 1,
            "mlp_ratio": shapes[f"{first}.ff.net.0.proj.weight"][0] / width,
            "num_attention_heads": width // head,
            "num_layers": len({m[1] for key in shapes if (m := _BLOCK.match(key))}),
            "out_channels": shapes["proj_out.weight"][0] // _PIXELS,
            "text_embed_dim": shapes[f"{first}.attn2.to_k.weight"][1],
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}


def conditioner_told(shapes: Mapping[str, tuple[int, ...]]) -> Config:
    """What tensors of these names say of the text conditioner's config; nothing of others."""
    try:
        vocabulary, made = shapes["embed.weight"]
        width, read = shapes["blocks.0.cross_attn.k_proj.weight"]
        (head,) = shapes["blocks.0.self_attn.q_norm.weight"]
        return {
            "mlp_ratio": shapes["blocks.0.mlp.0.weight"][0] / width,
            "model_dim": width,
            "num_attention_heads": width // head,
            "num_layers": len({m[1] for key in shapes if (m := _LAYER.match(key))}),
            "source_dim": read,
            "target_dim": made,
            "target_vocab_size": vocabulary,
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}
