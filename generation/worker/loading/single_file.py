"""A single .safetensors checkpoint -> the parts of a model, without any network.

Such a file has numbers and no shapes; those are in `configs/`, and so is CLIP's tokenizer.  The
invariant: what is read is what `generation.catalog.checkpoint` says of the file, to the catalog as
well; a file whose tensors do not fill the shapes is refused, and never completed at random.
"""

from __future__ import annotations

import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch

from generation.catalog.checkpoint import CONFIGS, Reading, config_of, read_checkpoint, read_vae
from generation.catalog.components import read_component
from generation.catalog.header import read_tensor
from generation.catalog.quantised import Contents
from generation.errors import UnusableWeights
from generation.families.architecture import (
    Architecture,
    Lies,
    Part,
    Tokenizer,
    Trained,
    with_told,
)
from generation.worker.loading.building import Built, numbers_of, skeleton
from generation.worker.loading.stored import Stored, StoredFile, scaled, stored_file
from generation.worker.text import byte_pairs, t5


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleFile:
    """The head of a checkpoint that is one file, or of a VAE that is."""

    name: str
    file: StoredFile
    reading: Reading
    parts: tuple[Part, ...]  # that it has
    trained: Trained | None  # of a checkpoint
    configs: Path
    without: str = ""  # the prefix that its names lack

    def built(self, part: Part, dtype: torch.dtype) -> Built:
        """A part before it has numbers.  Raises BrokenWeights where it lacks some."""
        used = self.reading.used
        folder, network = self.configs / part.config, part.network
        here = {key: self.file.header.shapes[theirs] for key, theirs in used.items()}
        config = with_told(config_of(folder), part.told(here))
        lies = part.where(config)

        def lie(key: str) -> Sequence[Stored] | None:
            key = network.modern(key)
            if key in used:  # a VAE that has its own names
                return (self._stored(key, Lies(key=key)),)
            places = [(place.key.removeprefix(self.without), place) for place in lies.get(key, ())]
            if key not in lies or not all(theirs in used for theirs, _ in places):
                return None
            return [self._stored(theirs, place) for theirs, place in places]

        module = skeleton(network, config, dtype)
        return Built(module=module, numbers=numbers_of(module, lie, self.name, part.title))

    def files(self, _: Part) -> tuple[Path, ...]:
        """The files that have a part's numbers."""
        return (self.file.path,)

    def tokenizer(self, part: Part) -> Any:
        """That of a text encoder."""
        assert part.tokenizer is not None
        return tokenizer(part.tokenizer)

    def _stored(self, key: str, place: Lies) -> Stored:
        theirs = self.reading.used[key]
        found, scale = self.file[theirs], self.reading.scales.of.get(theirs)
        if scale is not None:
            found = scaled(found, self.file[scale])
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
        parts=tuple(
            part
            for part in architecture.parts
            if any(key.startswith(part.prefix) for key in reading.used)
        ),
        trained=Trained(prediction=reading.prediction, noise=noise),
        configs=configs,
    )


def opened_vae(path: Path, architecture: Architecture, name: str) -> SingleFile:
    """Read the head of a VAE that is a file of its own.  Raises UnusableWeights."""
    file, part = stored_file(path, name), architecture.vae
    reading = read_vae(_contents(file, name), name, CONFIGS)
    return SingleFile(
        name=name,
        file=file,
        reading=reading,
        parts=(part,),
        trained=None,
        configs=CONFIGS,
        without=part.prefix,
    )


def opened_component(
    path: Path, architecture: Architecture, name: str, *, configs: Path = CONFIGS
) -> SingleFile:
    """Read the head of a part that is a file of its own.  Raises UnusableWeights."""
    file = stored_file(path, name)
    for part in architecture.parts:
        reading = read_component(_contents(file, name), name, part, configs) if part.apart else None
        if reading is not None:
            return SingleFile(
                name=name, file=file, reading=reading, parts=(part,), trained=None, configs=configs
            )
    raise UnusableWeights(name, "it is no part of that model")


def _contents(file: StoredFile, name: str) -> Contents:
    header = file.header
    return Contents(
        shapes=header.shapes,
        dtypes=header.dtypes,
        metadata=header.metadata,
        read=lambda key: read_tensor(file.path, header, key, name),
    )


def tokenizer(wanted: Tokenizer) -> Any:
    """The tokenizer of a text encoder, which no file brings."""
    match wanted.classes[0]:
        case "T5Tokenizer":
            return t5.tokenizer()
        case "Qwen2Tokenizer":
            return byte_pairs.qwen()
    return clip_tokenizer(wanted.padding)


@cache
def clip_tokenizer(padding: str) -> Any:
    """CLIP's tokenizer, from its merges; `padding` fills short prompts."""
    from transformers.models.clip.tokenization_clip import CLIPTokenizer

    text = lzma.decompress((CONFIGS / "clip-merges.txt.xz").read_bytes()).decode()
    merges = [tuple(line.split(" ")) for line in text.splitlines()]
    letters = byte_pairs.byte_letters()
    tokens = [*letters, *(letter + "</w>" for letter in letters), *map("".join, merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=merges,
        model_max_length=77,
        pad_token=padding,
    )
