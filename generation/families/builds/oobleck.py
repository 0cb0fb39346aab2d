"""The tensors of an AutoencoderOobleck: a sound's samples to latents and back.

    encoder    conv1 -> block.0 ... each fewer samples, of more channels -> conv2: mean and spread
    decoder    conv1 -> block.0 ... the other way -> conv2

Each convolution's weight is a direction (`weight_v`) and a length (`weight_g`).  Invariant: every
tensor that the class builds from the same config, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping

from generation.families import blueprint
from generation.families.architecture import Config
from generation.families.blueprint import whole

Tensors = dict[str, tuple[int, ...]]

# What its class takes where a config says nothing.
USUAL: Config = {
    "audio_channels": 2,
    "channel_multiples": [1, 2, 4, 8, 16],
    "decoder_channels": 128,
    "decoder_input_channels": 64,
    "downsampling_ratios": [2, 4, 4, 8, 8],
    "encoder_hidden_size": 128,
    "sampling_rate": 44100,
}


def tensors(config: Config) -> Tensors | None:
    """All of them; None: a build that is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (blueprint.Unwritten, IndexError, TypeError, ValueError):
        return None


def hop(config: Config) -> int:
    """Samples of a latent frame."""
    found = 1
    for ratio in _wholes({**USUAL, **config}["downsampling_ratios"]):
        found *= ratio
    return found


def told(shapes: Mapping[str, tuple[int, ...]]) -> Config:
    """What a file's tensors say of its config; nothing where they are not its."""
    try:
        coded, heard, _ = shapes["encoder.conv1.weight_v"]
        made = shapes["decoder.conv2.weight_v"][1]
        ends = [shapes[f"encoder.block.{n}.conv1.weight_v"] for n in range(_blocks(shapes))]
        return {
            "audio_channels": heard,
            "channel_multiples": tuple(rows // coded for rows, _, _ in ends),
            "decoder_channels": made,
            "decoder_input_channels": shapes["decoder.conv1.weight_v"][1],
            "downsampling_ratios": tuple(side // 2 for _, _, side in ends),
            "encoder_hidden_size": coded,
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}


def _blocks(shapes: Mapping[str, tuple[int, ...]]) -> int:
    return len({key.split(".")[2] for key in shapes if key.startswith("encoder.block.")})


def _wholes(value: object) -> list[int]:
    if not isinstance(value, list | tuple) or not 0 < len(value) <= blueprint.MOST:
        raise blueprint.Unwritten
    return [whole(number, 4096) for number in value]


def _tensors(config: Config) -> Tensors:
    ratios, many = (_wholes(config[k]) for k in ("downsampling_ratios", "channel_multiples"))
    if len(ratios) != len(many):
        raise blueprint.Unwritten
    out: Tensors = {}
    coded, heard = whole(config["encoder_hidden_size"]), whole(config["audio_channels"], 64)
    widths = [coded, *(coded * one for one in many)]
    _conv(out, "encoder.conv1", coded, heard, 7)
    for number, ratio in enumerate(ratios):
        name = f"encoder.block.{number}"
        _units(out, name, widths[number])
        _snake(out, f"{name}.snake1", widths[number])
        _conv(out, f"{name}.conv1", widths[number + 1], widths[number], 2 * ratio)
    _snake(out, "encoder.snake1", widths[-1])
    _conv(out, "encoder.conv2", coded, widths[-1], 3)
    made = whole(config["decoder_channels"])
    widths = [made, *(made * one for one in many)]
    _conv(out, "decoder.conv1", widths[-1], whole(config["decoder_input_channels"]), 7)
    for number, ratio in enumerate(reversed(ratios)):
        name, before, after = f"decoder.block.{number}", widths[-1 - number], widths[-2 - number]
        _snake(out, f"{name}.snake1", before)
        _conv(out, f"{name}.conv_t1", after, before, 2 * ratio, transposed=True)
        _units(out, name, after)
    _snake(out, "decoder.snake1", made)
    _conv(out, "decoder.conv2", heard, made, 7, bias=False)
    return out


def _units(out: Tensors, name: str, width: int) -> None:
    for number in (1, 2, 3):
        unit = f"{name}.res_unit{number}"
        for part, side in ((1, 7), (2, 1)):
            _snake(out, f"{unit}.snake{part}", width)
            _conv(out, f"{unit}.conv{part}", width, width, side)


def _snake(out: Tensors, name: str, width: int) -> None:
    out[f"{name}.alpha"] = out[f"{name}.beta"] = (1, width, 1)


def _conv(
    out: Tensors,
    name: str,
    rows: int,
    columns: int,
    side: int,
    *,
    bias: bool = True,
    transposed: bool = False,
) -> None:
    shape = (columns, rows, side) if transposed else (rows, columns, side)
    out[f"{name}.weight_g"] = (shape[0], 1, 1)
    out[f"{name}.weight_v"] = shape
    if bias:
        out[f"{name}.bias"] = (rows,)
