"""A file of an upscaler -> the network that makes pictures larger, before it has numbers.

The invariant: what is read is what `generation.catalog.upscalers` says of the file, to the catalog
as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from generation.catalog.quantised import Contents
from generation.catalog.upscalers import UpscalerReading, read_upscaler
from generation.families.architecture import Config, Part
from generation.families.pixels import UPSCALER
from generation.worker.loading.building import Built, numbers_of, skeleton
from generation.worker.loading.stored import Stored, StoredFile, stored_file


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscalerFile:
    """The head of an upscaler's file."""

    name: str
    file: StoredFile
    reading: UpscalerReading
    parts: tuple[Part, ...] = (UPSCALER,)
    trained: None = None  # it is no checkpoint

    def built(self, part: Part, dtype: torch.dtype) -> Built:
        """The network before it has numbers."""
        module = skeleton(part.network, self.config(part), dtype)

        def lie(key: str) -> Sequence[Stored]:
            return (self.file[self.reading.used[key]],)

        return Built(module=module, numbers=numbers_of(module, lie, self.name, part.title))

    def config(self, _: Part) -> Config:
        """What the network is built from."""
        return asdict(self.reading.build)

    def files(self, _: Part) -> tuple[Path, ...]:
        """The file that has the numbers."""
        return (self.file.path,)

    def tokenizer(self, _: Part) -> None:
        """None: it reads no words."""


def opened_upscaler(path: Path, name: str) -> UpscalerFile:
    """Read its head.  Raises UnusableWeights."""
    file = stored_file(path, name)
    header = file.header
    contents = Contents(shapes=header.shapes, dtypes=header.dtypes, metadata=header.metadata)
    return UpscalerFile(name=name, file=file, reading=read_upscaler(contents, name))
