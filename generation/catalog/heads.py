"""The head of a file of weights, whatever it is written as."""

from __future__ import annotations

from pathlib import Path

from generation.catalog.gguf_header import SUFFIX, read_gguf
from generation.catalog.header import Header, read_tensor
from generation.catalog.quantised import Contents, understood
from generation.catalog.shards import read_weights

WRITTEN_AS = (".safetensors", SUFFIX)  # the endings of files that are read


def head_of(path: Path, name: str) -> Header:
    """Read and check the head.  Raises UnusableWeights."""
    read = read_gguf if path.suffix.lower() == SUFFIX else read_weights
    return read(path, name)


def contents_of(path: Path, header: Header, name: str) -> Contents:
    """What the head says, with packed weights understood.  Raises UnusableWeights."""
    contents = Contents(
        shapes=header.shapes,
        dtypes=header.dtypes,
        metadata=header.metadata,
        read=lambda key: read_tensor(path, header, key, name),
    )
    return understood(contents, name)
