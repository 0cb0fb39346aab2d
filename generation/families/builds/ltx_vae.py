"""The tensors of LTX-Video's VAEs: that of 0.9.0, and those of 0.9.1 and 0.9.5, which are told how
noisy the film is that they decode.

    diffusers' names            decoder.up_blocks.1.upsamplers.0.conv.conv.weight ...
    the single files' names     decoder.up_blocks.2.conv.conv.weight ...

The second number every resampler and every lone resnet as a block of its own, in the order of the
first.  Invariant: every tensor that the class builds from the same config.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import prod

from generation.families.blueprint import MOST, Config, Shapes, Unwritten, linear, norm, whole

_OLDER, _NEWER = "LTXVideoDownBlock3D", "LTXVideo095DownBlock3D"
# What its class takes where a config says nothing.
USUAL: Mapping[str, object] = {
    "block_out_channels": (128, 256, 512, 512),
    "decoder_block_out_channels": (128, 256, 512, 512),
    "decoder_causal": False,
    "decoder_inject_noise": (False,) * 5,
    "decoder_layers_per_block": (4, 3, 3, 3, 4),
    "decoder_spatio_temporal_scaling": (True, True, True, False),
    "down_block_types": (_OLDER,) * 4,
    "downsample_type": ("conv",) * 4,
    "encoder_causal": True,
    "in_channels": 3,
    "latent_channels": 128,
    "layers_per_block": (4, 3, 3, 3, 4),
    "out_channels": 3,
    "patch_size": 4,
    "patch_size_t": 1,
    "resnet_norm_eps": 1e-6,
    "scaling_factor": 1.0,
    "spatial_compression_ratio": None,
    "spatio_temporal_scaling": (True, True, True, False),
    "temporal_compression_ratio": None,
    "timestep_conditioning": False,
    "upsample_factor": (1, 1, 1, 1),
    "upsample_residual": (False,) * 4,
}
_STRIDES = {"spatial": (1, 2, 2), "temporal": (2, 1, 1), "spatiotemporal": (2, 2, 2)}
_TIMES = 256


def tensors(config: Config) -> Shapes | None:
    """The tensors of an AutoencoderKLLTXVideo; None: its build is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (Unwritten, LookupError, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Shapes:
    latent = whole(config["latent_channels"], 4096)
    out: Shapes = {"latents_mean": (latent,), "latents_std": (latent,)}
    _encoder(out, config, latent)
    _decoder(out, config, latent)
    return out


def _encoder(out: Shapes, config: Config, latent: int) -> None:
    widths, layers = _many(config["block_out_channels"]), _many(config["layers_per_block"])
    scaled, before = _list(config["spatio_temporal_scaling"]), widths[0]
    _conv(out, "encoder.conv_in", before, _colours(config, "in_channels"))
    newer = _newer(config)
    for block, after in enumerate(widths[1:] if newer else [*widths[1:], widths[-1]]):
        name = f"encoder.down_blocks.{block}"
        _resnets(out, name, before, layers[block])
        if scaled[block]:
            stride = _stride(config, block) if newer else None
            down = f"{name}.downsamplers.0"
            if stride is None:
                _conv(out, down, before, before)
            else:
                _conv(out, f"{down}.conv", after // prod(stride), before)
        if before != after and not newer:
            _resnet(out, f"{name}.conv_out", before, after)
        before = after
    _resnets(out, "encoder.mid_block", before, layers[-1])
    _conv(out, "encoder.conv_out", latent + 1, before)


def _decoder(out: Shapes, config: Config, latent: int) -> None:
    widths, layers, scaled, noisy, factors = (
        _list(config[key])[::-1]
        for key in (
            *("decoder_block_out_channels", "decoder_layers_per_block"),
            *("decoder_spatio_temporal_scaling", "decoder_inject_noise", "upsample_factor"),
        )
    )
    told, before = bool(config["timestep_conditioning"]), whole(widths[0])
    _conv(out, "decoder.conv_in", before, latent)
    name = "decoder.mid_block"
    if told:
        _times(out, f"{name}.time_embedder", 4 * before)
    _resnets(out, name, before, whole(layers[0], MOST), noisy=bool(noisy[0]), told=told)
    for block, width in enumerate(widths):
        name, factor = f"decoder.up_blocks.{block}", whole(factors[block], 16)
        before, after = before // factor, whole(width) // factor
        kind = {"noisy": bool(noisy[block + 1]), "told": told}
        if told:
            _times(out, f"{name}.time_embedder", 4 * before)
        if before != after:
            _resnet(out, f"{name}.conv_in", before, after, **kind)
        if scaled[block]:
            _conv(out, f"{name}.upsamplers.0.conv", 8 * after, factor * after)
        _resnets(out, name, after, whole(layers[block + 1], MOST), **kind)
        before = after
    _conv(out, "decoder.conv_out", _colours(config, "out_channels"), before)
    if told:
        out["decoder.timestep_scale_multiplier"] = ()
        _times(out, "decoder.time_embedder", 2 * before)
        out["decoder.scale_shift_table"] = (2, before)


def _colours(config: Config, key: str) -> int:
    return whole(config[key], 64) * whole(config["patch_size"], 64) ** 2


def _newer(config: Config) -> bool:
    """Whether its levels change their widths where they are halved, as from 0.9.5 on."""
    kinds = set(_list(config["down_block_types"]))
    if kinds not in ({_OLDER}, {_NEWER}):
        raise Unwritten
    return kinds == {_NEWER}


def _stride(config: Config, block: int) -> tuple[int, ...] | None:
    """By how much a level is made smaller, by taking pixels for channels; None: by leaping."""
    kind = _list(config["downsample_type"])[block]
    return None if kind == "conv" else _STRIDES[str(kind)]


def _list(value: object) -> list[object]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 0 < len(value) <= 16:
        raise Unwritten
    return list(value)


def _many(value: object) -> list[int]:
    return [whole(each) for each in _list(value)]


def _conv(out: Shapes, name: str, rows: int, columns: int, side: int = 3) -> None:
    out[f"{name}.conv.weight"] = (rows, columns, side, side, side)
    out[f"{name}.conv.bias"] = (rows,)


def _times(out: Shapes, name: str, width: int) -> None:
    linear(out, f"{name}.timestep_embedder.linear_1", width, _TIMES)
    linear(out, f"{name}.timestep_embedder.linear_2", width, width)


def _resnets(
    out: Shapes, name: str, width: int, count: int, *, noisy: bool = False, told: bool = False
) -> None:
    for number in range(count):
        _resnet(out, f"{name}.resnets.{number}", width, width, noisy=noisy, told=told)


def _resnet(
    out: Shapes, name: str, before: int, after: int, *, noisy: bool = False, told: bool = False
) -> None:
    _conv(out, f"{name}.conv1", after, before)
    _conv(out, f"{name}.conv2", after, after)
    if before != after:
        norm(out, f"{name}.norm3", before)
        _conv(out, f"{name}.conv_shortcut", after, before, 1)
    if noisy:
        out[f"{name}.per_channel_scale1"] = out[f"{name}.per_channel_scale2"] = (before, 1, 1)
    if told:
        out[f"{name}.scale_shift_table"] = (4, before)


# The single files' names.

_STATISTICS = {
    "latents_mean": "per_channel_statistics.mean-of-means",
    "latents_std": "per_channel_statistics.std-of-means",
}
_LAST = {
    "decoder.time_embedder.": "decoder.last_time_embedder.",
    "decoder.scale_shift_table": "decoder.last_scale_shift_table",
}
_LONE = re.compile(r"\.(downsamplers\.0|upsamplers\.0|conv_in|conv_out)\.")


def layout(shapes: Mapping[str, tuple[int, ...]], config: Config) -> Shapes:
    """The same tensors as single files name them."""
    places = _places(shapes, {**USUAL, **config})
    return {_named(key, places): shape for key, shape in shapes.items()}


def _named(key: str, places: Mapping[str, str]) -> str:
    if key in _STATISTICS:
        return _STATISTICS[key]
    for ours, theirs in _LAST.items():
        if key.startswith(ours):
            return theirs + key.removeprefix(ours)
    for ours, theirs in places.items():
        if key.startswith(ours):
            key = theirs + key.removeprefix(ours)
            break
    key = key.replace(".resnets.", ".res_blocks.")
    key = key.replace(".norm3.", ".norm3.norm.")
    return key.replace(".conv_shortcut.conv.", ".conv_shortcut.")


def _places(shapes: Mapping[str, tuple[int, ...]], config: Config) -> Mapping[str, str]:
    """The beginnings of names, and what they are in a file; the longer before the shorter."""
    found: dict[str, str] = {}
    down, up = (
        len(_list(config["layers_per_block"])),
        len(_list(config["decoder_layers_per_block"])),
    )
    for blocks, names in (
        ("encoder.down_blocks", _way_down(down - 1)),
        ("decoder.up_blocks", _way_up(up - 1)),
    ):
        number = 0
        for name in names:
            if any(key.startswith(f"{name}.") and _mine(key, name) for key in shapes):
                found[f"{name}."] = f"{blocks}.{number}."
                number += 1
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def _way_down(count: int) -> Iterator[str]:
    for block in range(count):
        name = f"encoder.down_blocks.{block}"
        yield from (name, f"{name}.downsamplers.0", f"{name}.conv_out")
    yield "encoder.mid_block"


def _way_up(count: int) -> Iterator[str]:
    yield "decoder.mid_block"
    for block in range(count):
        name = f"decoder.up_blocks.{block}"
        yield from (f"{name}.conv_in", f"{name}.upsamplers.0", name)


def _mine(key: str, name: str) -> bool:
    """Whether a tensor is a block's, and none of what has a number of its own in it."""
    return _LONE.match(key.removeprefix(name)) is None


# What a file's tensors say.


def told(shapes: Mapping[str, tuple[int, ...]]) -> Config:
    """What tensors of a file's names say of the VAE's config; nothing of others."""
    try:
        return {**_told_of_encoder(shapes), **_told_of_decoder(shapes)}
    except (LookupError, ValueError, ZeroDivisionError):
        return {}


def _told_of_encoder(shapes: Mapping[str, tuple[int, ...]]) -> Config:
    widths, layers, kinds, fewer = list[int](), list[int](), list[str](), dict[int, int]()
    for own in _blocks(shapes, "encoder.down_blocks"):
        if (first := own.get("res_blocks.0.conv1.conv.weight")) is not None:
            widths.append(first[1])
            layers.append(_count(own))
            kinds.append("")
        elif "conv.weight" in own:
            kinds[-1] = "conv"
        elif "conv.conv.weight" in own:
            fewer[len(kinds) - 1] = own["conv.conv.weight"][0]
    *kinds, _ = kinds  # the last is in the middle
    for block, rows in fewer.items():
        times = widths[block + 1] // rows
        kinds[block] = next(kind for kind, one in _STRIDES.items() if prod(one) == times)
    halved = sum(kind not in ("", "temporal") for kind in kinds)
    patch = round((shapes["encoder.conv_in.conv.weight"][1] / 3) ** 0.5)
    return {
        "block_out_channels": tuple(widths if fewer else widths[:-1]),
        "down_block_types": (_NEWER if fewer else _OLDER,) * len(kinds),
        "downsample_type": tuple(kind or "conv" for kind in kinds),
        "latent_channels": shapes["encoder.conv_out.conv.weight"][0] - 1,
        "layers_per_block": tuple(layers),
        "patch_size": patch,
        "spatial_compression_ratio": patch * 2**halved,
        "spatio_temporal_scaling": tuple(map(bool, kinds)),
        "temporal_compression_ratio": 2 ** sum(kind not in ("", "spatial") for kind in kinds),
    }


def _told_of_decoder(shapes: Mapping[str, tuple[int, ...]]) -> Config:
    widths, layers, noisy = list[int](), list[int](), list[bool]()
    scaled, factors, read = list[bool](), list[int](), 0
    for own in _blocks(shapes, "decoder.up_blocks"):
        if "conv.conv.weight" in own:
            read = own["conv.conv.weight"][1]
        elif (first := own.get("res_blocks.0.conv1.conv.weight")) is not None:
            layers.append(_count(own))
            noisy.append("res_blocks.0.per_channel_scale1" in own)
            if len(layers) == 1:  # in the middle
                continue
            scaled.append(bool(read))
            factors.append(read // first[1] or 1)
            widths.append(first[1] * factors[-1])
            read = 0
    return {
        "decoder_block_out_channels": tuple(widths[::-1]),
        "decoder_inject_noise": tuple(noisy[::-1]),
        "decoder_layers_per_block": tuple(layers[::-1]),
        "decoder_spatio_temporal_scaling": tuple(scaled[::-1]),
        "timestep_conditioning": "decoder.last_scale_shift_table" in shapes,
        "upsample_factor": tuple(factors[::-1]),
        # What makes fewer channels of many adds to them what came in, in every checkpoint.
        "upsample_residual": tuple(factor > 1 for factor in factors[::-1]),
    }


def _blocks(shapes: Mapping[str, tuple[int, ...]], side: str) -> Iterator[Shapes]:
    """The tensors of each block of a file, one after the other."""
    for number in range(MOST):
        begin = f"{side}.{number}."
        own = {k.removeprefix(begin): one for k, one in shapes.items() if k.startswith(begin)}
        if not own:
            return
        yield own


def _count(own: Mapping[str, tuple[int, ...]]) -> int:
    return sum(key.endswith(".conv1.conv.weight") for key in own)
