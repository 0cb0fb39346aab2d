"""The tensors of a SanaTransformer2DModel, and its config by them.

    attn1    among a picture's tokens, linear; 1.5 and Sprint norm its queries and keys
    attn2    from them to the words
    ff       convolutions: where a token stands is known by its neighbours alone, but in 2K and 4K

Invariant: every tensor that the class builds from the same config, and no other.
"""

from __future__ import annotations

import re

from generation.families import blueprint
from generation.families.architecture import Config, Shapes

Tensors = dict[str, tuple[int, ...]]

# What its class takes where a config says nothing.
USUAL: Config = {
    "attention_bias": False,
    "attention_head_dim": 32,
    "caption_channels": 2304,
    "cross_attention_dim": 2240,
    "cross_attention_head_dim": 112,
    "dropout": 0.0,
    "guidance_embeds": False,
    "guidance_embeds_scale": 0.1,
    "in_channels": 32,
    "interpolation_scale": None,
    "mlp_ratio": 2.5,
    "norm_elementwise_affine": False,
    "norm_eps": 1e-6,
    "num_attention_heads": 70,
    "num_cross_attention_heads": 20,
    "num_layers": 20,
    "out_channels": 32,
    "patch_size": 1,
    "qk_norm": None,
    "sample_size": 32,
    "timestep_scale": 1.0,
}
NORMED = "rms_norm_across_heads"
_TIME = 256  # the waves that a timestep becomes
_HEAD = 32  # of all that is published
_CROSS_HEADS = {1152: 16, 2240: 20}  # by the width: of 0.6B, and of 1.6B and 4.8B
# How far places are drawn apart, by the side for which a model was made; others have no places.
_PLACES = {64: 1.0, 128: 2.0}


def tensors(config: Config) -> Tensors | None:
    """All of them; None: a build that is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (blueprint.Unwritten, LookupError, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Tensors:
    head, patch = blueprint.whole(config["attention_head_dim"]), config["patch_size"]
    width, channels = (
        head * blueprint.whole(config["num_attention_heads"]),
        blueprint.whole(config["in_channels"]),
    )
    if patch != 1 or config["attention_bias"] or config["norm_elementwise_affine"]:
        raise blueprint.Unwritten
    out: Tensors = {}
    _conv(out, "patch_embed.proj", width, channels)
    _times(out, width, guided=bool(config["guidance_embeds"]))
    read = blueprint.whole(config["caption_channels"])
    blueprint.linear(out, "caption_projection.linear_1", width, read)
    blueprint.linear(out, "caption_projection.linear_2", width, width)
    out["caption_norm.weight"] = (width,)
    for number in range(blueprint.whole(config["num_layers"], blueprint.MOST)):
        _block(out, f"transformer_blocks.{number}", width, config)
    out["scale_shift_table"] = (2, width)
    blueprint.linear(out, "proj_out", blueprint.whole(config["out_channels"] or channels), width)
    return out


def _times(out: Tensors, width: int, *, guided: bool) -> None:
    embedders = ("timestep_embedder", "guidance_embedder") if guided else ("emb.timestep_embedder",)
    for name in embedders:
        blueprint.linear(out, f"time_embed.{name}.linear_1", width, _TIME)
        blueprint.linear(out, f"time_embed.{name}.linear_2", width, width)
    blueprint.linear(out, "time_embed.linear", 6 * width, width)


def _block(out: Tensors, name: str, width: int, config: Config) -> None:
    crossed = blueprint.whole(config["num_cross_attention_heads"])
    crossed *= blueprint.whole(config["cross_attention_head_dim"])
    words = blueprint.whole(config["cross_attention_dim"])
    if config["qk_norm"] not in (None, NORMED) or words != width:
        raise blueprint.Unwritten
    for what, inner, biased in (("attn1", width, False), ("attn2", crossed, True)):
        for each in ("to_q", "to_k", "to_v"):
            blueprint.linear(out, f"{name}.{what}.{each}", inner, width, bias=biased)
        blueprint.linear(out, f"{name}.{what}.to_out.0", width, inner)
        if config["qk_norm"] is not None:
            for each in ("norm_q", "norm_k"):
                out[f"{name}.{what}.{each}.weight"] = (inner,)
    ratio = config["mlp_ratio"]
    if not isinstance(ratio, int | float) or not 0 < ratio < blueprint.MOST:
        raise blueprint.Unwritten
    inner = int(ratio * width)
    _conv(out, f"{name}.ff.conv_inverted", 2 * inner, width)
    _conv(out, f"{name}.ff.conv_depth", 2 * inner, 1, 3)
    out[f"{name}.ff.conv_point.weight"] = (width, inner, 1, 1)
    out[f"{name}.scale_shift_table"] = (6, width)


def _conv(out: Tensors, name: str, rows: int, columns: int, side: int = 1) -> None:
    out[f"{name}.weight"] = (rows, columns, side, side)
    out[f"{name}.bias"] = (rows,)


_BLOCK = re.compile(r"blocks\.(\d+)\.")


def told(shapes: Shapes) -> Config:
    """What tensors of a single file's names say of the config; nothing where they are no such."""
    try:
        width, channels, _, _ = shapes["x_embedder.proj.weight"]
        found = {
            "caption_channels": shapes["y_embedder.y_proj.fc1.weight"][1],
            "cross_attention_dim": width,
            "guidance_embeds": "cfg_embedder.mlp.0.weight" in shapes,
            "in_channels": channels,
            "mlp_ratio": shapes["blocks.0.mlp.point_conv.conv.weight"][1] / width,
            "num_attention_heads": width // _HEAD,
            "num_layers": len({match[1] for key in shapes if (match := _BLOCK.match(key))}),
            "out_channels": shapes["final_layer.linear.weight"][0],
            "qk_norm": NORMED if "blocks.0.attn.q_norm.weight" in shapes else None,
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}
    if (heads := _CROSS_HEADS.get(width)) is not None:
        found |= {"num_cross_attention_heads": heads, "cross_attention_head_dim": width // heads}
    if (side := side_of(shapes)) is not None:
        found |= {"sample_size": side, "interpolation_scale": _PLACES.get(side)}
    return found


def side_of(shapes: Shapes) -> int | None:
    """For how many latent pixels of a side the model was made; None: the file does not say it."""
    places = shapes.get("pos_embed", ())
    return round(places[1] ** 0.5) if len(places) == len(("one", "place", "width")) else None
