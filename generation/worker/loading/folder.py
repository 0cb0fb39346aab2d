"""A diffusers folder -> the parts of a model.

The invariant: what is read is what `generation.catalog.folderparts` says of the folder, to the
catalog as well; a folder whose tensors do not fill its configs' shapes is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from generation.catalog.folderparts import (
    chosen_weights,
    read_part,
    read_parts,
    read_vae_folder,
)
from generation.catalog.modelfolder import adapter_of_folder, read_index, read_json
from generation.errors import UnusableWeights
from generation.families.architecture import Architecture, Config, Part, Stage, Trained
from generation.worker.loading.building import Built, class_of, numbers_of, skeleton
from generation.worker.loading.stored import Stored, stored_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A checkpoint that is a folder, or a VAE that is."""

    name: str
    homes: dict[str, Path]  # the folder of each part, by its name
    tokenizers: Path  # where the folders of tokenizers are
    parts: tuple[Part, ...]  # that it has
    trained: Trained | None  # of a checkpoint

    def built(self, part: Part, dtype: torch.dtype) -> Built:
        """A part before it has numbers.  Raises BrokenWeights where it lacks some."""
        home, network = self.homes[part.name], part.network
        lie: dict[str, Sequence[Stored]] = {}
        for path in self.files(part):
            file = stored_file(path, self.name)
            read = (*file.floats, *(key for key in network.tables if key in file.header.shapes))
            lie |= {network.modern(key): (file[key],) for key in read}
        module = skeleton(network, home, dtype)
        return Built(
            module=module,
            numbers=numbers_of(
                module, lambda key: lie.get(network.modern(key)), self.name, part.title
            ),
        )

    def config(self, part: Part) -> Config:
        """What a part is built from."""
        return read_json(self.homes[part.name] / "config.json", self.name)

    def files(self, part: Part) -> tuple[Path, ...]:
        """The files that have a part's numbers."""
        return chosen_weights(self.homes[part.name], self.name, part.network).files

    def tokenizer(self, part: Part) -> Any:
        """That of a text encoder."""
        assert part.tokenizer is not None
        kind = class_of(part.tokenizer.module, part.tokenizer.classes[0])
        return kind.from_pretrained(
            self.tokenizers, subfolder=part.tokenizer.name, local_files_only=True
        )


def opened(path: Path, architecture: Architecture, name: str) -> Folder:
    """Read the heads and configs of a folder.  Raises UnusableWeights."""
    trained = read_parts(path, name, read_index(path, name), architecture)
    its = (part for part in architecture.parts if part.stage is not Stage.ENLARGE)
    parts = [part for part in its if (path / part.name).is_dir()]
    return Folder(
        name=name,
        homes={part.name: path / part.name for part in parts},
        tokenizers=path,
        parts=tuple(parts),
        trained=trained,
    )


def opened_component(path: Path, architecture: Architecture, name: str) -> Folder:
    """Read the head and config of a part that is a folder of its own.  Raises UnusableWeights."""
    part = adapter_of_folder(path)
    if part is None:
        return opened_vae(path, architecture, name)
    if part not in architecture.parts:
        raise UnusableWeights(name, "it is no part of that model")
    read_part(path, name, part)
    return _alone(path, part, name)


def opened_vae(path: Path, architecture: Architecture, name: str) -> Folder:
    """Read the head and config of a VAE that is a folder.  Raises UnusableWeights."""
    read_vae_folder(path, name)
    return _alone(path, architecture.vae, name)


def _alone(path: Path, part: Part, name: str) -> Folder:
    return Folder(name=name, homes={part.name: path}, tokenizers=path, parts=(part,), trained=None)
