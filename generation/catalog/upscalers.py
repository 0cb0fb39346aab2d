"""Which files are upscalers of ESRGAN's kind, and how their tensors are called.

    conv_first.  body.0.rdb1.conv1.       conv_body.   conv_up1.  conv_hr.  conv_last.   Real-ESRGAN
    conv_first.  RRDB_trunk.0.RDB1.conv1. trunk_conv.  upconv1.   HRconv.   conv_last.   ESRGAN
    model.0.     model.1.sub.0.RDB1.conv1.0.  model.1.sub.<n>.  model.3.  ...            before it

Widths, depth and factor are read from the shapes.  Invariant: every tensor is one of the network's,
in its shape, or the file is refused with the tensor's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

from generation.catalog.checkpoint import check_types, is_harmless, missing
from generation.catalog.quantised import Contents
from generation.errors import BrokenWeights, UnusableWeights

Shapes = Mapping[str, tuple[int, ...]]

KIND = "upscaler"
LARGEST_FACTOR = 8

# What trainers put before every name; the averaged weights are the ones that are meant.
_WRAPPINGS = ("params_ema.", "params.", "module.", "model_g.", "netG.", "generator.")

_SAME = {
    "conv_first": "conv_first",
    "trunk_conv": "conv_body",
    "conv_body": "conv_body",
    "HRconv": "conv_hr",
    "conv_hr": "conv_hr",
    "conv_last": "conv_last",
}
_DENSE = re.compile(r"(?:body|RRDB_trunk)\.(\d+)\.(?:rdb|RDB)([123])\.conv([1-5])")
_UP = re.compile(r"(?:conv_up|upconv)(\d)")
_OLD_DENSE = re.compile(r"model\.1\.sub\.(\d+)\.RDB([123])\.conv([1-5])\.0")
_OLD_TRUNK = re.compile(r"model\.1\.sub\.(\d+)")
_OLD = re.compile(r"model\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscalerBuild:
    """What an upscaler is built from."""

    width: int
    growth: int
    blocks: int
    ups: int  # how often it doubles the sides
    shuffle: int  # how many pixels of a side it takes as one

    @property
    def factor(self) -> int:
        """How many times as long the sides become."""
        return (1 << self.ups) // self.shuffle


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscalerReading:
    """How a file is read: our names, by which the network knows them, to the file's."""

    build: UpscalerBuild
    used: Mapping[str, str]


def is_upscaler(shapes: Shapes) -> bool:
    """Whether a file's names are those of such a network, whole or not."""
    return any(_dense(bare) for bare in _unwrapped(shapes))


def read_upscaler(contents: Contents, name: str) -> UpscalerReading:
    """How such a file is read.  Raises UnusableWeights with what speaks against it."""
    called = _unwrapped(contents.shapes)
    used: dict[str, str] = {}
    spare: list[str] = []
    for bare, key in called.items():
        ours = _ours(bare, called)
        if ours is not None and ours not in used:
            used[ours] = key
        elif not is_harmless(bare):
            spare.append(key)
    if spare:
        raise UnusableWeights(
            name,
            f"an upscaler like ESRGAN's that holds {min(spare):.120} besides, not supported yet",
        )
    shapes = {ours: contents.shapes[key] for ours, key in used.items()}
    build = _build(shapes, name)
    _check(shapes, used, build, name)
    check_types(used.values(), contents.dtypes, name)
    return UpscalerReading(build=build, used=used)


def tensors(build: UpscalerBuild) -> Shapes:
    """Every tensor of the network, by our names."""
    wide, found = build.width, dict[str, tuple[int, ...]]()

    def conv(name: str, taken: int, made: int) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = (made, taken, 3, 3), (made,)

    conv("conv_first", 3 * build.shuffle**2, wide)
    for block in range(build.blocks):
        for dense in (1, 2, 3):
            for number in range(1, 6):
                made = build.growth if number < 5 else wide
                taken = wide + (number - 1) * build.growth
                conv(f"body.{block}.rdb{dense}.conv{number}", taken, made)
    conv("conv_body", wide, wide)
    for number in range(1, build.ups + 1):
        conv(f"conv_up{number}", wide, wide)
    conv("conv_hr", wide, wide)
    conv("conv_last", wide, 3)
    return found


def _unwrapped(shapes: Shapes) -> dict[str, str]:
    """The file's names without what is put before all of them: {bare: the file's}."""
    for wrapping in _WRAPPINGS:
        inside = {k.removeprefix(wrapping): k for k in shapes if k.startswith(wrapping)}
        if any(map(_dense, inside)):
            return inside
    return {key: key for key in shapes}


def _dense(bare: str) -> bool:
    return bool(_DENSE.match(bare) or _OLD_DENSE.match(bare))


def _ours(bare: str, called: Mapping[str, str]) -> str | None:
    """Our name of a tensor, or None."""
    layer, _, kind = bare.rpartition(".")
    if kind not in ("weight", "bias"):
        return None
    if match := _DENSE.fullmatch(layer) or _OLD_DENSE.fullmatch(layer):
        found: str | None = f"body.{match[1]}.rdb{match[2]}.conv{match[3]}"
    elif match := _UP.fullmatch(layer):
        found = f"conv_up{match[1]}"
    elif _OLD_TRUNK.fullmatch(layer):
        found = "conv_body"
    elif match := _OLD.fullmatch(layer):
        found = _old_end(int(match[1]), called)
    else:
        found = _SAME.get(layer)
    return found and f"{found}.{kind}"


def _old_end(number: int, called: Mapping[str, str]) -> str | None:
    """What the first, and those behind the blocks, are called that are only numbered.

    Each doubling is three layers: twice as large, a convolution, a rectifier.
    """
    last = max(int(m[1]) for bare in called if (m := _OLD.match(bare)))
    ups = (last - 4) // 3
    ends = {0: "conv_first", last - 2: "conv_hr", last: "conv_last"}
    ends |= {3 * up: f"conv_up{up}" for up in range(1, ups + 1)}
    return ends.get(number)


def _build(shapes: Shapes, name: str) -> UpscalerBuild:
    """What the shapes say it is built from.  Raises UnusableWeights."""
    for key in ("conv_first.weight", "conv_last.weight", "body.0.rdb1.conv1.weight"):
        if len(shapes.get(key, ())) != 4:
            raise missing(name, "network", [key])
    wide, taken = shapes["conv_first.weight"][:2]
    made = shapes["conv_last.weight"][0]
    if made != 3:
        raise UnusableWeights(name, f"an upscaler of pictures with {made} channels, not of colours")
    shuffle = isqrt(taken // 3)
    ups = sum(key.startswith("conv_up") and key.endswith(".weight") for key in shapes)
    build = UpscalerBuild(
        width=wide,
        growth=shapes["body.0.rdb1.conv1.weight"][0],
        blocks=1 + max(int(m[1]) for key in shapes if (m := _DENSE.match(key))),
        ups=ups,
        shuffle=shuffle,
    )
    if build.blocks > len(shapes):
        raise missing(name, "network", [f"body.{build.blocks - 1}"])
    odd = 3 * shuffle**2 != taken or (1 << ups) % max(shuffle, 1)
    if odd or ups > 4 or not 1 <= build.factor <= LARGEST_FACTOR:
        raise UnusableWeights(
            name, f"an upscaler that takes {taken} channels and doubles {ups} times"
        )
    return build


def _check(shapes: Shapes, used: Mapping[str, str], build: UpscalerBuild, name: str) -> None:
    expected = tensors(build)
    if lacking := expected.keys() - shapes.keys():
        raise missing(name, "network", lacking)
    for key, shape in shapes.items():
        if expected.get(key) != shape:
            raise BrokenWeights(
                name, f"its tensor {used[key]:.120} has the shape {shape}, not {expected.get(key)}"
            )
