"""Upscalers of ESRGAN's kind with random weights, written as people's files are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from generation.catalog.upscalers import UpscalerBuild, tensors

TINY = UpscalerBuild(width=8, growth=4, blocks=2, ups=1, shuffle=1)
FOUR = UpscalerBuild(width=8, growth=4, blocks=1, ups=2, shuffle=1)
TWO_BY_SHUFFLE = UpscalerBuild(width=8, growth=4, blocks=1, ups=2, shuffle=2)
ONE_BY_SHUFFLE = UpscalerBuild(width=8, growth=4, blocks=1, ups=2, shuffle=4)

Spelling = Callable[[str, UpscalerBuild], str]


def as_real_esrgan(key: str, _: UpscalerBuild) -> str:
    return key


def as_in_a_checkpoint(key: str, _: UpscalerBuild) -> str:
    return f"params_ema.{key}"


def as_esrgan(key: str, _: UpscalerBuild) -> str:
    for ours, theirs in (
        *(("conv_body", "trunk_conv"), ("body.", "RRDB_trunk."), ("rdb", "RDB")),
        *(("conv_up", "upconv"), ("conv_hr", "HRconv")),
    ):
        key = key.replace(ours, theirs)
    return key


def as_before_esrgan(key: str, build: UpscalerBuild) -> str:
    layer, kind = key.rsplit(".", 1)
    ends = {
        "conv_first": "model.0",
        "conv_body": f"model.1.sub.{build.blocks}",
        "conv_hr": f"model.{3 * build.ups + 2}",
        "conv_last": f"model.{3 * build.ups + 4}",
        **{f"conv_up{up}": f"model.{3 * up}" for up in range(1, build.ups + 1)},
    }
    if layer not in ends:
        layer = layer.replace("body.", "model.1.sub.").replace("rdb", "RDB")
        return f"{layer}.0.{kind}"
    return f"{ends[layer]}.{kind}"


SPELLINGS: tuple[Spelling, ...] = (
    as_real_esrgan,
    as_in_a_checkpoint,
    as_esrgan,
    as_before_esrgan,
)


def weights(build: UpscalerBuild = TINY, seed: int = 0) -> dict[str, Tensor]:
    """Numbers of a network, by our names: it gives something like the picture it is given."""
    dice = torch.Generator().manual_seed(seed)
    made = {key: 0.1 * torch.randn(s, generator=dice) for key, s in tensors(build).items()}
    made["conv_last.bias"] += 0.5
    return made


def spelled(build: UpscalerBuild, spelling: Spelling, seed: int = 0) -> dict[str, Tensor]:
    return {spelling(key, build): value for key, value in weights(build, seed).items()}


def write(
    path: Path,
    build: UpscalerBuild = TINY,
    spelling: Spelling = as_real_esrgan,
    seed: int = 0,
) -> Path:
    """A file of an upscaler."""
    save_file(spelled(build, spelling, seed), path)
    return path
