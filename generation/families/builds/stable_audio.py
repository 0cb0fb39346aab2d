"""The tensors of Stable Audio's networks, from their configs, without building them.

Invariant: `generation.worker` builds from the same config a module with exactly these parameters
(`tests/test_blueprint.py` compares them).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from generation.families.blueprint import MOST, Config, Shapes, Unwritten, linear, whole

# diffusers' defaults, which a config need not say.
DIT: dict[str, object] = {
    "sample_size": 1024,
    "in_channels": 64,
    "num_layers": 24,
    "attention_head_dim": 64,
    "num_attention_heads": 24,
    "num_key_value_attention_heads": 12,
    "out_channels": 64,
    "cross_attention_dim": 768,
    "time_proj_dim": 256,
    "global_states_input_dim": 1536,
    "cross_attention_input_dim": 768,
}
PROJECTION: dict[str, object] = {
    "text_encoder_dim": None,
    "conditioning_dim": None,
    "min_value": None,
    "max_value": None,
}
OOBLECK: dict[str, object] = {
    "encoder_hidden_size": 128,
    "downsampling_ratios": [2, 4, 4, 8, 8],
    "channel_multiples": [1, 2, 4, 8, 16],
    "decoder_channels": 128,
    "decoder_input_channels": 64,
    "audio_channels": 2,
    "sampling_rate": 44100,
}
_NUMBERS = 256  # how wide a number of seconds is looked at
_DILATIONS = 3


def transformer(config: Config) -> Shapes | None:
    """The tensors of a StableAudioDiTModel."""
    try:
        return _transformer({**DIT, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def projection(config: Config) -> Shapes | None:
    """The tensors of a StableAudioProjectionModel."""
    try:
        words, width = whole(config["text_encoder_dim"]), whole(config["conditioning_dim"])
    except (Unwritten, KeyError, TypeError):
        return None
    out: Shapes = {}
    if words != width:
        linear(out, "text_projection", width, words)
    for end in ("start", "end"):
        name = f"{end}_number_conditioner.time_positional_embedding"
        out[f"{name}.0.weights"] = (_NUMBERS // 2,)
        linear(out, f"{name}.1", width, _NUMBERS + 1)
    return out


def oobleck(config: Config) -> Shapes | None:
    """The tensors of an AutoencoderOobleck."""
    try:
        return _oobleck({**OOBLECK, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def _transformer(config: Config) -> Shapes:
    head, heads = whole(config["attention_head_dim"]), whole(config["num_attention_heads"])
    kept = head * whole(config["num_key_value_attention_heads"])
    width, times = head * heads, whole(config["time_proj_dim"])
    into, out_of = whole(config["in_channels"]), whole(config["out_channels"])
    words = whole(config["cross_attention_dim"])
    out: Shapes = {"time_proj.weight": (times // 2,)}
    linear(out, "timestep_proj.0", width, times)
    linear(out, "timestep_proj.2", width, width)
    linear(out, "global_proj.0", width, whole(config["global_states_input_dim"]), bias=False)
    linear(out, "global_proj.2", width, width, bias=False)
    read = whole(config["cross_attention_input_dim"])
    linear(out, "cross_attention_proj.0", words, read, bias=False)
    linear(out, "cross_attention_proj.2", words, words, bias=False)
    out["preprocess_conv.weight"] = (into, into, 1)
    linear(out, "proj_in", width, into, bias=False)
    for number in range(whole(config["num_layers"], MOST)):
        block = f"transformer_blocks.{number}"
        for norm in ("norm1", "norm2", "norm3"):
            out[f"{block}.{norm}.weight"] = out[f"{block}.{norm}.bias"] = (width,)
        for name, rows, read in (("attn1", width, width), ("attn2", kept, words)):
            linear(out, f"{block}.{name}.to_q", width, width, bias=False)
            linear(out, f"{block}.{name}.to_k", rows, read, bias=False)
            linear(out, f"{block}.{name}.to_v", rows, read, bias=False)
            linear(out, f"{block}.{name}.to_out.0", width, width, bias=False)
        linear(out, f"{block}.ff.net.0.proj", 8 * width, width)
        linear(out, f"{block}.ff.net.2", width, 4 * width)
    linear(out, "proj_out", out_of, width, bias=False)
    out["postprocess_conv.weight"] = (out_of, out_of, 1)
    return out


def _oobleck(config: Config) -> Shapes:
    ratios = _wholes(config["downsampling_ratios"])
    multiples = [1, *_wholes(config["channel_multiples"])]
    if len(multiples) != len(ratios) + 1:
        raise Unwritten
    heard = whole(config["audio_channels"])
    out: Shapes = {}
    base = whole(config["encoder_hidden_size"])
    _conv(out, "encoder.conv1", base, heard, 7)
    for number, ratio in enumerate(ratios):
        width, after = base * multiples[number], base * multiples[number + 1]
        block = f"encoder.block.{number}"
        _units(out, block, width)
        _snake(out, f"{block}.snake1", width)
        _conv(out, f"{block}.conv1", after, width, 2 * ratio)
    _snake(out, "encoder.snake1", base * multiples[-1])
    _conv(out, "encoder.conv2", base, base * multiples[-1], 3)
    base = whole(config["decoder_channels"])
    _conv(out, "decoder.conv1", base * multiples[-1], whole(config["decoder_input_channels"]), 7)
    for number, ratio in enumerate(reversed(ratios)):
        width, after = (base * multiples[len(ratios) - number - k] for k in (0, 1))
        block = f"decoder.block.{number}"
        _snake(out, f"{block}.snake1", width)
        name = f"{block}.conv_t1"  # turned round: what comes in stands first
        out[f"{name}.weight_g"] = (width, 1, 1)
        out[f"{name}.weight_v"] = (width, after, 2 * ratio)
        out[f"{name}.bias"] = (after,)
        _units(out, block, after)
    _snake(out, "decoder.snake1", base)
    _conv(out, "decoder.conv2", heard, base, 7, bias=False)
    return out


def _wholes(value: object) -> list[int]:
    if not isinstance(value, Sequence) or not 0 < len(value) <= MOST:
        raise Unwritten
    found = [whole(number, 1024) for number in value]
    if math.prod(found) > 2**20:
        raise Unwritten
    return found


def _units(out: Shapes, block: str, width: int) -> None:
    for number in range(1, _DILATIONS + 1):
        unit = f"{block}.res_unit{number}"
        for nth, side in ((1, 7), (2, 1)):
            _snake(out, f"{unit}.snake{nth}", width)
            _conv(out, f"{unit}.conv{nth}", width, width, side)


def _snake(out: Shapes, name: str, width: int) -> None:
    out[f"{name}.alpha"] = out[f"{name}.beta"] = (1, width, 1)


def _conv(out: Shapes, name: str, rows: int, columns: int, side: int, *, bias: bool = True) -> None:
    """A convolution whose weight is a direction and how long it is."""
    out[f"{name}.weight_g"] = (rows, 1, 1)
    out[f"{name}.weight_v"] = (rows, columns, side)
    if bias:
        out[f"{name}.bias"] = (rows,)
