"""A file or folder of a ControlNet -> the network that steers, before it has numbers.

The invariant: what is read is what `generation.catalog.controlnets` says of it, to the catalog as
well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from generation.catalog.controlnets import read_controlnet, read_controlnet_folder
from generation.catalog.heads import contents_of
from generation.families.controlnets import ControlKind, part_of
from generation.recipe import Weights
from generation.worker.loading.folder import Folder
from generation.worker.loading.single_file import SingleFile
from generation.worker.loading.stored import stored_file


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedControlNet:
    """The head of a ControlNet, a part by its digest."""

    kind: ControlKind
    source: Folder | SingleFile


def opened_controlnet(path: Path, weights: Weights) -> OpenedControlNet:
    """Read its head.  Raises UnusableWeights."""
    if path.is_dir():
        kind = read_controlnet_folder(path, weights.name).kind
        part = part_of(kind, weights.sha256)
        folder = Folder(
            name=weights.name, homes={part.name: path}, tokenizers=path, parts=(part,), trained=None
        )
        return OpenedControlNet(kind=kind, source=folder)
    file = stored_file(path, weights.name)
    read = read_controlnet(contents_of(path, file.header, weights.name), weights.name)
    part = part_of(read.kind, weights.sha256)
    assert read.reading is not None  # it is a file
    reading = replace(read.reading, parts=(part,), configs={part.name: read.config})
    source = SingleFile(name=weights.name, file=file, reading=reading, trained=None)
    return OpenedControlNet(kind=read.kind, source=source)
