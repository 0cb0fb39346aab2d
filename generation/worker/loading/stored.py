"""Numbers as they lie in safetensors files, and how they get into tensors.

    Stored           which bytes of which file a tensor is made of, and how
    Filler           reads those bytes in pieces, converts each, and forgets it
    StoredNumbers    all of a module: what its `Residence` reads

Nothing stays open or mapped: a file that is replaced or cut short meanwhile is an error of a read,
and never a fault of the process.  The invariant: the same bytes give the same bits each time, and
besides the tensors themselves one piece is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import torch
from torch import Tensor

from generation.catalog.header import Header
from generation.catalog.shards import read_weights
from generation.errors import Cancelled, UnusableWeights

PIECE = 2**23  # bytes

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Where the numbers of one tensor lie."""

    file: Path
    begin: int  # its first byte in the file
    dtype: torch.dtype
    shape: tuple[int, ...]  # as it lies there
    transposed: bool = False
    scale: Tensor | None = None  # float32: what it is to be multiplied with

    def share(self, nth: int, of: int, *, transposed: bool = False) -> Stored:
        """One of as many equal shares of its rows, or of its columns that are rows there."""
        rows = self.shape[0] // of if self.shape else 0
        scale = self.scale
        if scale is not None and scale.dim():
            scale = scale[nth * rows : (nth + 1) * rows]
        begin = self.begin + nth * rows * prod(self.shape[1:]) * self.dtype.itemsize
        shape = (rows, *self.shape[1:]) if self.shape else ()
        return replace(self, begin=begin, shape=shape, scale=scale, transposed=transposed)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A safetensors file, by its head."""

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
        """Where a tensor lies.  Raises KeyError."""
        return Stored(
            file=self.header.shards.get(key, self.path),
            begin=self.header.places[key][0],
            dtype=DTYPES[self.header.dtypes[key]],
            shape=self.header.shapes[key],
        )


def stored_file(path: Path, name: str) -> StoredFile:
    """Read a file's head.  Raises UnusableWeights."""
    return StoredFile(path=path, header=read_weights(path, name))


@dataclass(slots=True, kw_only=True)
class Filler:
    """Reads numbers into tensors.  `may_go_on` is asked between two pieces; Cancelled is raised
    when it says no.  `through`: what numbers are rounded to before they become what is wanted."""

    may_go_on: Callable[[], bool]
    through: torch.dtype | None = None
    _files: dict[Path, BinaryIO] = field(default_factory=dict)  # open ones
    _piece: Tensor = field(default_factory=lambda: torch.empty(PIECE, dtype=torch.uint8))

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
        if stored.scale is None and not stored.transposed:
            self._copy(into.view(-1), stored)
            return
        whole = torch.empty(stored.shape, dtype=stored.dtype)
        self._copy(whole.view(-1), stored)
        if stored.scale is not None:
            whole = (whole.float() * stored.scale).to(self.through or into.dtype)
        whole = self._rounded(whole)
        into.copy_((whole.T if stored.transposed else whole).reshape(into.shape))

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


def scaled(one: Stored, scale: Stored) -> Stored:
    """Numbers that are to be multiplied with those of another tensor: one, or one for each row."""
    with Filler(may_go_on=lambda: True) as filler:
        factor = torch.empty(scale.shape, dtype=torch.float32)
        filler.fill(factor, scale)
    return replace(one, scale=factor.reshape(()) if factor.numel() == 1 else factor)
