"""Which of the files that somebody else's picture was drawn with lie here: by hash, then by name.

    a sha256, or its first letters (A1111's model hash, AutoV2)      the file's own
    the sha256 of the tensors, or its first letters (AutoV3)         as a LoRA's head tells it
    eight letters (A1111's first hash)                               of 64 KiB of the file

Invariant: a hash counts more than a name.  A file of the same name whose hash is known to be
another one is told as such: it may draw otherwise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path

from generation.catalog.digests import tensors_sha256
from generation.catalog.entry import Entry
from generation.catalog.header import read_header
from generation.catalog.recognition import Kind
from generation.draft import DraftCanvas
from generation.errors import UnusableWeights
from generation.families.family import family
from generation.interchange.gathering import file_name
from generation.interchange.imported import WantedFile
from generation.tasks import IMAGE, VIDEO, Task

FEWEST_LETTERS = 8  # of a hash that tells anything
_FIRST_HASH = 8  # letters of A1111's first one, of so many bytes from there on:
_FROM, _SO_MANY = 0x100000, 0x10000
LARGEST_READ = 2**30  # bytes of a file that is read from end to end for its tensors' hash

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("checkpoint", "diffusion model", "diffusion_model", "unet"), "checkpoint"),
    "lora": "lora",
    "vae": "vae",
    "embedding": "embedding",
    "controlnet": "controlnet",
    "upscaler": "upscaler",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedFile:
    """A file that is wanted, and what of ours it is."""

    wanted: WantedFile
    entry: Entry | None = None  # None: it is not here
    other: bool = False  # the name is the same, and the hash is another
    part: bool = False  # a part of the checkpoint that is here


def matched(files: Sequence[WantedFile], entries: Sequence[Entry]) -> tuple[MatchedFile, ...]:
    """Each of the files with what it is here.  May read files of LoRAs."""
    found = [_match(file, entries) for file in files]
    whole = next((one.entry for one in found if one.entry and one.entry.kind == "checkpoint"), None)
    return tuple(
        MatchedFile(wanted=one.wanted, part=True)
        if one.entry is None and whole is not None and _is_part(one.wanted, whole)
        else one
        for one in found
    )


def nearest(
    wanted: WantedFile | None,
    canvas: DraftCanvas,
    loras: Iterable[Entry],
    models: Sequence[Entry],
    usual: str | None = None,
    *,
    task: Task | None = None,
) -> Entry | None:
    """Of the models that draw from words the one that comes nearest to one that is not here.

    Of a clip, a sound or a form it is one that does that task.  By the family of LoRAs that are, by
    the size that was drawn, by the name; of several alike it is the one that is `usual`.
    """
    families = {lora.family for lora in loras}

    def likeness(model: Entry) -> float:
        its = family(model.family)
        like = 2.0 if model.family in families else 0.0
        like += 0.6 if model.name == usual else 0.0
        if canvas.width and canvas.height and its.sized:
            area = canvas.width * canvas.height / (its.width * its.height)
            like += 1.0 if 0.5 < area < 2.0 else 0.0
        if wanted is not None:
            like += SequenceMatcher(None, _folded(wanted.name), _folded(model.name)).ratio()
        return like

    if task is None or task.needs.medium == IMAGE:
        return max((one for one in models if one.draws_words), key=likeness, default=None)
    return max((one for one in models if task in one.tasks), key=likeness, default=None)


def _match(file: WantedFile, entries: Sequence[Entry]) -> MatchedFile:
    kind = KINDS.get(file.kind)
    there = [entry for entry in entries if entry.kind == kind]
    for entry in there:
        if _has_hash(entry, file.hash):
            return MatchedFile(wanted=file, entry=entry)
    for fold in (str.casefold, _folded):
        same = [entry for entry in there if file.name and fold(file.name) in _names(entry, fold)]
        if same:
            return MatchedFile(wanted=file, entry=same[0], other=_is_another(same[0], file.hash))
    return MatchedFile(wanted=file)


def _names(entry: Entry, fold: Callable[[str], str]) -> set[str]:
    said = (entry.name, file_name(entry.name), file_name(entry.path.name), entry.title)
    return set(map(fold, said))


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", file_name(name).casefold())


def _has_hash(entry: Entry, digest: str) -> bool:
    if len(digest) < FEWEST_LETTERS:
        return False
    if entry.weights.sha256.startswith(digest):
        return True
    if len(digest) == _FIRST_HASH:
        return _first_hash(entry.path) == digest
    return _told_of_tensors(entry.path).startswith(digest)


def _is_another(entry: Entry, digest: str) -> bool:
    """Whether the hash is none that the file has, as far as one can tell by reading it."""
    if len(digest) < FEWEST_LETTERS:
        return False
    if len(digest) == _FIRST_HASH:
        return True
    small = entry.kind in ("lora", "embedding") and entry.size_bytes <= LARGEST_READ
    return not (small and _of_tensors(entry.path).startswith(digest))


def _is_part(wanted: WantedFile, whole: Entry) -> bool:
    """Whether it is a part of a model that is here: an encoder, its VAE, its second network, or
    what enlarges its latents."""
    if wanted.kind in ("text encoder", "text_encoder", "clip"):
        return True
    if wanted.kind == "clip vision":  # by which a film's networks see what it goes on from
        return family(whole.family).medium == VIDEO
    parts = (*whole.components, *filter(None, (whole.vae_apart, whole.vae, whole.enlarger)))
    named = _folded(wanted.name) in {_folded(one.name) for one in parts}
    return wanted.kind in ("vae", "checkpoint", "upscaler") and named


@lru_cache(maxsize=4096)
def _first_hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(_FROM)
            piece = file.read(_SO_MANY)
    except OSError:
        return ""
    return hashlib.sha256(piece).hexdigest()[:_FIRST_HASH]


@lru_cache(maxsize=4096)
def _told_of_tensors(path: Path) -> str:
    """The tensors' hash as the head of a file tells it; "" where it does not."""
    if path.suffix.casefold() != ".safetensors":
        return ""
    try:
        told = read_header(path, path.name).metadata
    except (UnusableWeights, OSError):
        return ""
    said = told.get("sshs_model_hash") or told.get("modelspec.hash_sha256") or ""
    return said.removeprefix("0x").casefold() or "?"


@lru_cache(maxsize=4096)
def _of_tensors(path: Path) -> str:
    try:
        return tensors_sha256(path)
    except (OSError, ValueError):
        return "?"
