"""The tensors of the VAE of Qwen-Image 2.1: Wan 2.2's, without time.

    diffusers' names            encoder.down_blocks.0.resnets.0.norm1.gamma ...
    the single files' names     encoder.downsamples.0.downsamples.0.residual.0.gamma ...

Its kernels have two sides; in single files they may have a third, of one frame.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from generation.families.blueprint import Config, Shapes, Unwritten, whole
from generation.families.builds.causal_vae import ENDS, RESNET

# What its class takes where a config says nothing.
USUAL: Mapping[str, object] = {
    "attn_scales": (),
    "base_dim": 96,
    "decoder_base_dim": 144,
    "dim_mult": (1, 2, 4, 8, 8),
    "dropout": 0.0,
    "in_channels": 4,
    "is_residual": True,
    "num_res_blocks": 2,
    "out_channels": 4,
    "patch_size": None,
    "scale_factor_spatial": 16,
    "scale_factor_temporal": 8,
    "temperal_downsample": (False, True, True, True),
    "z_dim": 64,
}


def tensors(config: Config) -> Shapes | None:
    """The tensors of an AutoencoderKLQwenImage21; None: its build is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (Unwritten, IndexError, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Shapes:
    times, over_time = config["dim_mult"], config["temperal_downsample"]
    if config["attn_scales"] or not config["is_residual"] or config["patch_size"] is not None:
        raise Unwritten
    if not isinstance(times, Sequence) or not isinstance(over_time, Sequence):
        raise Unwritten
    if not 0 < len(times) <= 8 or len(over_time) != len(times) - 1:
        raise Unwritten
    multiples = [whole(each, 64) for each in times]
    base = whole(config["base_dim"], 4096)
    wide = whole(config["decoder_base_dim"] or base, 4096)
    layers, latent = whole(config["num_res_blocks"], 16), whole(config["z_dim"], 1024)
    out: Shapes = {}
    _conv(out, "encoder.conv_in", base, whole(config["in_channels"], 16))
    last = _blocks(out, "encoder.down", [base, *(base * each for each in multiples)], layers)
    for level, _ in enumerate(over_time):
        width = base * multiples[level]
        _sampler(out, f"encoder.down_blocks.{level}.downsampler", width, over_time[level], 1)
    _ends(out, "encoder", last, last, 2 * latent)
    _conv(out, "quant_conv", 2 * latent, 2 * latent, 1)
    _conv(out, "post_quant_conv", latent, latent, 1)
    multiples = [multiples[-1], *multiples[::-1]]
    _conv(out, "decoder.conv_in", wide * multiples[0], latent)
    last = _blocks(out, "decoder.up", [wide * each for each in multiples], layers + 1)
    for level, timed in enumerate(over_time[::-1]):
        width = wide * multiples[level + 1]
        _sampler(out, f"decoder.up_blocks.{level}.upsampler", width, timed, 2)
    _ends(out, "decoder", wide * multiples[0], last, whole(config["out_channels"], 16))
    return out


def _blocks(out: Shapes, side: str, widths: list[int], layers: int) -> int:
    """The layers of each level; returns the last one's width."""
    for level, (before, width) in enumerate(pairwise(widths)):
        for layer in range(layers):
            read = before if layer == 0 else width
            _resnet(out, f"{side}_blocks.{level}.resnets.{layer}", read, width)
    return widths[-1]


def _sampler(out: Shapes, name: str, width: int, timed: object, frames: int) -> None:
    """What halves or doubles the sides behind a level, and perhaps the frames."""
    _conv(out, f"{name}.resample.1", width, width)
    if timed:
        _conv(out, f"{name}.time_conv", frames * width, width, 1)


def _ends(out: Shapes, side: str, middle: int, last: int, made: int) -> None:
    for number in (0, 1):
        _resnet(out, f"{side}.mid_block.resnets.{number}", middle, middle)
    name = f"{side}.mid_block.attentions.0"
    out[f"{name}.norm.gamma"] = (middle, 1, 1)
    _conv(out, f"{name}.to_qkv", 3 * middle, middle, 1)
    _conv(out, f"{name}.proj", middle, middle, 1)
    out[f"{side}.norm_out.gamma"] = (last, 1, 1, 1)
    _conv(out, f"{side}.conv_out", made, last)


def _resnet(out: Shapes, name: str, before: int, after: int) -> None:
    out[f"{name}.norm1.gamma"] = (before, 1, 1, 1)
    _conv(out, f"{name}.conv1", after, before)
    out[f"{name}.norm2.gamma"] = (after, 1, 1, 1)
    _conv(out, f"{name}.conv2", after, after)
    if before != after:
        _conv(out, f"{name}.conv_shortcut", after, before, 1)


def _conv(out: Shapes, name: str, rows: int, columns: int, side: int = 3) -> None:
    out[f"{name}.weight"] = (rows, columns, side, side)
    out[f"{name}.bias"] = (rows,)


_LAYER = re.compile(r"(down|up)_blocks\.(\d+)\.(?:resnets\.(\d+)|(?:down|up)sampler)")


def layout(shapes: Mapping[str, tuple[int, ...]], config: Config) -> Shapes:
    """The same tensors as single files name them."""
    layers = whole({**USUAL, **config}["num_res_blocks"], 16)
    return {_named(key, layers): shape for key, shape in shapes.items()}


def _named(key: str, layers: int) -> str:
    def place(match: re.Match[str]) -> str:
        way, level = match[1], match[2]
        last = layers if way == "down" else layers + 1
        return f"{way}samples.{level}.{way}samples.{match[3] or last}"

    inner, _, end = key.rpartition(".")
    side, dot, name = inner.partition(".")
    if not dot:
        return f"{ENDS[side]}.{end}"
    if name in ENDS:
        return f"{side}.{ENDS[name]}.{end}"
    name = _LAYER.sub(place, name)
    for ours, theirs in ENDS.items():
        name = re.sub(rf"^{re.escape(ours)}\.", f"{theirs}.", name)
    head, _, last_name = name.rpartition(".")
    return f"{side}.{head}.{RESNET.get(last_name, last_name)}.{end}"
