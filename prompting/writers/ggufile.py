"""What a GGUF file says of itself, read without trusting it.

The invariant: a `GgufHeader` that exists describes a file that is whole: every tensor it names lies
within the file.  llama.cpp is only ever given such a file, because one that is cut short ends the
process, or worse, does not.

Layout (little-endian): "GGUF", version, counts; metadata as key, type, value; tensors as name,
dimensions (fastest first), type, offset; then, aligned, the tensors' bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from prompting.errors import Unreadable

F32, F16 = 0, 1

# Bytes of one block by tensor type, under the number of elements in it: the file format's numbers.
_BLOCKS = {
    1: {F32: 4, F16: 2, 24: 1, 25: 2, 26: 4, 27: 8, 28: 8, 30: 2},
    32: {2: 18, 3: 20, 6: 22, 7: 24, 8: 34, 20: 18, 39: 17},
    256: dict(zip(range(10, 20), (84, 110, 144, 176, 210, 292, 66, 74, 98, 50), strict=True))
    | {21: 110, 22: 82, 23: 136, 29: 56, 34: 54, 35: 66},
}
BLOCKS = {kind: (n, size) for n, sizes in _BLOCKS.items() for kind, size in sizes.items()}

_MOST = 1_000_000  # metadata entries, tensors, elements of one array
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_TEXT, _ARRAY = 8, 9

Value = int | float | bool | str | list["Value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """Where a tensor lies; `shape` is in numpy's order (slowest first)."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int  # bytes from the start of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class GgufHeader:
    """A GGUF's metadata and its table of tensors."""

    metadata: dict[str, Value]
    tensors: dict[str, Tensor]
    size_bytes: int  # of the whole file

    def text(self, key: str) -> str | None:
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def whole(self, key: str, default: int | None = None) -> int:
        value = self.metadata.get(key, default)
        if not isinstance(value, int):
            raise Unreadable("GGUF", f"no {key}")
        return int(value)

    def real(self, key: str, default: float | None = None) -> float:
        value = self.metadata.get(key, default)
        if not isinstance(value, int | float):
            raise Unreadable("GGUF", f"no {key}")
        return float(value)

    def texts(self, key: str) -> list[str]:
        value = self.metadata.get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Unreadable("GGUF", f"no {key}")
        return [str(item) for item in value]

    def wholes(self, key: str) -> list[int]:
        value = self.metadata.get(key)
        if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
            raise Unreadable("GGUF", f"no {key}")
        return [int(item) for item in value if isinstance(item, int)]

    def cache_bytes(self, context: int) -> int:
        """Bytes of the key-value cache for that many tokens, as llama.cpp lays it out (F16)."""
        arch = self.text("general.architecture") or ""
        try:
            layers, heads = (
                self.whole(f"{arch}.block_count"),
                self.whole(f"{arch}.attention.head_count"),
            )
            width = self.whole(f"{arch}.embedding_length") // max(1, heads)
            kept = self.whole(f"{arch}.attention.head_count_kv", heads)
        except Unreadable:
            return 0  # an architecture with a list per layer: the weights dominate
        return 2 * 2 * context * layers * kept * width


def read_header(path: Path) -> GgufHeader:
    """Read and check a header.  Raises Unreadable, or OSError when the file cannot be read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        reader = _Reader(file, size)
        if reader.bytes(4) != b"GGUF":
            raise Unreadable("GGUF", "the file does not begin like one")
        version = reader.scalar("I")
        if version not in (2, 3):
            raise Unreadable("GGUF", f"version {version} is not known")
        tensors, entries = reader.count(), reader.count()
        metadata: dict[str, Value] = {}
        for _ in range(entries):
            key = reader.text()
            metadata[key] = reader.value(int(reader.scalar("I")))
        table = [reader.tensor() for _ in range(tensors)]
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 2**20:
            raise Unreadable("GGUF", "an impossible alignment")
        start = -(-file.tell() // alignment) * alignment
    placed = {
        t.name: Tensor(name=t.name, shape=t.shape, type=t.type, offset=start + t.offset)
        for t in table
    }
    for tensor in placed.values():
        if tensor.offset + _size(tensor) > size:
            raise Unreadable("GGUF", f"the file is cut short: {tensor.name} lies beyond its end")
    if not placed:
        raise Unreadable("GGUF", "there are no weights in it")
    return GgufHeader(metadata=metadata, tensors=placed, size_bytes=size)


def _size(tensor: Tensor) -> int:
    elements, size = BLOCKS.get(tensor.type, (1, 0))  # of an unknown type only the start is checked
    total = 1
    for length in tensor.shape:
        total *= length
    return -(-total // elements) * size


class _Reader:
    """Reads values one after the other; never allocates more than the file could hold."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size

    def bytes(self, length: int) -> bytes:
        data = self._file.read(length) if length <= self._size else b""
        if len(data) != length:
            raise Unreadable("GGUF", "the file is cut short within its header")
        return data

    def scalar(self, code: str) -> int | float | bool:
        found: int | float | bool = struct.unpack(
            "<" + code, self.bytes(struct.calcsize("<" + code))
        )[0]
        return found

    def count(self) -> int:
        found = int(self.scalar("Q"))
        if found > min(_MOST, self._size):
            raise Unreadable("GGUF", f"an impossible number in the header: {found}")
        return found

    def text(self) -> str:
        length = int(self.scalar("Q"))
        try:
            return self.bytes(length).decode()
        except UnicodeDecodeError as error:
            raise Unreadable("GGUF", "a text in the header is not UTF-8") from error

    def value(self, kind: int, depth: int = 0) -> Value:
        if kind == _TEXT:
            return self.text()
        if kind == _ARRAY and depth < 4:
            inner, length = int(self.scalar("I")), self.count()
            if code := _SCALARS.get(inner):
                return list(
                    struct.unpack(
                        f"<{length}{code}", self.bytes(length * struct.calcsize("<" + code))
                    )
                )
            return [self.value(inner, depth + 1) for _ in range(length)]
        if code := _SCALARS.get(kind):
            return self.scalar(code)
        raise Unreadable("GGUF", f"a value of unknown type {kind}")

    def tensor(self) -> Tensor:
        name, dimensions = self.text(), int(self.scalar("I"))
        if not 0 < dimensions <= 8:
            raise Unreadable("GGUF", f"{name} has {dimensions} dimensions")
        shape = tuple(int(self.scalar("Q")) for _ in range(dimensions))[::-1]
        return Tensor(
            name=name, shape=shape, type=int(self.scalar("I")), offset=int(self.scalar("Q"))
        )
