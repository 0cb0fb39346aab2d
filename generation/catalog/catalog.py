"""Which weights lie on this disk: their kind, family and sha256.

    folder/**/model_index.json     a diffusers folder: one checkpoint
    folder/**/config.json          of an AutoencoderKL: a folder that is a VAE
    folder/**/*.safetensors        a checkpoint, LoRA, VAE or embedding, told by its tensors
    folder/**/*.ckpt .pt .pth .bin refused, and never opened: a pickle can run code
    folder/**/*.gguf .onnx .sft    refused as well, and named
    atelier.toml in the folder, or <file>.atelier.toml beside the file: a card with family and title

Invariant: whatever lies in the folders is either an entry or listed in `refused` with its reason;
one bad file never hides the others.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from generation.catalog.card import CARD, as_carded, check_usual, read_card
from generation.catalog.changes import State, state
from generation.catalog.checkpoint import CONFIGS
from generation.catalog.components import Component, chosen
from generation.catalog.digests import Digests
from generation.catalog.folderparts import note_on_variants, read_parts, read_vae_folder
from generation.catalog.header import read_header, read_tensor
from generation.catalog.modelfolder import (
    INDEX,
    PICKLES,
    UNREAD,
    denoiser_of_folder,
    files_of_folder,
    is_vae_folder,
    read_json,
)
from generation.catalog.recognition import KINDS, Anatomy, Kind, anatomy_of_vae, of_file, of_folder
from generation.draft import UNSAID, Checkpoint, Draft
from generation.errors import (
    MissingWeights,
    NoSuchName,
    NotUsable,
    PickleRefused,
    UnusableWeights,
    WeightsChanged,
)
from generation.families.architecture import Purpose
from generation.families.family import FAMILIES, family
from generation.recipe import Sha256, Task, Weights
from generation.sigmas import ZERO_SNR

# What odd files might still make of our judging: they are refused, and hide no other.
_SURPRISES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


SHORT_HASH = 10  # letters of a sha256, as A1111 shows them beside a model's name
_HASHED = re.compile(r".*\[([0-9a-fA-F]{10,64})\]", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Usable weights.  `weights.name` is `name`, which no other entry of the catalog has."""

    name: str
    path: Path
    weights: Weights
    family: str  # "" for a VAE without a card: its shapes do not tell
    kind: Kind
    size_bytes: int
    title: str
    channels: int | None = None  # of a checkpoint: that its denoiser takes
    # Of a checkpoint: what `Checkpoint` says of them.
    components: tuple[Weights, ...] = ()
    vae: Weights | None = None
    levels: str | None = None
    prediction: str | None = None
    noise: str | None = None
    usual: Draft = UNSAID
    built: tuple[str, ...] = ()  # of a VAE: the architectures that have such a one
    note: str = ""  # what its owner may want to know

    @property
    def short(self) -> str:
        """A short name that means this entry alone, in the form that A1111 shows: `name [hash]`."""
        return f"{self.name[:40].replace(',', ' ').strip()} [{self.weights.sha256[:SHORT_HASH]}]"

    @property
    def model(self) -> Checkpoint:
        """What a draft is completed with.  Raises NoSuchName when it is no checkpoint."""
        if self.kind != "checkpoint":
            raise NoSuchName("model", self.name)
        return Checkpoint(
            weights=self.weights,
            family=family(self.family),
            purpose=self.purpose,
            components=self.components,
            vae=self.vae,
            levels=self.levels,
            prediction=self.prediction,
            noise=self.noise,
            usual=self.usual,
        )

    @property
    def purpose(self) -> Purpose | None:
        """What it is made for, where it does not draw from words or over a picture."""
        if self.channels is None or self.kind != "checkpoint":
            return None
        return family(self.family).architecture.purposes.get(self.channels)

    @property
    def draws_words(self) -> bool:
        """Whether it makes pictures of words alone."""
        tasks = family(self.family).tasks if self.kind == "checkpoint" else frozenset()
        return self.purpose is None and Task.TEXT_TO_IMAGE in tasks

    def fits(self, family_name: str) -> bool:
        """Whether a VAE can be used with that family: some architectures have the same shapes."""
        mine, theirs = FAMILIES.get(self.family), family(family_name)
        return theirs.architecture.name in self.built if mine is None else theirs.takes("vae", mine)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Weights that are usable, before they have a unique name."""

    path: Path
    sha256: Sha256
    anatomy: Anatomy
    size_bytes: int
    title: str | None
    note: str = ""


class Catalog:
    """The weights in some folders.  Call `scan` first, and `refresh` when they may have changed.

    Safe to use from several threads: a scan puts its result in place at once.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        digests: Path,
        *,
        on_piece: Callable[[], None] = lambda: None,
        configs: Path = CONFIGS,
    ) -> None:
        self._folders, self._configs = tuple(folders), configs
        self._digests = Digests(digests, on_piece)
        self._entries: tuple[Entry, ...] = ()
        self._refused: tuple[UnusableWeights, ...] = ()
        self._sizes: dict[Sha256, int] = {}  # of all that ever lay here
        self._scanned: State = frozenset()  # the folders as they were at the last scan
        self._seen: State = frozenset()  # and at the last look
        self._lock = threading.Lock()

    @property
    def hashed_bytes(self) -> int:
        """How many bytes were hashed by this object: 0 when the cache knew everything."""
        return self._digests.read_bytes

    def scan(self) -> None:
        """Look at the folders.  Reads new and changed files once, from beginning to end."""
        with self._lock:
            self._scanned = self._seen = state(self._folders)
            found: list[_Found] = []
            refused: list[UnusableWeights] = []
            for path in _candidates(self._folders, refused):
                try:
                    found.append(self._look(path))
                except UnusableWeights as error:
                    refused.append(error)
            self._digests.save()
            names = _unique_names([one.path for one in found])
            entries = _entries(names, found, refused)
            self._entries = tuple(sorted(entries, key=lambda e: (KINDS.index(e.kind), e.name)))
            self._refused = tuple(sorted(refused, key=str))
            own = {entry.weights.sha256: entry.size_bytes for entry in entries}
            self._sizes |= {
                entry.weights.sha256: sum(
                    own[each.sha256] for each in (entry.weights, *entry.components)
                )
                for entry in entries
            }

    def refresh(self, *, at_rest: bool = False) -> bool:
        """Scan if the folders are not what they were at the last scan; returns whether.

        `at_rest`: not while they are written to, which is when two looks see the same.
        """
        now = state(self._folders)
        if now == self._scanned:
            return False
        before, self._seen = self._seen, now
        if at_rest and now != before:
            return False
        self.scan()
        return True

    @property
    def is_changing(self) -> bool:
        """Whether the last look saw what no scan has seen yet."""
        return self._seen != self._scanned

    def models(self) -> tuple[Entry, ...]:
        """The checkpoints, by name."""
        return self.entries("checkpoint")

    def entries(self, kind: Kind | None = None) -> tuple[Entry, ...]:
        """Everything usable, or what is of one kind, by name."""
        return tuple(e for e in self._entries if kind is None or e.kind == kind)

    def size_of(self, digest: Sha256) -> int:
        """Bytes of weights that lie here or once did, a checkpoint's with those of its components;
        0 for others."""
        return self._sizes.get(digest, 0)

    def families(self) -> dict[Sha256, str]:
        """The family of everything that has one, by digest."""
        return {e.weights.sha256: e.family for e in self._entries if e.family}

    def refused(self) -> tuple[UnusableWeights, ...]:
        """What lies in the folders and cannot be used, with the reasons."""
        return self._refused

    def find(self, name: str, kind: Kind = "checkpoint") -> Entry:
        """The entry of that name; upper and lower case and ".safetensors" do not matter.

        "anything [1a2b3c4d5e]" means the entry whose sha256 begins so.

        Raises NoSuchName with the nearest names, NotUsable where a file of that name is refused.
        """
        entries = self.entries(kind)
        for spelled in (str, str.casefold):
            for wanted in (name, name.removesuffix(".safetensors")):
                same = [e for e in entries if spelled(e.name) == spelled(wanted)]
                if len(same) == 1:
                    return same[0]
        if match := _HASHED.fullmatch(name.strip()):
            same = [e for e in entries if e.weights.sha256.startswith(match[1].lower())]
            if len(same) == 1:
                return same[0]
        word = "model" if kind == "checkpoint" else kind
        for refused in self._refused:
            file = refused.name.casefold()
            if name.casefold() in (file, file.removesuffix(".safetensors")):
                raise NotUsable(word, name, refused.reason)
        lower = {e.name.casefold(): e.name for e in entries}
        near = get_close_matches(name.casefold(), lower, n=3, cutoff=0.4)
        there = tuple(entry.name for entry in entries)
        raise NoSuchName(word, name, tuple(lower[key] for key in near), there)

    def known(self, weights: Weights) -> Entry | None:
        """What lies here with this digest, as of the last scan."""
        return next((e for e in self._entries if e.weights.sha256 == weights.sha256), None)

    def locate(self, weights: Weights) -> Path:
        """The path of exactly these weights, checked to be still the same.

        Unchanged size and modification time count as unchanged; otherwise the file is read again.
        Looks at the folders once more before it gives up.  Raises WeightsChanged when the name is
        here with another content, the refusal of a file of this name, MissingWeights when nothing
        here has the digest.
        """
        path = self._still(weights)
        if path is None:
            self.scan()
            path = self._still(weights)
        if path is not None:
            return path
        for entry in self._entries:
            if entry.name == weights.name:
                raise WeightsChanged(weights.name, weights.sha256, entry.weights.sha256)
        for refused in self._refused:
            if refused.name.removesuffix(".safetensors") == weights.name:
                raise refused  # it lies here, and an older program may have drawn with it
        raise MissingWeights(weights.name, weights.sha256)

    def _still(self, weights: Weights) -> Path | None:
        same = [e for e in self._entries if e.weights.sha256 == weights.sha256]
        for entry in sorted(same, key=lambda e: e.name != weights.name):
            try:
                now = self._look(entry.path)
            except UnusableWeights:
                continue
            if now.sha256 == weights.sha256:
                return entry.path
        self._digests.save()  # reading a changed file took time that need not be spent again
        return None

    def _look(self, path: Path) -> _Found:
        try:
            return self._judged(path)
        except _SURPRISES as error:
            kind = type(error).__name__
            raise UnusableWeights(_readable(path), f"it cannot be judged ({kind})") from error

    def _judged(self, path: Path) -> _Found:
        name = _readable(path)
        if path.suffix.lower() in PICKLES:
            raise PickleRefused(name)
        if (why := UNREAD.get(path.suffix.lower())) is not None:
            raise UnusableWeights(name, why)
        if path.is_dir():
            return self._look_at_folder(path, name)
        header = read_header(path, name)
        card = read_card(path.with_name(f"{path.name}.{CARD}"), name)
        anatomy = of_file(
            header.shapes,
            name,
            header.metadata,
            card.kind,
            card.family,
            dtypes=header.dtypes,
            read=lambda key: read_tensor(path, header, key, name),
            configs=self._configs,
        )
        return _Found(
            path=path,
            sha256=self._digests.of(path, name),
            anatomy=as_carded(anatomy, card, name),
            size_bytes=header.file_bytes,
            title=card.title,
        )

    def _look_at_folder(self, path: Path, name: str) -> _Found:
        files = files_of_folder(path, name)
        card = read_card(path / CARD, name)
        if is_vae_folder(path):
            anatomy, note = anatomy_of_vae(read_vae_folder(path, name)), ""
        else:
            anatomy = _anatomy_of_folder(path, card.family, name)
            note = note_on_variants(path, name, family(anatomy.family).architecture)
        lines, size = [], 0
        for file in files:
            if file.suffix == ".safetensors":
                size += read_header(file, f"{name}/{file.relative_to(path).as_posix()}").file_bytes
            relative = file.relative_to(path).as_posix()
            lines.append(f"{relative} {self._digests.of(file, name)}\n")
        whole = hashlib.sha256("".join(sorted(lines)).encode("utf-8", "surrogateescape"))
        return _Found(
            path=path,
            sha256=Sha256(whole.hexdigest()),
            anatomy=as_carded(anatomy, card, name),
            size_bytes=size,
            title=card.title,
            note=note,
        )


def _anatomy_of_folder(path: Path, said: str | None, name: str) -> Anatomy:
    index = read_json(path / INDEX, name)
    config = read_json(denoiser_of_folder(path, index) / "config.json", name)
    anatomy = of_folder(index.get("_class_name"), config, name, said)
    usual = family(anatomy.family)
    trained = read_parts(path, name, index, usual.architecture)
    anatomy = replace(anatomy, says=trained.prediction)
    if trained.noise == usual.noise:
        return anatomy
    levels = trained.noise.removesuffix(ZERO_SNR)
    return replace(
        anatomy,
        levels=levels if levels != usual.noise else None,
        noise=trained.noise if trained.noise.endswith(ZERO_SNR) else None,
    )


def _entries(
    names: Sequence[str], found: Sequence[_Found], refused: list[UnusableWeights]
) -> list[Entry]:
    """Each under its name.

    A checkpoint is refused whose card's VAE or settings cannot be used, or that lacks a part.
    """
    vaes = {
        spelled: Weights(name=name, sha256=one.sha256)
        for name, one in zip(names, found, strict=True)
        if one.anatomy.kind == "vae"
        for spelled in (name, name.casefold(), f"{name}.safetensors", one.path.name)
    }
    parts = [
        Component(
            weights=Weights(name=name, sha256=one.sha256),
            fills=one.anatomy.fills,
            size_bytes=one.size_bytes,
        )
        for name, one in zip(names, found, strict=True)
        if one.anatomy.fills
    ]
    entries = []
    for name, one in zip(names, found, strict=True):
        wanted = one.anatomy.vae
        vae = None if wanted is None else vaes.get(wanted) or vaes.get(wanted.casefold())
        if wanted is not None and vae is None:
            refused.append(UnusableWeights(name, f"its card's VAE {wanted!r:.60} is not here"))
            continue
        entry = _entry(name, one, vae)
        try:
            if one.anatomy.lacks:
                entry = _completed(entry, one.anatomy.lacks, parts)
            if entry.usual != UNSAID:
                check_usual(entry.model)
        except UnusableWeights as error:
            refused.append(error)
        else:
            entries.append(entry)
    return entries


def _completed(entry: Entry, lacks: Sequence[str], parts: Sequence[Component]) -> Entry:
    """A checkpoint with the files of what it lacks.  Raises UnusableWeights."""
    built = family(entry.family).architecture
    components, said = chosen(built, lacks, parts, entry.name)
    note = "; ".join(text for text in (entry.note, said) if text)
    return replace(entry, components=components, note=note)


def _entry(name: str, found: _Found, vae: Weights | None) -> Entry:
    anatomy = found.anatomy
    return Entry(
        name=name,
        path=found.path,
        weights=Weights(name=name, sha256=found.sha256),
        family=anatomy.family,
        kind=anatomy.kind,
        size_bytes=found.size_bytes,
        title=found.title or name,
        vae=vae,
        channels=anatomy.channels,
        levels=anatomy.levels,
        prediction=anatomy.prediction,
        noise=anatomy.noise,
        usual=anatomy.usual,
        built=anatomy.built,
        note=found.note,
    )


def _candidates(folders: Sequence[Path], refused: list[UnusableWeights]) -> Iterator[Path]:
    """Every file and diffusers folder that may be weights, each once, by whatever link."""
    seen: set[Path] = set()
    waiting = list(reversed(folders))
    for folder in folders:
        if not folder.is_dir():
            refused.append(UnusableWeights(str(folder), "there is no such folder"))
            waiting.remove(folder)
    while waiting:
        path = waiting.pop()
        try:
            real = path.resolve(strict=True)
            if real in seen:
                continue
            seen.add(real)
            mode = real.stat().st_mode
            if stat.S_ISDIR(mode):
                if (path / INDEX).exists() or is_vae_folder(path):
                    yield path
                else:
                    # A link's name, not its target's, is what people see: HF caches name by digest.
                    inside = sorted((p for p in path.iterdir() if p.name[:1] != "."), reverse=True)
                    waiting += inside
            elif path.suffix.lower() in (*PICKLES, *UNREAD, ".safetensors"):
                if stat.S_ISREG(mode):
                    yield path
                else:  # opening a pipe would wait for ever
                    refused.append(UnusableWeights(_readable(path), "it is no regular file"))
        except FileNotFoundError:
            refused.append(UnusableWeights(_readable(path), "it is a link to nothing"))
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, in Python 3.11
            reason = getattr(error, "strerror", None) or str(error)
            refused.append(UnusableWeights(_readable(path), f"it cannot be read: {reason}"))


def _unique_names(paths: Sequence[Path]) -> list[str]:
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
    last = known.name if with_suffix or known.suffix != ".safetensors" else known.stem
    return _text("/".join((*known.parts[-1 - parents : -1], last)))


def _known_as(path: Path) -> Path:
    """The path as people know it: Hugging Face's cache names a model's folder by its commit."""
    if len(path.parts) > 2 and path.parts[-2] == "snapshots":
        repository = path.parts[-3]
        if repository.startswith("models--"):
            return path.parents[2].joinpath(*repository.split("--")[1:])
    return path


def _readable(path: Path) -> str:
    """The last part of a path, for errors."""
    return _text(_known_as(path).name)


def _text(name: str) -> str:
    """As text that can be shown and stored; a file name may be any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")
