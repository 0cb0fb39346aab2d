"""Weights in several files, as the hubs keep large ones: an index and the shards that it names.

    x.safetensors.index.json    {"weight_map": {tensor: file}}
    x-00001-of-00003.safetensors, ...

Such an index is one file of weights, whose tensors lie in the shards beside it.  Invariant: it
names files of its own folder alone, and all of them are there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from generation.catalog.header import Header, read_header
from generation.catalog.modelfolder import read_json
from generation.errors import BrokenWeights, UnusableWeights
from generation.recipe import Sha256

_INDEX = re.compile(r"(.+\.safetensors)\.index(?:\.[\w-]+)?\.json")
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.safetensors")


def is_index(path: Path) -> bool:
    """Whether a file is called like an index of shards."""
    return _INDEX.fullmatch(path.name) is not None


def whole_name(path: Path) -> str:
    """What the file would be called if it were one."""
    match = _INDEX.fullmatch(path.name)
    return match[1] if match else path.name


def shards_of(index: Path, name: str) -> tuple[Path, ...]:
    """The files that an index names, by their names.  Raises BrokenWeights."""
    weights = read_json(index, name).get("weight_map")
    named = sorted({str(v) for v in weights.values()}) if isinstance(weights, dict) else []
    if not named:
        raise BrokenWeights(name, f"its {index.name} names no shards")
    if any(Path(shard).name != shard for shard in named):
        raise BrokenWeights(name, f"its {index.name} names a file elsewhere")
    files = tuple(index.with_name(shard) for shard in named)
    lacking = [file for file in files if not file.is_file()]
    if lacking:
        raise BrokenWeights(name, f"{len(lacking)} of its {len(named)} shards are missing")
    return files


def lacks_index(path: Path) -> bool:
    """Whether a file is a shard that no index beside it names.  Raises nothing."""
    match = _SHARD.fullmatch(path.name)
    if match is None:
        return False
    return not any(_names(index, path) for index in path.parent.glob("*.json"))


def is_shard(path: Path) -> bool:
    """Whether a file is called like a shard."""
    return _SHARD.fullmatch(path.name) is not None


def _names(index: Path, shard: Path) -> bool:
    try:
        return is_index(index) and shard in shards_of(index, index.name)
    except UnusableWeights:
        return is_index(index)  # which is refused for all of them


def read_weights(path: Path, name: str) -> Header:
    """The head of a file of weights, or of all shards of an index.  Raises UnusableWeights."""
    if not is_index(path):
        if lacks_index(path):
            raise BrokenWeights(name, "a shard whose index (.safetensors.index.json) is missing")
        return read_header(path, name)
    heads = {file: read_header(file, f"{name}/{file.name}") for file in shards_of(path, name)}
    whole = Header(
        shapes={key: shape for head in heads.values() for key, shape in head.shapes.items()},
        dtypes={key: kind for head in heads.values() for key, kind in head.dtypes.items()},
        places={key: place for head in heads.values() for key, place in head.places.items()},
        metadata={key: text for head in heads.values() for key, text in head.metadata.items()},
        file_bytes=sum(head.file_bytes for head in heads.values()),
    )
    return replace(whole, shards={key: file for file, head in heads.items() for key in head.shapes})


def files_of_weights(path: Path, name: str) -> tuple[Path, ...]:
    """The files of a file of weights: itself, or an index and its shards."""
    return (path, *shards_of(path, name)) if is_index(path) else (path,)


def digest_of_weights(path: Path, name: str, digest: Callable[[Path], Sha256]) -> Sha256:
    """The digest of a file of weights: of several, that of their names and digests."""
    if not is_index(path):
        return digest(path)
    return digest_of_files({f.name: digest(f) for f in files_of_weights(path, name)})


def digest_of_files(digests: dict[str, Sha256]) -> Sha256:
    """The digest of several files, by where they lie in their folder."""
    lines = sorted(f"{place} {sha256}\n" for place, sha256 in digests.items())
    whole = hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape"))
    return Sha256(whole.hexdigest())
