"""Adding a model: what is to come, whether there is room for it, fetching it, and its cards.

Invariant: nothing is fetched before the disk has room for all of it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from generation.catalog.heads import WRITTEN_AS
from generation.catalog.modelfolder import PICKLES
from generation.sources.carding import card_of, look, write_card
from generation.sources.faults import InTheWay, NoRoomForIt, NoSuchSource, StoppedFetching
from generation.sources.fetching import CHUNK, PARTS, Fetcher
from generation.sources.release import Release

LEAVE = 2**30  # bytes that stay free


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What lies here now; `notes` are sentences for who asked."""

    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def free_bytes(folder: Path) -> int:
    """What the disk of a folder has left, which need not be there yet."""
    there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    return shutil.disk_usage(there).free


def add(
    releases: Sequence[Release],
    folder: Path,
    fetcher: Fetcher,
    free: Callable[[Path], int] = free_bytes,
) -> Added:
    """Fetch all of them below the model folder.  Raises SourceFailed and OSError."""
    check_room(releases, folder, fetcher, free)
    paths: list[Path] = []
    notes: list[str] = []
    for release in releases:
        targets = [folder / file.path for file in release.files]
        for file, target in zip(release.files, targets, strict=True):
            fetcher.fetch(file, target)
            if file.digest is None:
                notes.append(f"nobody says the digest of {target.name}: it is taken as it came")
        for path in _carded(release, folder, targets):
            seen = look(path, release.family) if path.is_file() else None
            if seen is not None:
                write_card(path, card_of(release, seen))
                notes += [seen.note] if seen.note else []
                if release.preview and path.suffix.lower() in WRITTEN_AS:
                    fetcher.fetch_preview(release.preview, path)
            else:
                write_card(path, _card_of_folder(release))
            paths.append(path)
    _tidy(folder)
    return Added(paths=tuple(paths), notes=tuple(notes))


def check_room(
    releases: Sequence[Release], folder: Path, fetcher: Fetcher, free: Callable[[Path], int]
) -> None:
    """Raise NoRoomForIt unless the disk has room for what is still to come."""
    wanted = {folder / file.path: file for release in releases for file in release.files}
    needed = sum(fetcher.lacking(file, target) for target, file in wanted.items())
    there = free(folder)
    if needed and needed + LEAVE > there:
        raise NoRoomForIt(
            f"{_gib(needed)} are to come, and {folder} has {_gib(there)} free, of which "
            f"{_gib(LEAVE)} are left alone: make room, or name another folder with --to."
        )


def _carded(release: Release, folder: Path, targets: Sequence[Path]) -> list[Path]:
    """What gets a card: the folder, the index of shards, or each file."""
    if release.is_folder:
        return [folder / Path(release.files[0].path).parts[0]]
    indices = [path for path in targets if path.name.endswith(".index.json")]
    return indices or list(targets)


def _card_of_folder(release: Release) -> dict[str, object]:
    said: dict[str, object] = {
        "family": release.family,
        "licence": release.licence,
        "source": release.page or release.source,
        "base_model": release.base_model,
        "preview": release.preview,
    }
    return {key: value for key, value in said.items() if value}


def _tidy(folder: Path) -> None:
    """Take the folder of unfinished files away, if none is left."""
    parts = folder / PARTS
    if parts.is_dir() and not any(parts.iterdir()):
        parts.rmdir()


def add_local(
    path: Path,
    folder: Path,
    *,
    link: bool,
    stopped: Callable[[], bool] = lambda: False,
    free: Callable[[Path], int] = free_bytes,
) -> Added:
    """Copy a file or folder of this machine into the model folder, or link to it.

    Raises SourceFailed and OSError.
    """
    if path.suffix.lower() in PICKLES:
        raise NoSuchSource(
            f"{path.name} is a pickle, which can run code when it is opened: turn it into "
            "safetensors first, with `models convert FILE`."
        )
    target = folder / path.name
    if target.exists() or target.is_symlink():
        raise InTheWay(f"{target} is here already. Rename or remove it first.")
    folder.mkdir(parents=True, exist_ok=True)
    if link:
        target.symlink_to(path.resolve(), target_is_directory=path.is_dir())
    else:
        _copy(path, target, stopped, free)
    notes: list[str] = []
    if target.is_file():
        seen = look(target, None)
        notes += [seen.note] if seen.note else []
    return Added(paths=(target,), notes=tuple(notes))


def _copy(
    path: Path, target: Path, stopped: Callable[[], bool], free: Callable[[Path], int]
) -> None:
    """Copied beside first, so that what has the name is whole."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    needed, there = sum(p.stat().st_size for p in files), free(target.parent)
    if needed + LEAVE > there:
        raise NoRoomForIt(f"{_gib(needed)} are to be copied, and {_gib(there)} are free. Link it.")
    trial = target.parent / PARTS / target.name
    shutil.rmtree(trial, ignore_errors=True)
    trial.parent.mkdir(exist_ok=True)
    try:
        for file in files:
            to = trial / file.relative_to(path) if path.is_dir() else trial
            to.parent.mkdir(parents=True, exist_ok=True)
            with file.open("rb") as old, to.open("wb") as new:
                while chunk := old.read(8 * CHUNK):
                    new.write(chunk)
                    if stopped():
                        raise StoppedFetching("Stopped; nothing was added.")
                new.flush()
                os.fsync(new.fileno())
        os.replace(trial, target)
    finally:
        if trial.is_file():
            trial.unlink()
        shutil.rmtree(trial, ignore_errors=True)
        _tidy(target.parent)


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
