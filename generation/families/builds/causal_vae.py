"""The tensors of the VAE that Wan began and Qwen-Image kept: of films, and pictures are one frame.

    diffusers' names            encoder.down_blocks.0.norm1.gamma ...
    the single files' names     encoder.downsamples.0.residual.0.gamma ...

Both number the same layers in the same order; `layout` has the second for the first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from generation.families.blueprint import Config, Shapes, Unwritten, whole

# What its class takes where a config says nothing.
USUAL: Mapping[str, object] = {
    "attn_scales": (),
    "base_dim": 96,
    "dim_mult": (1, 2, 4, 4),
    "dropout": 0.0,
    "input_channels": 3,
    "num_res_blocks": 2,
    "temperal_downsample": (False, True, True),
    "z_dim": 16,
}


def tensors(config: Config) -> Shapes | None:
    """The tensors of an AutoencoderKLQwenImage; None: its build is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (Unwritten, IndexError, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Shapes:
    if config["attn_scales"]:
        raise Unwritten
    base, widths, over_time, layers = _levels(config)
    latent, colours = whole(config["z_dim"], 1024), whole(config["input_channels"], 16)
    out: Shapes = {}
    _conv(out, "encoder.conv_in", base, colours)
    _way_down(out, base, widths, over_time, layers)
    _middle(out, "encoder", widths[-1])
    _head(out, "encoder", 2 * latent, widths[-1])
    _conv(out, "quant_conv", 2 * latent, 2 * latent, (1, 1, 1))
    _conv(out, "post_quant_conv", latent, latent, (1, 1, 1))
    _conv(out, "decoder.conv_in", widths[-1], latent)
    _middle(out, "decoder", widths[-1])
    _way_up(out, widths[::-1], over_time[::-1], layers)
    _head(out, "decoder", colours, widths[0])
    return out


def _levels(config: Config) -> tuple[int, list[int], list[bool], int]:
    """The first width, those of levels, whether time is halved behind each, and layers of one."""
    times, over_time = config["dim_mult"], config["temperal_downsample"]
    if not isinstance(times, Sequence) or not isinstance(over_time, Sequence):
        raise Unwritten
    if not 0 < len(times) <= 8 or len(over_time) != len(times) - 1:
        raise Unwritten
    base = whole(config["base_dim"], 4096)
    widths = [base * whole(each, 64) for each in times]
    return base, widths, [bool(each) for each in over_time], whole(config["num_res_blocks"], 16)


def _way_down(
    out: Shapes, before: int, widths: list[int], over_time: list[bool], layers: int
) -> None:
    place = 0
    for level, width in enumerate(widths):
        for _ in range(layers):
            _resnet(out, f"encoder.down_blocks.{place}", before, width)
            before, place = width, place + 1
        if level < len(over_time):
            name = f"encoder.down_blocks.{place}"
            _flat(out, f"{name}.resample.1", width, width, 3)
            if over_time[level]:
                _conv(out, f"{name}.time_conv", width, width, (3, 1, 1))
            place += 1


def _way_up(out: Shapes, widths: list[int], over_time: list[bool], layers: int) -> None:
    before = widths[0]
    for level, width in enumerate(widths):
        name = f"decoder.up_blocks.{level}"
        for layer in range(layers + 1):
            _resnet(out, f"{name}.resnets.{layer}", before, width)
            before = width
        if level < len(over_time):
            _flat(out, f"{name}.upsamplers.0.resample.1", width // 2, width, 3)
            if over_time[level]:
                _conv(out, f"{name}.upsamplers.0.time_conv", 2 * width, width, (3, 1, 1))
            before = width // 2


def _middle(out: Shapes, side: str, width: int) -> None:
    for number in (0, 1):
        _resnet(out, f"{side}.mid_block.resnets.{number}", width, width)
    name = f"{side}.mid_block.attentions.0"
    out[f"{name}.norm.gamma"] = (width, 1, 1)
    _flat(out, f"{name}.to_qkv", 3 * width, width, 1)
    _flat(out, f"{name}.proj", width, width, 1)


def _head(out: Shapes, side: str, made: int, width: int) -> None:
    out[f"{side}.norm_out.gamma"] = (width, 1, 1, 1)
    _conv(out, f"{side}.conv_out", made, width)


def _resnet(out: Shapes, name: str, before: int, after: int) -> None:
    out[f"{name}.norm1.gamma"] = (before, 1, 1, 1)
    _conv(out, f"{name}.conv1", after, before)
    out[f"{name}.norm2.gamma"] = (after, 1, 1, 1)
    _conv(out, f"{name}.conv2", after, after)
    if before != after:
        _conv(out, f"{name}.conv_shortcut", after, before, (1, 1, 1))


def _conv(
    out: Shapes, name: str, rows: int, columns: int, sides: tuple[int, int, int] = (3, 3, 3)
) -> None:
    out[f"{name}.weight"] = (rows, columns, *sides)
    out[f"{name}.bias"] = (rows,)


def _flat(out: Shapes, name: str, rows: int, columns: int, side: int) -> None:
    out[f"{name}.weight"] = (rows, columns, side, side)
    out[f"{name}.bias"] = (rows,)


ENDS = {
    "quant_conv": "conv1",
    "post_quant_conv": "conv2",
    "conv_in": "conv1",
    "norm_out": "head.0",
    "conv_out": "head.2",
    "mid_block.resnets.0": "middle.0",
    "mid_block.attentions.0": "middle.1",
    "mid_block.resnets.1": "middle.2",
}
RESNET = {
    "norm1": "residual.0",
    "conv1": "residual.2",
    "norm2": "residual.3",
    "conv2": "residual.6",
    "conv_shortcut": "shortcut",
}
_DOWN = re.compile(r"down_blocks\.(\d+)")
_UP = re.compile(r"up_blocks\.(\d+)\.(resnets|upsamplers)\.(\d+)")


def layout(shapes: Mapping[str, tuple[int, ...]], config: Config) -> Shapes:
    """The same tensors as single files name them."""
    layers = whole({**USUAL, **config}["num_res_blocks"], 16)
    return {_named(key, layers): shape for key, shape in shapes.items()}


def _named(key: str, layers: int) -> str:
    inner, _, end = key.rpartition(".")
    side, dot, place = inner.partition(".")
    if not dot:
        return f"{ENDS[side]}.{end}"
    if place in ENDS:
        return f"{side}.{ENDS[place]}.{end}"
    place = _UP.sub(lambda match: _place(match, layers), _DOWN.sub(r"downsamples.\1", place))
    for ours, theirs in ENDS.items():
        place = re.sub(rf"^{re.escape(ours)}\.", f"{theirs}.", place)
    head, _, last = place.rpartition(".")
    return f"{side}.{head}.{RESNET.get(last, last)}.{end}"


def _place(match: re.Match[str], layers: int) -> str:
    """Each level has one layer more than on the way down, and what enlarges comes behind them."""
    level, kind, number = int(match[1]), match[2], int(match[3])
    return f"upsamples.{level * (layers + 2) + (number if kind == 'resnets' else layers + 1)}"
