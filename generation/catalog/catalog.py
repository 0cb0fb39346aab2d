"""Which weights lie on this disk: their kind, family and sha256.

    folder/**/model_index.json     a diffusers folder: one checkpoint
    folder/**/config.json          of an AutoencoderKL, a ControlNet, a CLIPSeg, what describes
                                   or scores pictures: a VAE, a ControlNet, a segmenter, a
                                   captioner or a scorer
    folder/**/*.safetensors        a checkpoint, LoRA, VAE, embedding, ControlNet or upscaler
    folder/**/*.safetensors.index.json   one in shards, which lie beside it
    folder/**/*.ckpt .pt .pth .bin refused, and never opened: a pickle can run code
    folder/**/*.gguf .onnx .sft    refused as well, and named
    atelier.toml in the folder, or <file>.atelier.toml beside the file: a card with family and title

Invariant: whatever lies in the folders is either an entry or listed in `refused` with its reason;
one bad file never hides the others.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from generation.catalog.candidates import candidates, files_of
from generation.catalog.captioners import TYPES
from generation.catalog.card import CARD, as_carded, read_card
from generation.catalog.changes import State, state
from generation.catalog.controlnets import is_controlnet_folder, read_controlnet_folder
from generation.catalog.digests import Digests
from generation.catalog.entry import Entry, FoundWeights, entries_of
from generation.catalog.folderparts import note_on_variants, read_parts, read_vae_folder
from generation.catalog.header import read_header, read_tensor
from generation.catalog.heads import head_of
from generation.catalog.modelfolder import (
    PICKLES,
    UNREAD,
    adapter_of_folder,
    denoiser_of_folder,
    is_vae_folder,
    model_type,
    read_index,
    read_json,
)
from generation.catalog.naming import readable, unique_names
from generation.catalog.partconfigs import CONFIGS
from generation.catalog.recognition import (
    KINDS,
    Anatomy,
    Kind,
    anatomy_of_vae,
    of_adapter_folder,
    of_controlnet,
    of_file,
    of_folder,
)
from generation.catalog.remarks import remark_on
from generation.catalog.scorers import SCORERS
from generation.catalog.segmenters import MODEL_TYPE
from generation.catalog.shards import (
    digest_of_files,
    digest_of_weights,
    is_index,
    whole_name,
)
from generation.errors import (
    MissingWeights,
    NoSuchName,
    NotUsable,
    PickleRefused,
    UnusableWeights,
    WeightsChanged,
)
from generation.families.family import family
from generation.recipe import Sha256, Weights
from generation.sigmas import ZERO_SNR

# What odd files might still make of our judging: they are refused, and hide no other.
_SURPRISES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

_HASHED = re.compile(r".*\[([0-9a-fA-F]{10,64})\]", re.DOTALL)


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
            found: list[FoundWeights] = []
            refused: list[UnusableWeights] = []
            for path in candidates(self._folders, refused):
                try:
                    found.append(self._look(path))
                except UnusableWeights as error:
                    refused.append(error)
            self._digests.save()
            names = unique_names([one.path for one in found])
            entries = entries_of(names, found, refused)
            self._entries = tuple(sorted(entries, key=lambda e: (KINDS.index(e.kind), e.name)))
            self._refused = tuple(sorted(refused, key=str))
            self._sizes |= {entry.weights.sha256: entry.size_bytes for entry in entries}

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
        """Bytes of the files of weights that lie here or once did; 0 for others."""
        return self._sizes.get(digest, 0)

    def families(self) -> dict[Sha256, str]:
        """The family of everything that has one, by digest."""
        return {e.weights.sha256: e.family for e in self._entries if e.family}

    def refused(self) -> tuple[UnusableWeights, ...]:
        """What lies in the folders and cannot be used, with the reasons."""
        return self._refused

    def find(self, name: str, kind: Kind = "checkpoint", *, medium: str | None = None) -> Entry:
        """The entry of that name; upper and lower case and ".safetensors" do not matter.

        "anything [1a2b3c4d5e]" means the entry whose sha256 begins so.

        Raises NoSuchName with the nearest names (where a medium is named, of what makes such),
        NotUsable where a file of that name is refused.
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
        there = tuple(e.name for e in entries if medium is None or e.makes(medium))
        lower = {one.casefold(): one for one in there}
        near = get_close_matches(name.casefold(), lower, n=3, cutoff=0.4)
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

    def _look(self, path: Path) -> FoundWeights:
        try:
            return self._judged(path)
        except _SURPRISES as error:
            kind = type(error).__name__
            raise UnusableWeights(readable(path), f"it cannot be judged ({kind})") from error

    def _judged(self, path: Path) -> FoundWeights:
        name = readable(path)
        if path.suffix.lower() in PICKLES:
            raise PickleRefused(name)
        if (why := UNREAD.get(path.suffix.lower())) is not None:
            raise UnusableWeights(name, why)
        if path.is_dir():
            return self._look_at_folder(path, name)
        header = head_of(path, name)
        card = read_card(_card_of(path), name)
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
        return FoundWeights(
            path=path,
            sha256=digest_of_weights(path, name, lambda file: self._digests.of(file, name)),
            anatomy=as_carded(anatomy, card, name),
            size_bytes=header.file_bytes,
            title=card.title,
            note=remark_on(anatomy, card.family),
        )

    def _look_at_folder(self, path: Path, name: str) -> FoundWeights:
        kind = model_type(path)
        files = files_of(path, name)
        card = read_card(path / CARD, name)
        if kind == MODEL_TYPE:
            anatomy, note = Anatomy(kind="segmenter", family=""), ""
        elif kind in TYPES:
            anatomy, note = Anatomy(kind="captioner", family=""), ""
        elif is_controlnet_folder(path):
            anatomy, note = of_controlnet(read_controlnet_folder(path, name), card.family), ""
        elif kind in SCORERS:
            anatomy, note = Anatomy(kind="scorer", family=""), ""
        elif (part := adapter_of_folder(path)) is not None:
            anatomy, note = of_adapter_folder(path, name, part), ""
        elif is_vae_folder(path):
            anatomy, note = anatomy_of_vae(read_vae_folder(path, name)), ""
        else:
            anatomy = _anatomy_of_folder(path, card.family, name)
            note = note_on_variants(path, name, family(anatomy.family).architecture)
        digests, size = {}, 0
        for file in files:
            if file.suffix == ".safetensors":
                size += read_header(file, f"{name}/{file.relative_to(path).as_posix()}").file_bytes
            digests[file.relative_to(path).as_posix()] = self._digests.of(file, name)
        return FoundWeights(
            path=path,
            sha256=digest_of_files(digests),
            anatomy=as_carded(anatomy, card, name),
            size_bytes=size,
            title=card.title,
            note=note,
        )


def _card_of(path: Path) -> Path:
    """The card of a file; of one in shards also that of its folder."""
    beside = path.with_name(f"{whole_name(path)}.{CARD}")
    return path.with_name(CARD) if is_index(path) and not beside.exists() else beside


def _anatomy_of_folder(path: Path, said: str | None, name: str) -> Anatomy:
    index = read_index(path, name)
    config = read_json(denoiser_of_folder(path, index) / "config.json", name)
    anatomy = of_folder(index, config, name, said)
    usual = family(anatomy.family)
    trained = read_parts(path, name, index, usual.architecture)
    anatomy = replace(anatomy, says=trained.prediction)
    if said is None:
        told = usual.architecture.by_levels.get(trained.noise, anatomy.family)
        if trained.guided:
            told = usual.architecture.by_guidance.get(told, told)
        anatomy = replace(anatomy, family=told)
    final = family(anatomy.family)
    usual = final if final.told else usual
    if trained.noise == usual.noise or (final.levels and not final.told):
        return anatomy
    levels = trained.noise.removesuffix(ZERO_SNR)
    return replace(
        anatomy,
        levels=levels if levels != usual.noise else None,
        noise=trained.noise if trained.noise.endswith(ZERO_SNR) else None,
    )
