"""Which files weights consist of: what a node needs to know to fetch them.

The invariant: a manifest that passed `parse` for a digest describes exactly the weights of that
digest.  The digest of a diffusers folder is made of its files' paths and digests, so the list is
proved by it before the first file is fetched; a card is not, as it decides no pixel.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from generation.catalog.candidates import files_of
from generation.catalog.card import CARD
from generation.catalog.digests import Digests
from generation.catalog.shards import digest_of_files, files_of_weights, is_index, whole_name
from generation.recipe import Sha256

MAX_FILES = 1000
MAX_CARD = 64 * 2**10


class BadManifest(ValueError):
    """The text is no list of the files of these weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    """One file, with its place under the weights' own folder."""

    path: str  # "starter/unet/config.json", "dreamer.safetensors"
    sha256: Sha256
    size: int  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The files of one checkpoint, LoRA, VAE or embedding."""

    folder: str  # the name of the diffusers folder, or of the one with shards; "" for a single file
    parts: tuple[WeightFile, ...]
    card: str  # the text of its atelier.toml, or ""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(part.size for part in self.parts)

    @property
    def card_path(self) -> str:
        """Where the card lies."""
        return f"{self.folder}/{CARD}" if self.folder else f"{self.parts[0].path}.{CARD}"


def of(path: Path, digests: Digests) -> Manifest:
    """The manifest of weights on this disk.  Raises UnusableWeights."""
    name = path.name
    if path.is_dir():
        files = {f"{name}/{f.relative_to(path).as_posix()}": f for f in files_of(path, name)}
        card = path / CARD
    elif is_index(path):
        name = path.parent.name
        files = {f"{name}/{f.name}": f for f in files_of_weights(path, path.name)}
        beside = path.with_name(f"{whole_name(path)}.{CARD}")
        card = beside if beside.exists() else path.with_name(CARD)
    else:
        files, card = {name: path}, path.with_name(f"{name}.{CARD}")
    parts = [
        WeightFile(path=p, sha256=digests.of(f, name), size=f.stat().st_size)
        for p, f in files.items()
    ]
    return Manifest(
        folder=name if path.is_dir() or is_index(path) else "",
        parts=tuple(parts),
        card=card.read_text(encoding="utf-8") if card.is_file() else "",
    )


def home_of(path: Path) -> Path:
    """The folder that the paths of its manifest are in."""
    return path.parent.parent if is_index(path) else path.parent


def dump(manifest: Manifest) -> str:
    """As JSON."""
    return json.dumps(asdict(manifest))


def parse(text: str, sha256: Sha256) -> Manifest:
    """A manifest from elsewhere, proved to be of these weights.  Raises BadManifest."""
    try:
        data = json.loads(text)
        parts = tuple(
            WeightFile(path=str(p["path"]), sha256=Sha256(str(p["sha256"])), size=int(p["size"]))
            for p in data["parts"]
        )
        manifest = Manifest(folder=str(data["folder"]), parts=parts, card=str(data["card"]))
    except (ValueError, TypeError, KeyError) as error:
        raise BadManifest("the list of files is not readable") from error
    if not 1 <= len(parts) <= MAX_FILES or len(manifest.card) > MAX_CARD:
        raise BadManifest("the list of files is empty or too long")
    for part in parts:
        _check_path(part.path, manifest.folder)
    if digest(manifest) != sha256:
        raise BadManifest("the list of files is of other weights")
    return manifest


def digest(manifest: Manifest) -> str:
    """The digest of the weights, as the catalog makes it."""
    if not manifest.folder:
        return manifest.parts[0].sha256 if len(manifest.parts) == 1 else ""
    inside = len(manifest.folder) + 1
    return digest_of_files({part.path[inside:]: part.sha256 for part in manifest.parts})


def _check_path(path: str, folder: str) -> None:
    """Nothing is ever written elsewhere."""
    places = PurePosixPath(path).parts
    plain = all(p not in ("..", ".", "/") and "\\" not in p and ":" not in p for p in places)
    home = places[0] == folder and len(places) > 1 if folder and places else len(places) == 1
    if not plain or not home or "\0" in path or path != "/".join(places):
        raise BadManifest(f"a file with the path {path!r:.80}")
