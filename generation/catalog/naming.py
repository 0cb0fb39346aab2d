"""What files of weights are called: the shortest names that tell them apart."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from generation.catalog.shards import whole_name


def unique_names(paths: Sequence[Path]) -> list[str]:
    """The shortest that tell them apart: "name", "name.safetensors", "folder/name", ..."""
    lengths = [0] * len(paths)
    while True:
        names = [_spelled(path, n) for path, n in zip(paths, lengths, strict=True)]
        counts = Counter(name.casefold() for name in names)
        longer = [
            n + 1 if counts[name.casefold()] > 1 and n < 2 * len(path.parts) else n
            for path, name, n in zip(paths, names, lengths, strict=True)
        ]
        if longer == lengths:
            return names
        lengths = longer


def _spelled(path: Path, length: int) -> str:
    if length >= 2 * len(path.parts):
        return _text(str(path))
    known = _known_as(path)
    parents, with_suffix = divmod(length, 2)
    last = whole_name(known)
    if not with_suffix:
        last = last.removesuffix(".safetensors")
    return _text("/".join((*known.parts[-1 - parents : -1], last)))


def _known_as(path: Path) -> Path:
    """The path as people know it: Hugging Face's cache names a model's folder by its commit."""
    if len(path.parts) > 2 and path.parts[-2] == "snapshots":
        repository = path.parts[-3]
        if repository.startswith("models--"):
            return path.parents[2].joinpath(*repository.split("--")[1:])
    return path


def readable(path: Path) -> str:
    """The last part of a path, for errors."""
    return _text(_known_as(path).name)


def _text(name: str) -> str:
    """As text that can be shown and stored; a file name may be any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")
