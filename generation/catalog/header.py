"""What a safetensors file says of itself: names, types and shapes of its tensors.

Only the head is read, never the numbers.  Invariant: a `Header` is returned only when the file is
exactly as long as its head says, so a truncated download is noticed before anything loads it.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from generation.errors import BrokenWeights, UnusableWeights

# The format's own limit; it keeps a garbage length from filling the memory.
MAX_HEADER_BYTES = 100_000_000
MAX_DIMENSIONS = 8  # more than any network has

_LENGTH = struct.Struct("<Q")

_LFS_POINTER = b"version "  # as a length it would be an absurd one

_BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8),
    **dict.fromkeys(("F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The head of a safetensors file."""

    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, str]  # as the format spells them: "F16", "F8_E4M3"
    places: Mapping[str, tuple[int, int]]  # first byte and end of each tensor in the file
    metadata: Mapping[str, str]
    file_bytes: int
    shards: Mapping[str, Path] = field(default_factory=dict)  # of several files: of each tensor


def read_header(path: Path, name: str) -> Header:
    """Read and check the head.

    `name` is what the file is called in errors.  Raises BrokenWeights when it is no whole
    safetensors file, UnusableWeights when it cannot be read.
    """
    try:
        with path.open("rb") as file:
            file_bytes = os.fstat(file.fileno()).st_size
            prefix = file.read(_LENGTH.size)
            if len(prefix) < _LENGTH.size:
                raise BrokenWeights(name, f"only {file_bytes} bytes long")
            if prefix == _LFS_POINTER:
                raise BrokenWeights(name, "a git-lfs pointer; the file itself was not fetched")
            (length,) = _LENGTH.unpack(prefix)
            if not 2 <= length <= min(MAX_HEADER_BYTES, file_bytes - _LENGTH.size):
                raise BrokenWeights(
                    name, f"its header claims {length} bytes, the file has {file_bytes}"
                )
            text = file.read(length)
    except OSError as error:
        raise UnusableWeights(name, f"it cannot be read: {error.strerror or error}") from error
    return _checked(text, file_bytes, name)


def read_tensor(path: Path, header: Header, key: str, name: str) -> bytes:
    """The bytes of one small tensor.  Raises UnusableWeights when they cannot be read."""
    start, end = header.places[key]
    try:
        with header.shards.get(key, path).open("rb") as file:
            file.seek(start)
            return file.read(end - start)
    except OSError as error:
        raise UnusableWeights(name, f"it cannot be read: {error.strerror or error}") from error


def _checked(text: bytes, file_bytes: int, name: str) -> Header:
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise TypeError("the header is no object")
        metadata = _metadata(data.pop("__metadata__", None))
        tensors = {key: _tensor(key, value) for key, value in data.items()}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BrokenWeights(name, f"its header is not readable: {error}"[:200]) from error
    end = _end(tensors, name)
    found = file_bytes - _LENGTH.size - len(text)
    if end != found:
        word = "cut short" if found < end else "longer than its header says"
        raise BrokenWeights(name, f"it is {word}: {found} bytes of tensors, {end} are named")
    begin = _LENGTH.size + len(text)
    return Header(
        shapes=MappingProxyType({key: shape for key, (shape, _, _) in tensors.items()}),
        dtypes=MappingProxyType({key: str(data[key]["dtype"]) for key in tensors}),
        places=MappingProxyType({k: (begin + s, begin + e) for k, (_, s, e) in tensors.items()}),
        metadata=MappingProxyType(metadata),
        file_bytes=file_bytes,
    )


def _metadata(value: object) -> dict[str, str]:
    """What the file says in words; the format has texts only, under names that are texts."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise TypeError("its __metadata__ is no table of texts")
    return value


def _tensor(key: str, value: dict[str, object]) -> tuple[tuple[int, ...], int, int]:
    """Shape, first byte and end of one tensor; what it raises becomes BrokenWeights."""
    shape, offsets = value["shape"], value["data_offsets"]
    if not isinstance(shape, list) or not isinstance(offsets, list):
        raise TypeError(f"{key} has no shape or no place")
    if len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"{key} has {len(shape)} dimensions")
    if not all(type(number) is int and number >= 0 for number in (*shape, *offsets)):
        raise ValueError(f"{key} has a size that is no size")
    start, end = offsets
    bits = math.prod(shape) * _BITS[str(value["dtype"])]
    if (end - start) * 8 != bits:
        raise ValueError(f"{key} takes {end - start} bytes, its shape {bits // 8}")
    return tuple(shape), start, end


def _end(tensors: Mapping[str, tuple[tuple[int, ...], int, int]], name: str) -> int:
    """Where the last tensor ends, if they lie side by side."""
    at = 0
    for start, end in sorted((start, end) for _, start, end in tensors.values()):
        if start != at:
            raise BrokenWeights(name, f"its tensors leave a gap or overlap at byte {at}")
        at = end
    return at
