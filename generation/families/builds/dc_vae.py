"""The tensors of an AutoencoderDC: Sana's VAE, whose latent pixels are of 32 by 32 pixels.

    diffusers' names            encoder.down_blocks.3.0.attn.to_q.weight ...
    the single files' names     encoder.stages.3.op_list.0.context_module.main.qkv.conv.weight ...

Invariant: every tensor that the class builds from the same config, and no other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from generation.families.architecture import Config, Lies, Shapes
from generation.families.blueprint import MOST, Unwritten, whole

Tensors = dict[str, tuple[int, ...]]

_WIDTHS, _SCALES = (128, 256, 512, 512, 1024, 1024), ((), (), (), (5,), (5,), (5,))
# What its class takes where a config says nothing.
USUAL: Config = {
    "attention_head_dim": 32,
    "decoder_act_fns": "silu",
    "decoder_block_out_channels": _WIDTHS,
    "decoder_block_types": "ResBlock",
    "decoder_conv_act_fn": "relu",
    "decoder_in_shortcut": True,
    "decoder_layers_per_block": (3, 3, 3, 3, 3, 3),
    "decoder_norm_types": "rms_norm",
    "decoder_qkv_multiscales": _SCALES,
    "downsample_block_type": "pixel_unshuffle",
    "encoder_block_out_channels": _WIDTHS,
    "encoder_block_types": "ResBlock",
    "encoder_layers_per_block": (2, 2, 2, 3, 3, 3),
    "encoder_out_shortcut": True,
    "encoder_qkv_multiscales": _SCALES,
    "in_channels": 3,
    "latent_channels": 32,
    "scaling_factor": 1.0,
    "upsample_block_type": "pixel_shuffle",
}
_EXPANDED = 4  # times the width, between the convolutions behind an attention


def tensors(config: Config) -> Tensors | None:
    """All of them; None: a build that is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (Unwritten, LookupError, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Tensors:
    if config["decoder_norm_types"] != "rms_norm":
        raise Unwritten
    out: Tensors = {}
    colours, latent = whole(config["in_channels"]), whole(config["latent_channels"])
    widths, layers = _levels(config, "encoder")
    _conv(out, "encoder.conv_in", widths[0], colours)
    shares = 4 if config["downsample_block_type"] == "pixel_unshuffle" else 1
    for level, (here, behind) in enumerate(pairwise(widths)):
        name = f"encoder.down_blocks.{level}.{layers[level]}.conv"
        _conv(out, name, behind // shares, here)
    _conv(out, "encoder.conv_out", latent, widths[-1])
    widths, layers = _levels(config, "decoder")
    _conv(out, "decoder.conv_in", widths[-1], latent)
    shares = 1 if config["upsample_block_type"] == "interpolate" else 4
    for level, (here, behind) in enumerate(pairwise(widths)):
        _conv(out, f"decoder.up_blocks.{level}.0.conv", here * shares, behind)
    _norm(out, "decoder.norm_out", widths[0])
    _conv(out, "decoder.conv_out", colours, widths[0])
    for side in ("encoder", "decoder"):
        _blocks(out, side, config)
    return out


def _levels(config: Config, side: str) -> tuple[list[int], list[int]]:
    """How wide each level is, and how many layers it has."""
    widths, layers = config[f"{side}_block_out_channels"], config[f"{side}_layers_per_block"]
    if not isinstance(widths, Sequence) or not isinstance(layers, Sequence):
        raise Unwritten
    if len(widths) != len(layers) or not 0 < len(widths) <= MOST:
        raise Unwritten
    return [whole(each) for each in widths], [whole(each, MOST) for each in layers]


def _blocks(out: Tensors, side: str, config: Config) -> None:
    widths, layers = _levels(config, side)
    kinds, scales = config[f"{side}_block_types"], config[f"{side}_qkv_multiscales"]
    kinds = [kinds] * len(widths) if isinstance(kinds, str) else kinds
    if not isinstance(kinds, Sequence) or not isinstance(scales, Sequence):
        raise Unwritten
    names = ("down" if side == "encoder" else "up") + "_blocks"
    for level, width in enumerate(widths):
        first = 1 if side == "decoder" and level < len(widths) - 1 else 0  # behind what enlarges
        for number in range(first, first + layers[level]):
            name = f"{side}.{names}.{level}.{number}"
            if kinds[level] == "ResBlock":
                _conv(out, f"{name}.conv1", width, width)
                out[f"{name}.conv2.weight"] = (width, width, 3, 3)
                _norm(out, f"{name}.norm", width)
            elif kinds[level] == "EfficientViTBlock":
                head = whole(config["attention_head_dim"])
                _attention(out, f"{name}.attn", width, head, scales[level])
                _between(out, f"{name}.conv_out", width)
            else:
                raise Unwritten


def _attention(out: Tensors, name: str, width: int, head: int, scales: Sequence[int]) -> None:
    inner = width // head * head
    for what in ("to_q", "to_k", "to_v"):
        out[f"{name}.{what}.weight"] = (inner, width)
    for number, side in enumerate(scales):
        kernel = whole(side, MOST)
        scale = f"{name}.to_qkv_multiscale.{number}"
        out[f"{scale}.proj_in.weight"] = (3 * inner, 1, kernel, kernel)
        out[f"{scale}.proj_out.weight"] = (3 * inner, head, 1, 1)
    out[f"{name}.to_out.weight"] = (width, inner * (1 + len(scales)))
    _norm(out, f"{name}.norm_out", width)


def _between(out: Tensors, name: str, width: int) -> None:
    inner = _EXPANDED * width
    _conv(out, f"{name}.conv_inverted", 2 * inner, width, 1)
    _conv(out, f"{name}.conv_depth", 2 * inner, 1)
    out[f"{name}.conv_point.weight"] = (width, inner, 1, 1)
    _norm(out, f"{name}.norm", width)


def _norm(out: Tensors, name: str, width: int) -> None:
    out[f"{name}.weight"] = out[f"{name}.bias"] = (width,)


def _conv(out: Tensors, name: str, rows: int, columns: int, side: int = 3) -> None:
    out[f"{name}.weight"] = (rows, columns, side, side)
    out[f"{name}.bias"] = (rows,)


# diffusers' names, and those of single files.
_ENDS = {
    "encoder.conv_in": "encoder.project_in.conv",
    "encoder.conv_out": "encoder.project_out.main.op_list.0.conv",
    "decoder.conv_in": "decoder.project_in.main.conv",
    "decoder.norm_out": "decoder.project_out.op_list.0",
    "decoder.conv_out": "decoder.project_out.op_list.2.conv",
}
_LAYERS = {
    "conv1": "main.conv1.conv",
    "conv2": "main.conv2.conv",
    "norm": "main.conv2.norm",
    "attn.to_out": "context_module.main.proj.conv",
    "attn.norm_out": "context_module.main.proj.norm",
    "conv_out.conv_inverted": "local_module.main.inverted_conv.conv",
    "conv_out.conv_depth": "local_module.main.depth_conv.conv",
    "conv_out.conv_point": "local_module.main.point_conv.conv",
    "conv_out.norm": "local_module.main.point_conv.norm",
}
_LAYER = re.compile(r"(encoder|decoder)\.(?:down|up)_blocks\.(\d+)\.(\d+)\.(.+)")
_SCALE = re.compile(r"attn\.to_qkv_multiscale\.(\d+)\.proj_(in|out)")
_KEPT_AS_CONVOLUTIONS = re.compile(r"\.attn\.to_(q|k|v|out)\.weight$")


def lies(shapes: Shapes, config: Config, prefix: str) -> Mapping[str, Sequence[Lies]]:
    """Where its tensors lie in a single file, with that prefix."""
    shuffled = {**USUAL, **config}["downsample_block_type"] == "pixel_unshuffle"
    halves = "main.conv.conv" if shuffled else "main.conv"
    return {key: (_place(key, halves, prefix),) for key in shapes}


def _place(key: str, halves: str, prefix: str) -> Lies:
    """`halves`: what a layer is called that halves the sides."""
    inner, _, end = key.rpartition(".")
    layer = _LAYER.fullmatch(inner)
    if layer is None:
        return Lies(key=f"{prefix}{_ENDS[inner]}.{end}")
    side, level, number, name = layer.groups()
    begin = f"{prefix}{side}.stages.{level}.op_list.{number}"
    if name in ("attn.to_q", "attn.to_k", "attn.to_v"):
        key = f"{begin}.context_module.main.qkv.conv.{end}"
        return Lies(key=key, nth="qkv".index(name[-1]), of=3)
    if (scale := _SCALE.fullmatch(name)) is not None:
        nth = 0 if scale[2] == "in" else 1
        return Lies(key=f"{begin}.context_module.main.aggreg.{scale[1]}.{nth}.{end}")
    if name == "conv":
        return Lies(key=f"{begin}.{halves if side == 'encoder' else 'main.conv.conv'}.{end}")
    return Lies(key=f"{begin}.{_LAYERS[name]}.{end}")


def layout(shapes: Shapes, config: Config, prefix: str) -> Shapes:
    """The tensors of such a file: layers are convolutions of a single pixel."""
    found: Tensors = {}
    for key, (place,) in lies(shapes, config, prefix).items():
        rows, *rest = shapes[key]
        alone = (1, 1) if _KEPT_AS_CONVOLUTIONS.search(key) else ()
        found[place.key] = (rows * place.of, *rest, *alone)
    return found
