"""What a GGUF file says of itself: names, types and shapes of its tensors.

The layout is llama.cpp's (docs/gguf.md there, versions 2 and 3): counts, pairs of a key and a
value, one row for each tensor, then the numbers.  Invariant: a `Header` is returned only when every
tensor lies inside of the file, so a truncated download is noticed before anything loads it.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from generation.catalog.header import MAX_DIMENSIONS, Header
from generation.catalog.quantised import BLOCKS
from generation.errors import BrokenWeights, UnusableWeights

SUFFIX = ".gguf"

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_ALIGNMENT = "general.alignment"
# What programs write who had to flatten a tensor: its shape as it was.
_ORIGINAL = "comfy.gguf.orig_shape."

_MOST = 2**20  # tensors, pairs, or bytes of a text; real files have thousands
_LONGEST = 2**24  # members of a list: vocabularies have 300,000

# Of the types of values, their form in `struct`; 8 is a text, 9 a list.
_FORMS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9

# llama.cpp's numbers of types.
_PLAIN = {0: ("F32", 4), 1: ("F16", 2), 24: ("I8", 1), 25: ("I16", 2), 26: ("I32", 4)}
_PLAIN |= {27: ("I64", 8), 28: ("F64", 8), 30: ("BF16", 2)}
_IN_BLOCKS = {2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 10: "Q2_K", 11: "Q3_K"}
_IN_BLOCKS |= {12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 20: "IQ4_NL", 23: "IQ4_XS"}
_UNREAD = {9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S"}
_UNREAD |= {21: "IQ3_S", 22: "IQ2_S", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4"}


def read_gguf(path: Path, name: str) -> Header:
    """Read and check the head.  Raises BrokenWeights when it is no whole GGUF file, and
    UnusableWeights when it cannot be read, or has types that are not."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _Reader(file, size, name).header()
    except OSError as error:
        raise UnusableWeights(name, f"it cannot be read: {error.strerror or error}") from error
    except (struct.error, ValueError, OverflowError, UnicodeDecodeError) as error:
        raise BrokenWeights(name, f"its header is not readable: {error}"[:200]) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """What is said of one tensor."""

    shape: tuple[int, ...]
    dtype: str
    begin: int  # behind the head
    bytes: int


class _Reader:
    """A file that is read from its beginning to where its numbers begin."""

    def __init__(self, file: BinaryIO, size: int, name: str) -> None:
        self._file, self._size, self._name = file, size, name

    def header(self) -> Header:
        if self._file.read(4) != _MAGIC:
            raise BrokenWeights(self._name, "it does not begin as a GGUF file does")
        version, tensors, pairs = self._numbers("IQQ")
        if version not in _VERSIONS:
            raise UnusableWeights(self._name, f"a GGUF file of version {version}, not supported")
        if max(tensors, pairs) > _MOST:
            raise BrokenWeights(self._name, f"its header claims {tensors} tensors, {pairs} pairs")
        metadata: dict[str, str] = {}
        shapes: dict[str, tuple[int, ...]] = {}
        for _ in range(pairs):
            key = self._text()
            value = self._value(self._number("I"), kept=key.startswith(_ORIGINAL))
            if isinstance(value, tuple):
                shapes[key.removeprefix(_ORIGINAL)] = value
            elif value is not None:
                metadata[key] = str(value)
        rows = dict(self._row() for _ in range(tensors))
        return self._checked(rows, shapes, metadata)

    def _numbers(self, form: str) -> tuple[int, ...]:
        form = f"<{form}"
        found = self._file.read(struct.calcsize(form))
        return struct.unpack(form, found)

    def _number(self, form: str) -> int:
        (found,) = self._numbers(form)
        return found

    def _text(self) -> str:
        length = self._number("Q")
        if length > _MOST:
            raise ValueError(f"a text of {length} bytes")
        found = self._file.read(length)
        if len(found) < length:
            raise ValueError("a text is cut short")
        return found.decode("utf-8", "replace")

    def _value(self, kind: int, *, kept: bool) -> object:
        """What a pair says; of lists those of whole numbers that are kept, else None."""
        if kind == _TEXT:
            return self._text()
        if kind != _LIST:
            return self._number(_FORMS[kind]) if kind in _FORMS else self._unknown(kind)
        inner, count = self._numbers("IQ")
        if count > _LONGEST:
            raise ValueError(f"a list of {count} members")
        if inner in _FORMS:
            found = self._numbers(f"{count}{_FORMS[inner]}")
            return found if kept and count <= MAX_DIMENSIONS else None
        for _ in range(count):
            self._value(inner, kept=False)
        return None

    def _unknown(self, kind: int) -> object:
        raise ValueError(f"a value of the unknown type {kind}")

    def _row(self) -> tuple[str, _Row]:
        key, dimensions = self._text(), self._number("I")
        if dimensions > MAX_DIMENSIONS:
            raise ValueError(f"{key} has {dimensions} dimensions")
        shape = tuple(reversed(self._numbers(f"{dimensions}Q")))
        kind, begin = self._numbers("IQ")
        if kind in _PLAIN:
            dtype, width = _PLAIN[kind]
            return key, _Row(shape=shape, dtype=dtype, begin=begin, bytes=math.prod(shape) * width)
        dtype = _IN_BLOCKS.get(kind, "")
        if not dtype:
            called = _UNREAD.get(kind, f"number {kind}")
            raise UnusableWeights(
                self._name, f"its tensors are of llama.cpp's type {called}, not supported yet"
            )
        numbers, size = BLOCKS[dtype]
        if not shape or shape[-1] % numbers:
            raise ValueError(f"{key} has rows of {shape[-1:]}, which {dtype} does not divide")
        return key, _Row(
            shape=shape, dtype=dtype, begin=begin, bytes=math.prod(shape) // numbers * size
        )

    def _checked(
        self,
        rows: dict[str, _Row],
        shapes: dict[str, tuple[int, ...]],
        metadata: dict[str, str],
    ) -> Header:
        step = int(metadata.get(_ALIGNMENT, "32"))
        if not 1 <= step <= _MOST:
            raise ValueError(f"its numbers are aligned to {step} bytes")
        first = -(-self._file.tell() // step) * step
        places = {
            key: (first + row.begin, first + row.begin + row.bytes) for key, row in rows.items()
        }
        last = max((end for _, end in places.values()), default=first)
        if last > self._size:
            raise BrokenWeights(
                self._name, f"it is cut short: {self._size} bytes, of {last} that its header names"
            )
        _check_apart(places)
        found = {key: _original(key, row, shapes.get(key)) for key, row in rows.items()}
        return Header(
            shapes=MappingProxyType(found),
            dtypes=MappingProxyType({key: row.dtype for key, row in rows.items()}),
            places=MappingProxyType(places),
            metadata=MappingProxyType(metadata),
            file_bytes=self._size,
        )


def _original(key: str, row: _Row, said: tuple[int, ...] | None) -> tuple[int, ...]:
    if said is None:
        return row.shape
    if math.prod(said) != math.prod(row.shape) or any(side < 0 for side in said):
        raise ValueError(f"{key} has the shape {row.shape}, and is said to have had {said}")
    return said


def _check_apart(places: dict[str, tuple[int, int]]) -> None:
    at = 0
    for key, (start, end) in sorted(places.items(), key=lambda item: item[1]):
        if start < at:
            raise ValueError(f"{key} overlaps another tensor")
        at = end
