"""A single .safetensors checkpoint -> the parts of a model, without any network.

Such a file has numbers and no shapes; those are in `configs/`, and so are tokenizers.  The
invariant: what is read is what `generation.catalog.checkpoint` says of the file, to the catalog as
well; a file whose tensors do not fill the shapes is refused, and never completed at random.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from generation.catalog.checkpoint import Reading, missing, read_checkpoint
from generation.catalog.components import read_component
from generation.catalog.heads import contents_of
from generation.catalog.partconfigs import CONFIGS
from generation.catalog.quantised import Contents
from generation.errors import UnusableWeights
from generation.families.architecture import (
    Architecture,
    Config,
    Dtype,
    Lies,
    Part,
    Trained,
)
from generation.worker.loading.building import Built, numbers_of, skeleton
from generation.worker.loading.packing import keep_packed
from generation.worker.loading.stored import Stored, StoredFile, stored_file
from generation.worker.loading.tokenizers import tokenizer_for


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleFile:
    """The head of a checkpoint that is one file, or of a VAE that is."""

    name: str
    file: StoredFile
    reading: Reading
    trained: Trained | None  # of a checkpoint
    configs: Path = CONFIGS  # the folder of all of them

    @property
    def parts(self) -> tuple[Part, ...]:
        """Those that it has."""
        return self.reading.parts

    def built(self, part: Part, dtype: torch.dtype) -> Built:
        """A part before it has numbers.  Raises BrokenWeights where it lacks some."""
        used, network = self.reading.used, part.network
        config = self.config(part)
        lies = part.where(config)

        def lie(key: str) -> Sequence[Stored] | None:
            key = network.modern(key)
            if key in used:  # the network's own names
                return (self._stored(key, Lies(key=key)),)
            places = lies.get(key)
            if places is None or not all(place.key in used for place in places):
                return None
            return [self._stored(place.key, place) for place in places]

        module = skeleton(network, config, dtype)
        self._supply(module, part)
        where = keep_packed(module, lie) if part.dtype is Dtype.RECIPE else lie
        return Built(module=module, numbers=numbers_of(module, where, self.name, part.title))

    def _supply(self, module: Any, part: Part) -> None:
        """Gives those buffers their numbers that lie beside the part's config."""
        for name in part.supplied:
            file = self.configs / part.config / f"{name}.json"
            if not file.is_file():
                continue  # the class has computed it
            buffer: torch.Tensor = module.get_buffer(name)
            rows = torch.tensor(json.loads(file.read_text(encoding="utf-8")))
            if rows.shape[1] != buffer.shape[2]:
                raise missing(self.name, part.title, [name])
            buffer.copy_(torch.cat([rows, rows[-1:].expand(buffer.shape[1] - len(rows), -1)]))

    def config(self, part: Part) -> Config:
        """What a part is built from."""
        return self.reading.configs[part.name]

    def files(self, _: Part) -> tuple[Path, ...]:
        """The files that have a part's numbers."""
        return self.file.paths

    def tokenizer(self, part: Part) -> Any:
        """That of a text encoder."""
        assert part.tokenizer is not None
        return tokenizer_for(part.tokenizer, self.file)

    def _stored(self, key: str, place: Lies) -> Stored:
        theirs = self.reading.used[key]
        found = self.file.unpacked(theirs, self.reading.contents)
        return found.share(place.nth, place.of, transposed=place.transposed)


def opened(
    path: Path, architecture: Architecture, name: str, *, configs: Path = CONFIGS
) -> SingleFile:
    """Read a checkpoint's head.  Raises BrokenWeights when tensors are missing or misshapen."""
    file = stored_file(path, name)
    reading = read_checkpoint(_contents(file, name), name, architecture, configs)
    noise = reading.noise or architecture.noise.levels
    return SingleFile(
        name=name,
        file=file,
        reading=reading,
        configs=configs,
        trained=Trained(prediction=reading.prediction, noise=noise),
    )


def opened_vae(
    path: Path, architecture: Architecture, name: str, *, configs: Path = CONFIGS
) -> SingleFile:
    """Read the head of a VAE that is a file of its own.  Raises UnusableWeights."""
    file = stored_file(path, name)
    reading = read_component(_contents(file, name), name, architecture.vae, configs)
    return SingleFile(name=name, file=file, reading=reading, configs=configs, trained=None)


def opened_component(
    path: Path, architecture: Architecture, name: str, *, configs: Path = CONFIGS
) -> SingleFile:
    """Read the head of a part that is a file of its own.  Raises UnusableWeights."""
    file = stored_file(path, name)
    contents = _contents(file, name)
    for part in architecture.parts:
        if part is not architecture.denoiser and part.apart:
            with suppress(UnusableWeights):
                reading = read_component(contents, name, part, configs)
                return SingleFile(
                    name=name, file=file, reading=reading, configs=configs, trained=None
                )
    raise UnusableWeights(name, "it is no part of that model")


def _contents(file: StoredFile, name: str) -> Contents:
    return contents_of(file.path, file.header, name)
