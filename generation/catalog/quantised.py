"""Weights that are stored in fewer bits: which of their spellings are read, which are refused.

    X.weight in fp8, X.scale_weight beside it, `scaled_fp8` in the file      ComfyUI, at first
    X.weight in fp8, X.weight_scale and perhaps X.comfy_quant beside it      ComfyUI, later

A weight is then fp8 times its scale, in fp32.  Invariant: a scale is used, or the file is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from generation.errors import UnusableWeights

_WEIGHT = ".weight"
_SCALES = (".scale_weight", ".weight_scale")
# What a scale's own layer carries besides: how its input would be rounded, and a description.
_MARKS = (".scale_input", ".input_scale", ".comfy_quant")
_MARK = "scaled_fp8"

_FP8 = ("F8_E4M3", "F8_E5M2")
_FP8_FORMATS = ("float8_e4m3fn", "float8_e5m2")
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
    ".weight_scale_2": "nvfp4",
    ".weight_scale_inv": "blocks of fp8",
    ".weight_zero_point": "integers",
}

_ENDS = tuple(_OTHERS)

METADATA = "_quantization_metadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a file's head says; without types where only names and shapes are known."""

    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    read: Callable[[str], bytes] | None = None  # the bytes of a small tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """What belongs to the weights of a file that are scaled, all by the file's names."""

    of: Mapping[str, str]  # a weight: the number it is to be multiplied with
    marks: frozenset[str]  # what lies beside and changes no number

    @property
    def keys(self) -> frozenset[str]:
        """All of them."""
        return self.marks | frozenset(self.of.values())


def scales_of(contents: Contents, name: str) -> Scales:
    """The scales of a file.  Raises UnusableWeights for other quantisations, by their names."""
    shapes = contents.shapes
    for key in shapes:
        if key.endswith(_ENDS):
            kind = next(kind for end, kind in _OTHERS.items() if key.endswith(end))
            raise UnusableWeights(name, f"weights quantised by {kind}, not supported yet")
    for layer in _formats(contents.metadata.get(METADATA)):
        _check_format(layer, name)
    found: dict[str, str] = {}
    marks: set[str] = set()
    for key in shapes:
        if key == _MARK or key.endswith((f".{_MARK}", *_MARKS)):
            marks.add(key)
            if key.endswith(".comfy_quant") and contents.read is not None:
                _check_format(_described(contents.read(key)), name)
        for end in _SCALES:
            weight = key.removesuffix(end) + _WEIGHT
            if key.endswith(end) and weight in shapes:
                _check(key, weight, contents, name)
                found[weight] = key
    return Scales(of=found, marks=frozenset(marks))


def _check_format(kind: object, name: str) -> None:
    """Raises UnusableWeights for a format that is no plain fp8."""
    if kind not in _FP8_FORMATS:
        raise UnusableWeights(name, f"weights quantised as {kind!s:.40}, not supported yet")


def _described(text: bytes) -> object:
    """The format that a `comfy_quant` tensor names."""
    try:
        data = json.loads(text)
        extra = data.keys() - {"format", "full_precision_matrix_mult"}
        return f"{data['format']} with {min(extra):.30}" if extra else data["format"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "something unreadable"


def _check(key: str, weight: str, contents: Contents, name: str) -> None:
    shapes, dtypes = contents.shapes, contents.dtypes
    kind = dtypes.get(weight, _FP8[0])
    if kind not in (*_FP8, *_FLOATS):
        raise UnusableWeights(name, f"weights quantised as {kind}, not supported yet")
    rows = shapes[weight][:1]
    one = all(side == 1 for side in shapes[key])
    per_row = shapes[key] == (*rows, *(1,) * (len(shapes[weight]) - 1))
    if dtypes.get(key, "F32") not in _FLOATS or not (one or per_row):
        raise UnusableWeights(
            name, f"weights quantised in blocks ({key:.80}, {kind}), not supported yet"
        )


def _formats(text: str | None) -> Iterator[object]:
    """The formats that a file's metadata names."""
    if text is None:
        return
    try:
        layers = json.loads(text)["layers"]
        yield from {str(layer["format"]): layer["format"] for layer in layers.values()}.values()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        yield "something unreadable"
