"""Numbers as they lie in files, and how they get into tensors.

    Stored           which bytes of which file a tensor is made of, and how
    Packing          the same of one whose numbers are packed
    Filler           reads those bytes in pieces, converts each, and forgets it
    StoredNumbers    all of a module: what its `Residence` reads

Nothing stays open or mapped: a file that is replaced or cut short meanwhile is an error of a read,
and never a fault of the process.  The invariant: the same bytes give the same bits each time, and
besides the tensors themselves one piece is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import torch
from torch import Tensor

from generation.catalog.header import Header
from generation.catalog.heads import head_of
from generation.catalog.quantised import BLOCKS, Contents
from generation.errors import Cancelled, UnusableWeights
from generation.worker.unpacking import unpacked

PIECE = 2**23  # bytes

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}


# Tables of networks.
_WHOLE = {"I64": torch.int64, "BOOL": torch.bool}

# What packed weights and their scales are made of.
_BYTES = {
    "I8": torch.int8,
    "U8": torch.uint8,
    "F8_E8M0": torch.uint8,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Where the numbers of one tensor lie."""

    file: Path
    begin: int  # its first byte in the file
    dtype: torch.dtype
    shape: tuple[int, ...]  # as it lies there
    transposed: bool = False
    packing: Packing | None = None  # how its numbers are made of what lies there

    def share(self, nth: int, of: int, *, transposed: bool = False) -> Stored:
        """One of as many equal shares of its rows, or of its columns that are rows there."""
        rows = self.shape[0] // of if self.shape else 0
        shape = (rows, *self.shape[1:]) if self.shape else ()
        if (packing := self.packing) is not None:
            packing = replace(packing, first=packing.first + nth * rows)
            return replace(self, shape=shape, packing=packing, transposed=transposed)
        begin = self.begin + nth * rows * prod(self.shape[1:]) * self.dtype.itemsize
        return replace(self, begin=begin, shape=shape, transposed=transposed)

    @property
    def bytes(self) -> int:
        """How many lie there."""
        return prod(self.shape) * self.dtype.itemsize

    def rows(self, first: int, count: int) -> Stored:
        """Some of the rows of what is not packed."""
        width = prod(self.shape[1:]) * self.dtype.itemsize
        return replace(self, begin=self.begin + first * width, shape=(count, *self.shape[1:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """How the numbers of a weight are packed: see `generation.worker.unpacking`."""

    kind: str
    raw: Stored  # the bytes of the whole weight, as they lie there
    sides: Mapping[str, Stored]
    group: int | None
    first: int = 0  # which row is the first that is wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of weights, by its head."""

    path: Path
    header: Header

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that have the numbers, which are several where it is in shards."""
        return tuple(dict.fromkeys(self.header.shards.values())) or (self.path,)

    @property
    def floats(self) -> tuple[str, ...]:
        """The tensors that are numbers of a network, and no counts."""
        return tuple(key for key, kind in self.header.dtypes.items() if kind in DTYPES)

    def __getitem__(self, key: str) -> Stored:
        """Where a tensor lies, as it lies there.  Raises KeyError."""
        kind, shape = self.header.dtypes[key], self.header.shapes[key]
        if kind in BLOCKS:
            numbers, size = BLOCKS[kind]
            shape = (prod(shape[:-1]), shape[-1] // numbers * size)
        return Stored(
            file=self.header.shards.get(key, self.path),
            begin=self.header.places[key][0],
            dtype=torch.uint8 if kind in BLOCKS else {**DTYPES, **_BYTES, **_WHOLE}[kind],
            shape=shape,
        )

    def unpacked(self, key: str, contents: Contents) -> Stored:
        """Where a tensor lies, and how its numbers are packed.  Raises KeyError."""
        raw, packed = self[key], contents.packed.get(key)
        if packed is None:
            return raw
        packing = Packing(
            kind=packed.kind,
            raw=raw,
            sides={role: self[side] for role, side in packed.sides.items()},
            group=packed.group,
        )
        shape = contents.shapes[key]
        return replace(raw, dtype=torch.float32, shape=shape, packing=packing)


def stored_file(path: Path, name: str) -> StoredFile:
    """Read a file's head.  Raises UnusableWeights."""
    return StoredFile(path=path, header=head_of(path, name))


@dataclass(slots=True, kw_only=True)
class Filler:
    """Reads numbers into tensors.  `may_go_on` is asked between two pieces; Cancelled is raised
    when it says no.  `through`: what numbers are rounded to before they become what is wanted."""

    may_go_on: Callable[[], bool]
    through: torch.dtype | None = None
    _files: dict[Path, BinaryIO] = field(default_factory=dict)  # open ones
    _piece: Tensor = field(default_factory=lambda: torch.empty(PIECE, dtype=torch.uint8))
    # What was unpacked last: others may want further rows of it.
    _latest: tuple[Packing, Tensor] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def fill(self, into: Tensor, stored: Stored) -> None:
        """Fill a contiguous tensor of any dtype, on any device.  Raises UnusableWeights."""
        if stored.packing is None and not stored.transposed:
            self._copy(into.view(-1), stored)
            return
        if stored.packing is not None:
            whole = self._unpacked(stored, stored.packing).to(self.through or into.dtype)
        else:
            whole = torch.empty(stored.shape, dtype=stored.dtype)
            self._copy(whole.view(-1), stored)
        whole = self._rounded(whole)
        into.copy_((whole.T if stored.transposed else whole).reshape(into.shape))

    def _unpacked(self, stored: Stored, packing: Packing) -> Tensor:
        """The wanted rows of a weight that is packed, in float32."""
        whole = replace(packing, first=0)
        if self._latest is None or self._latest[0] != whole:
            raw = self._as_it_lies(packing.raw)
            sides = {role: self._as_it_lies(side) for role, side in packing.sides.items()}
            found = unpacked(packing.kind, raw, sides, packing.group)
            self._latest = whole, found
        found = self._latest[1]
        if not stored.shape:
            return found.reshape(())
        some = found if found.dim() < 2 else found.reshape(found.shape[0], -1)
        rows = some[packing.first : packing.first + stored.shape[0]]
        across = prod(stored.shape[1:])
        return (rows[:, :across] if rows.dim() == 2 else rows).reshape(stored.shape)

    def _as_it_lies(self, stored: Stored) -> Tensor:
        found = torch.empty(stored.shape, dtype=stored.dtype)
        for start in range(0, found.numel(), PIECE):
            self._read(found.view(-1)[start : start + PIECE].view(torch.uint8), stored, start)
        return found

    def _copy(self, into: Tensor, stored: Stored) -> None:
        as_it_lies = self.through in (None, stored.dtype) and into.dtype == stored.dtype
        if as_it_lies and into.device.type == "cpu":
            for start in range(0, into.numel(), PIECE):
                self._read(into[start : start + PIECE].view(torch.uint8), stored, start)
            return
        piece = self._piece.view(stored.dtype)
        for start in range(0, into.numel(), len(piece)):
            some = piece[: into.numel() - start]
            self._read(some.view(torch.uint8), stored, start)
            into[start : start + len(some)].copy_(self._rounded(some))

    def _rounded(self, some: Tensor) -> Tensor:
        return some if self.through is None else some.to(self.through)

    def _read(self, into: Tensor, stored: Stored, start: int) -> None:
        """Some of the file's bytes, as they are; `start`: the first number."""
        if not self.may_go_on():
            raise Cancelled
        file = self._files.get(stored.file)
        if file is None:
            file = self._files[stored.file] = stored.file.open("rb", buffering=0)
        view = memoryview(into.numpy())  # type: ignore[arg-type]  # an array is a buffer
        file.seek(stored.begin + start * stored.dtype.itemsize)
        while view:
            size = file.readinto(view)  # type: ignore[attr-defined]  # it is not buffered
            if not size:
                raise UnusableWeights(stored.file.name, "it was cut short while it was read")
            view = view[size:]


class StoredNumbers:
    """A module's numbers: of each tensor where its rows lie, piece by piece, or what is in none.

    `through`: what they are rounded to before they become what the module has.
    """

    def __init__(
        self, lie: Sequence[Sequence[Stored] | Tensor], through: torch.dtype | None = None
    ) -> None:
        self._lie, self._through = tuple(lie), through

    def rounded(self, through: torch.dtype) -> StoredNumbers:
        """The same, rounded to this before."""
        return StoredNumbers(self._lie, through)

    def some(self, which: Sequence[int]) -> StoredNumbers:
        """Those of these tensors alone."""
        return StoredNumbers([self._lie[number] for number in which], self._through)

    def read(self, into: Sequence[Tensor], may_go_on: Callable[[], bool]) -> None:
        """Fill these, in the order in which they lie.  Raises UnusableWeights and Cancelled."""
        pieces: list[tuple[Tensor, Stored]] = []
        for one, lie in zip(into, self._lie, strict=True):
            if isinstance(lie, Tensor):
                one.copy_(lie)
            elif len(lie) == 1:
                pieces.append((one, lie[0]))
            else:
                rows = torch.split(one, [stored.shape[0] for stored in lie])
                pieces += zip(rows, lie, strict=True)
        with Filler(may_go_on=may_go_on, through=self._through) as filler:
            for one, stored in sorted(pieces, key=lambda each: (each[1].file, each[1].begin)):
                filler.fill(one, stored)
