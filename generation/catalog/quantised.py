"""Weights that are stored in fewer bits: which of their spellings are read, which are refused.

    X.weight in fp8, X.scale_weight beside it, `scaled_fp8` in the file      ComfyUI, at first
    X.weight in fp8, X.weight_scale and perhaps X.comfy_quant beside it      ComfyUI, later
    X.weight in int8 or packed, its scales, and what X.comfy_quant or the metadata say of it
    X.weight in one of llama.cpp's types                                     GGUF

`understood` tells how each such weight is packed and gives the shapes that it has unpacked; the
formulas are in `generation.worker.unpacking`.  Invariant: a scale is used, or the file is
refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from generation.errors import UnusableWeights

_WEIGHT = ".weight"
_SCALES = (".scale_weight", ".weight_scale")
_SECOND = ".weight_scale_2"
_DESCRIBED = ".comfy_quant"
# What a packed layer carries besides and what changes no weight: how its input would be rounded,
# and descriptions.
_MARKS = (".scale_input", ".input_scale", _DESCRIBED, ".comfy_attention.config")
_MARK = "scaled_fp8"

_FP8 = ("F8_E4M3", "F8_E5M2")
_FLOATS = ("F64", "F32", "F16", "BF16")

# Endings of tensors that only a quantised file has, and whose they are.
_OTHERS = {
    ".absmax": "bitsandbytes",
    ".quant_map": "bitsandbytes",
    ".nested_absmax": "bitsandbytes",
    "bitsandbytes__nf4": "bitsandbytes (nf4)",
    "bitsandbytes__fp4": "bitsandbytes (fp4)",
    ".SCB": "bitsandbytes (int8)",
    ".weight_format": "bitsandbytes (int8)",
    ".qweight": "nunchaku, GPTQ or AWQ",
    ".wscales": "nunchaku (SVDQuant)",
    ".smooth_factor": "nunchaku (SVDQuant)",
    ".qzeros": "GPTQ or AWQ",
    ".weight_zeros": "AWQ",
    ".weight_s_rel": "four bits in groups (w4a8)",
    ".weight_scale_inv": "blocks of fp8",
    ".weight_zero_point": "integers",
    ".pre_quant_scale": "AWQ",
}
_INSTEAD = "not supported yet: the same model in bf16, fp8, int8 or GGUF is"

_ENDS = tuple(_OTHERS)

METADATA = "_quantization_metadata"
# What programs put before a denoiser's names, which the metadata may leave out.
_PREFIXES = ("", "model.diffusion_model.", "diffusion_model.")

GGUF = "gguf:"  # begins the kind of what is packed as llama.cpp does: "gguf:Q4_K"
# Numbers of a block and bytes that it takes, of each of llama.cpp's types that is read.
BLOCKS: Mapping[str, tuple[int, int]] = {
    "Q4_0": (32, 18),
    "Q4_1": (32, 20),
    "Q5_0": (32, 22),
    "Q5_1": (32, 24),
    "Q8_0": (32, 34),
    "Q2_K": (256, 84),
    "Q3_K": (256, 110),
    "Q4_K": (256, 144),
    "Q5_K": (256, 176),
    "Q6_K": (256, 210),
    "IQ4_NL": (32, 18),
    "IQ4_XS": (256, 136),
}

UNPACKED = "packed"  # the dtype that `understood` gives a weight which the worker unpacks

NVFP4_BLOCK = 16  # numbers that share a scale
MXFP8_BLOCK = 32
TILE = (128, 4)  # rows and columns of scales that lie together, as cuBLAS wants them


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """How one weight lies in a file, all by the file's names."""

    kind: str  # "fp8", "int8", "mxfp8", "nvfp4" or one of GGUF's
    sides: Mapping[str, str] = field(default_factory=dict)  # "scale": the tensor, ...
    group: int | None = None  # columns that were rotated together, by a Hadamard matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a file's head says; without types where only names and shapes are known."""

    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    read: Callable[[str], bytes] | None = None  # the bytes of a small tensor
    # Of `understood` contents: how weights are packed, and what lies beside them.
    packed: Mapping[str, Packed] = field(default_factory=dict)
    beside: frozenset[str] = frozenset()


def understood(contents: Contents, name: str) -> Contents:
    """The contents with the shapes that weights have unpacked, and how they are packed.

    Raises UnusableWeights for other quantisations, by their names.
    """
    if contents.packed or contents.beside:
        return contents  # they are
    _refuse_others(contents.shapes, name)
    said = _said_of_layers(contents, name)
    packed: dict[str, Packed] = {}
    beside: set[str] = set()
    shapes, dtypes = dict(contents.shapes), dict(contents.dtypes)
    for key in contents.shapes:
        if key == _MARK or key.endswith((f".{_MARK}", *_MARKS)):
            beside.add(key)
        elif (kind := dtypes.get(key, "")) in BLOCKS:
            packed[key] = Packed(kind=GGUF + kind)
        elif key.endswith(_WEIGHT) and (one := _packed(key, said, contents, name)) is not None:
            packed[key] = one
            beside |= set(one.sides.values())
            shapes[key] = _unpacked(key, one, said, contents)
    dtypes |= dict.fromkeys(packed, UNPACKED)
    return replace(contents, shapes=shapes, dtypes=dtypes, packed=packed, beside=frozenset(beside))


def _refuse_others(shapes: Mapping[str, object], name: str) -> None:
    for key in shapes:
        if key.endswith(_ENDS):
            kind = next(kind for end, kind in _OTHERS.items() if key.endswith(end))
            raise UnusableWeights(name, f"weights quantised by {kind}, {_INSTEAD}")


Said = Mapping[str, Mapping[str, object]]  # what is said of a layer, by its weight


def _said_of_layers(contents: Contents, name: str) -> Said:
    found: dict[str, Mapping[str, object]] = {}
    for layer, said in _layers_of_metadata(contents.metadata.get(METADATA)):
        _check_said(said, name)
        for prefix in _PREFIXES:
            if (key := f"{prefix}{layer}{_WEIGHT}") in contents.shapes:
                found[key] = said
    read = contents.read
    for key in contents.shapes:
        if read is not None and key.endswith(_DESCRIBED):
            said = _described(read(key))
            _check_said(said, name)
            found[key.removesuffix(_DESCRIBED) + _WEIGHT] = said
    return found


def _layers_of_metadata(text: str | None) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The layers that a file's metadata names, and what it says of them."""
    if text is None:
        return
    try:
        layers = json.loads(text)["layers"]
        yield from [(str(layer), dict(said)) for layer, said in layers.items()]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        yield "", {"format": "something unreadable"}


def _described(text: bytes) -> Mapping[str, object]:
    """What a `comfy_quant` tensor says."""
    try:
        said = json.loads(text)
        inner = said.get("params")
        return {**(inner if isinstance(inner, dict) else {}), **said}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {"format": "something unreadable"}


_FORMATS = {
    "float8_e4m3fn": "fp8",
    "float8_e5m2": "fp8",
    "int8_tensorwise": "int8",
    "mxfp8": "mxfp8",
    "nvfp4": "nvfp4",
}
# What a description may say besides: of these nothing depends that is not looked at.
_KNOWN = frozenset(
    (
        *("format", "full_precision_matrix_mult", "convrot", "convrot_groupsize", "params"),
        *("orig_shape", "orig_dtype", "original_shape", "original_dtype", "per_row", "group_size"),
        *("per_channel", "is_weight", "format_version", "block_size"),
    )
)


def _check_said(said: Mapping[str, object], name: str) -> None:
    """Raises UnusableWeights for a format that is not read, or read otherwise."""
    kind = said.get("format")
    if not isinstance(kind, str) or kind not in _FORMATS:
        raise UnusableWeights(name, f"weights quantised as {kind!s:.40}, {_INSTEAD}")
    if extra := said.keys() - _KNOWN:
        raise UnusableWeights(
            name, f"weights quantised as {kind} with {min(extra):.30}, {_INSTEAD}"
        )


def _packed(key: str, said: Said, contents: Contents, name: str) -> Packed | None:
    """How a weight is packed; None: it is stored as it is."""
    stem = key.removesuffix(_WEIGHT)
    scale = next((stem + end for end in _SCALES if stem + end in contents.shapes), None)
    told = said.get(key)
    kind = _FORMATS[str(told["format"])] if told is not None else "fp8"
    second = stem + _SECOND if stem + _SECOND in contents.shapes else None
    if (second is not None) != (kind == "nvfp4"):
        called = kind if kind == "nvfp4" else "nvfp4 without a word of it"
        raise UnusableWeights(name, f"weights quantised as {called}, {_INSTEAD}")
    if scale is None:
        if told is not None and kind != "fp8":
            raise UnusableWeights(name, f"{key:.100} is {kind}, and its scale is not in the file")
        return None
    sides = {"scale": scale} | ({"second": second} if second is not None else {})
    found = Packed(kind=kind, sides=sides, group=_group(told or {}))
    _CHECKS[kind](key, found, contents, name)
    return found


def _group(said: Mapping[str, object]) -> int | None:
    if not said.get("convrot"):
        return None
    group = said.get("convrot_groupsize", 256)
    return group if isinstance(group, int) else 0


def _check_scaled(key: str, packed: Packed, contents: Contents, name: str) -> None:
    """Numbers with one scale, or one for each row."""
    shapes, dtypes = contents.shapes, contents.dtypes
    scale, shape = packed.sides["scale"], shapes[key]
    kind = dtypes.get(key, "I8" if packed.kind == "int8" else _FP8[0])
    if kind not in (("I8",) if packed.kind == "int8" else (*_FP8, *_FLOATS)):
        raise UnusableWeights(name, f"weights quantised as {kind}, {_INSTEAD}")
    one = all(side == 1 for side in shapes[scale])
    rows = (shape[:1], (*shape[:1], *(1,) * (len(shape) - 1)))
    if dtypes.get(scale, "F32") not in _FLOATS or not (one or shapes[scale] in rows):
        raise UnusableWeights(
            name, f"weights quantised in blocks ({scale:.80}, {kind}), {_INSTEAD}"
        )
    if packed.group is not None and not _rotates(packed.group, shape):
        raise UnusableWeights(name, f"{key:.100} is rotated by {packed.group} columns of {shape}")


def _rotates(group: int, shape: tuple[int, ...]) -> bool:
    """Whether such a matrix exists, and divides the columns."""
    power = group >= 4 and math.log(group, 4).is_integer()
    return power and group <= 4096 and len(shape) == 2 and not shape[1] % group


def _check_blocks(key: str, packed: Packed, contents: Contents, name: str) -> None:
    """Numbers in blocks of one scale each, these in tiles."""
    shapes, dtypes = contents.shapes, contents.dtypes
    shape, scale = shapes[key], packed.sides["scale"]
    four = packed.kind == "nvfp4"
    fine = len(shape) == 2 and dtypes.get(key) == ("U8" if four else "F8_E4M3")
    if fine:
        columns = shape[1] * (2 if four else 1)
        block = NVFP4_BLOCK if four else MXFP8_BLOCK
        wanted = scales_in_tiles(shape[0], columns // block)
        kinds = ("F8_E4M3", "U8") if four else ("F8_E8M0", "U8")
        fine = not columns % block and math.prod(shapes[scale]) == wanted
        fine = fine and dtypes.get(scale) in kinds
    if four:
        second = packed.sides.get("second", "")
        fine = fine and math.prod(shapes.get(second, (0,))) == 1 and dtypes.get(second) == "F32"
    if not fine:
        raise UnusableWeights(name, f"{key:.100} is {packed.kind}, and its scales do not fit it")


_CHECKS = {
    "fp8": _check_scaled,
    "int8": _check_scaled,
    "mxfp8": _check_blocks,
    "nvfp4": _check_blocks,
}


def scales_in_tiles(rows: int, columns: int) -> int:
    """How many numbers scales take that lie in whole tiles."""
    down, across = TILE
    return -(-rows // down) * down * -(-columns // across) * across


def _unpacked(key: str, packed: Packed, said: Said, contents: Contents) -> tuple[int, ...]:
    """The shape of a weight as a network has it: without padding, where the file says it."""
    stored = contents.shapes[key]
    whole = (stored[0], stored[1] * 2) if packed.kind == "nvfp4" else stored
    told = said.get(key, {})
    original = told.get("orig_shape", told.get("original_shape"))
    if packed.kind in ("mxfp8", "nvfp4") and isinstance(original, list) and len(original) == 2:
        down, across = (side if isinstance(side, int) else 0 for side in original)
        if 0 <= whole[0] - down < MXFP8_BLOCK and 0 <= whole[1] - across < MXFP8_BLOCK:
            return down, across
    return whole
