"""Which files of a repository are wanted: one that is named, a diffusers folder, or the only one.

Invariant: what can run code when it is opened is never chosen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from generation.catalog.heads import WRITTEN_AS
from generation.catalog.modelfolder import BLOCKS_INDEX, INDEX, MATTERING, PICKLES
from generation.sources.faults import NoSuchSource, NotFoundThere
from generation.sources.fetching import safe_path
from generation.sources.release import FOLDERS

_VARIANT = re.compile(r"\.(fp16|bf16|fp32|non_ema|ema\w*)(?=\.|-\d{5}-of-)")
_INDEX = ".safetensors.index.json"
_SHARD = re.compile(r"(.*)-\d{5}-of-\d{5}\.safetensors")
# Parts of a diffusers folder that draw nothing.
_SPARE = frozenset({"safety_checker", "feature_extractor"})
# Names that say nothing of whose file it is.
_NAMELESS = re.compile(r"(model|diffusion_pytorch_model|pytorch_lora_weights|adapter_model)\b.*")
_LISTED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PickedFiles:
    """Paths in the repository, each with where it goes below the model folder."""

    paths: tuple[tuple[str, str], ...]
    is_folder: bool = False
    folder: str = ""


def chosen(paths: Sequence[str], wanted: str, repository: str, called: str) -> PickedFiles:
    """What to fetch of a repository (`owner/name`).  Raises NotFoundThere and NoSuchSource.

    `called` is how a person names the repository; the refusal says how to name a file of it.
    """
    name = repository.rpartition("/")[2]
    if not wanted and {INDEX, BLOCKS_INDEX} & set(paths):
        picked = _of_diffusers(paths)
        return PickedFiles(paths=tuple((p, f"{name}/{p}") for p in picked), is_folder=True)
    if wanted:
        if wanted not in paths:
            raise NotFoundThere(f"{called} has no file {wanted!r:.120}.{_listing(paths, called)}")
        if PurePosixPath(wanted).suffix.lower() in PICKLES:
            raise NoSuchSource(
                f"{wanted} is a pickle, which can run code when it is opened: it is not fetched. "
                "Fetch it yourself and turn it into safetensors with `models convert FILE`."
            )
        return _alone(paths, wanted, name)
    weights = [p for p in _whole(paths) if not _VARIANT.search(p)] or _whole(paths)
    if len(weights) == 1:
        return _alone(paths, weights[0], name)
    why = "has several files" if weights else "has no safetensors or GGUF file"
    raise NoSuchSource(f"{called} {why}.{_listing(paths, called)}")


def _alone(paths: Sequence[str], path: str, name: str) -> PickedFiles:
    """One file, or one in shards, by a name that says whose it is."""
    pure = PurePosixPath(path)
    folder = next((part for part in reversed(pure.parts[:-1]) if part in FOLDERS), "")
    if path.endswith(_INDEX):
        stem = path.removesuffix(_INDEX)
        shards = [p for p in paths if (m := _SHARD.fullmatch(p)) and m[1] == stem]
        under = f"{folder}/{name}".strip("/")
        return PickedFiles(
            paths=tuple((p, f"{under}/{PurePosixPath(p).name}") for p in (path, *shards)),
            folder=folder,
        )
    called = f"{name}{pure.suffix}" if _NAMELESS.fullmatch(pure.name) else pure.name
    return PickedFiles(paths=((path, f"{folder}/{called}".strip("/")),), folder=folder)


def _whole(paths: Sequence[str]) -> list[str]:
    """The files of weights; of one in shards its index."""
    return [
        path
        for path in paths
        if path.endswith(_INDEX)
        or (path.lower().endswith(WRITTEN_AS) and not _SHARD.fullmatch(path))
    ]


def _of_diffusers(paths: Sequence[str]) -> list[str]:
    """Index, configs, tokenizers and weights of the parts; of variants the plain weights."""
    mattering = [
        path
        for path in paths
        if PurePosixPath(path).suffix in MATTERING
        and (path in (INDEX, BLOCKS_INDEX) or len(PurePosixPath(path).parts) == 2)
        and PurePosixPath(path).parts[0] not in _SPARE
        and PurePosixPath(path).parts[0][:1] != "."
    ]
    plain = {_VARIANT.sub("", p) for p in mattering if not _VARIANT.search(p)}
    parts_in_plain = {PurePosixPath(p).parent for p in plain if ".safetensors" in p}
    best = _first_variants(mattering)
    return [
        path
        for path in mattering
        if not (match := _VARIANT.search(path))
        or (
            PurePosixPath(path).parent not in parts_in_plain
            and match[1] == best[PurePosixPath(path).parent]
        )
    ]


def _first_variants(paths: Sequence[str]) -> dict[PurePosixPath, str]:
    """Of each part's folder, which variant is taken where no plain weights are."""
    found: dict[PurePosixPath, set[str]] = {}
    for path in paths:
        if match := _VARIANT.search(path):
            found.setdefault(PurePosixPath(path).parent, set()).add(match[1])
    order = ("fp16", "bf16", "fp32")
    return {
        folder: min(names, key=lambda n: (order.index(n) if n in order else len(order), n))
        for folder, names in found.items()
    }


def _listing(paths: Sequence[str], called: str) -> str:
    there = _whole(paths)
    if not there:
        return ""
    shown = ", ".join(f"{called}/{path}" for path in there[:_LISTED])
    more = f" and {len(there) - _LISTED} more" if len(there) > _LISTED else ""
    return f" Name one: {shown}{more}."


def checked(path: str) -> str:
    """A path that somebody typed.  Raises NoSuchSource."""
    return safe_path(path).as_posix() if path else ""
