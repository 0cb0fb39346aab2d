"""Backups: whole copies of what people made, side by side in one folder, and the way back.

    FOLDER/files/ab/ab12...png     every file that some copy needs, once
    FOLDER/20261123-011500/        a copy: the database, the owner's styles and wildcards, and
                                   contents.json with what was missing at the time

A copy gets its name when all of it is on the disk, so whatever has a name is whole; what an
interruption leaves is called .unfinished, and the next backup removes it.  Everything here blocks.

A folder to restore may be somebody else's work.  Of it only regular files are taken, no link is
followed, and a database that would do something by itself is refused.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from generation.recipe import Sha256
from storage import private, snapshot
from storage.errors import DamagedFile, Missing, StorageError, translated
from storage.failpoints import instant
from storage.files import UNFINISHED, Files, is_regular, sync_folder, sync_tree
from storage.lock import FolderLock
from storage.snapshot import Holdings

log = logging.getLogger(__name__)

DATABASE = "atelier.sqlite3"
FILES = "files"
OWN = ("styles.toml", "wildcards")  # what the owner wrote
ROUNDS = 5

_STAMPED = "[0-9]" * 8 + "-" + "[0-9]" * 6  # the names of copies; what else lies there is not ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A backup that was made."""

    copy: Path
    contents: Holdings
    brought: int  # files that the folder had not yet
    absent: tuple[Sha256, ...]  # files that the living folder has not, or has damaged
    dropped: int  # older copies that were let go


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedBackup:
    """A backup that was looked through."""

    copy: Path
    contents: Holdings
    missing: tuple[Sha256, ...]  # files that were there when it was made, and are not
    damaged: tuple[Sha256, ...]  # files whose bytes are no longer those
    foreign: tuple[str, ...]  # links and the like among the owner's texts, which are not taken
    absent: tuple[Sha256, ...]  # files that were missing already when it was made

    @property
    def whole(self) -> bool:
        """Whether restoring it brings back all that was there."""
        return not self.missing and not self.damaged and not self.foreign


def back_up(data: Path, folder: Path, *, stamp: str, keep: int) -> Made:
    """Copy a data folder, whose bot may be at work, and let all but the newest `keep` copies go.

    Raises DatabaseCorrupt and makes no copy of a damaged database.
    """
    with translated(folder):
        private.make_folder(folder)
        lock = FolderLock(folder / "lock")
        try:
            for left in folder.glob(f"{_STAMPED}{UNFINISHED}"):
                shutil.rmtree(left)
            files = Files(folder / FILES)
            files.sweep()
            half = folder / f"{stamp}{UNFINISHED}"
            private.make_folder(half)
            contents, brought, absent = _copy(data, half, files)
            _write_contents(half, absent)
            sync_tree(half)
            instant("backup.copied")
            named = half.rename(folder / stamp)
            sync_folder(folder)
            instant("backup.named")
            dropped = _drop_old(folder, files, keep)
        finally:
            lock.release()
    return Made(copy=named, contents=contents, brought=brought, absent=absent, dropped=dropped)


def copies(folder: Path) -> tuple[Path, ...]:
    """The whole copies in a folder, the newest last."""
    found = (file.parent for file in folder.glob(f"{_STAMPED}/{DATABASE}") if is_regular(file))
    return tuple(sorted(copy for copy in found if copy.suffix != UNFINISHED))


def look_through(folder: Path) -> ExaminedBackup:
    """Examine a copy, or the newest one of a folder: every page and every byte.

    Raises Missing, DatabaseCorrupt or DatabaseTooNew.
    """
    whole = (folder,) if is_regular(folder / DATABASE) else copies(folder)
    if not whole:
        raise Missing("backup", folder)
    copy = whole[-1]
    contents = snapshot.examine(copy / DATABASE)
    snapshot.check_readable(copy / DATABASE)
    absent = _absent(copy)
    files = Files(copy.parent / FILES)
    missing, damaged = [], []
    for digest in sorted(contents.files - absent):
        try:
            files.own(digest)
            files.read(digest)
        except DamagedFile:
            damaged.append(digest)
        except Missing:
            missing.append(digest)
    return ExaminedBackup(
        copy=copy,
        contents=contents,
        missing=tuple(missing),
        damaged=tuple(damaged),
        foreign=tuple(_texts(copy)[1]),
        absent=tuple(sorted(absent)),
    )


def restore(found: ExaminedBackup, data: Path, *, stamp: str) -> Path | None:
    """Put a copy in the place of a data folder's database, and add its files to the folder's.

    Returns where the database that was there has been put; None: there was none.  Until the last
    rename the folder is as it was.  Raises InUse while a bot is at work there.
    """
    with translated(data):
        private.make_folder(data)
        lock = FolderLock(data / "lock")
        try:
            broken = {*found.missing, *found.damaged, *found.absent}
            wanted = found.contents.files - broken
            _bring(wanted, found.copy.parent, Files(data / FILES), trusting=False)
            _take_texts(found.copy, data)
            new = data / f"{DATABASE}{UNFINISHED}"
            new.unlink(missing_ok=True)
            private.make_file(new)
            snapshot.copy(found.copy / DATABASE, new)
            snapshot.make_restorable(new)
            instant("restore.copied")
            aside = _set_aside(data, stamp) if (data / DATABASE).exists() else None
            instant("restore.aside")
            new.replace(data / DATABASE)
            sync_folder(data)
            instant("restore.named")
        finally:
            lock.release()
    return aside


def _copy(data: Path, half: Path, files: Files) -> tuple[Holdings, int, tuple[Sha256, ...]]:
    """The database first: the files it names are there already.

    Unless somebody deletes a picture in between; then a younger copy no longer names it.
    """
    brought, before = 0, None
    for _ in range(ROUNDS):
        (half / DATABASE).unlink(missing_ok=True)
        private.make_file(half / DATABASE)
        snapshot.copy(data / DATABASE, half / DATABASE)
        contents = snapshot.examine(half / DATABASE)
        instant("backup.database")
        more, absent = _bring(contents.files, data, files, trusting=True)
        brought += more
        if not absent or absent == before:
            break
        before = absent
    _bring_own(data, half)
    return contents, brought, absent


def _bring(
    wanted: Collection[Sha256], origin: Path, files: Files, *, trusting: bool
) -> tuple[int, tuple[Sha256, ...]]:
    """Add files of the folder `origin`; how many were new, and which it has not whole."""
    there = Files(origin / FILES)
    new, absent = 0, []
    for digest in sorted(wanted):
        try:
            new += files.adopt(digest, there, trusting=trusting)
        except Missing:
            absent.append(digest)
    return new, tuple(absent)


def _bring_own(origin: Path, target: Path) -> None:
    """Copy the owner's texts out of the owner's folder, wherever the owner's links lead."""
    for name in OWN:
        if (origin / name).is_dir():
            shutil.copytree(origin / name, target / name, ignore_dangling_symlinks=True)
        elif (origin / name).exists():
            shutil.copy(origin / name, target / name)


def _take_texts(copy: Path, data: Path) -> None:
    """Put a copy's texts into a data folder that has none of that name."""
    there = {name for name in OWN if (data / name).exists()}
    for text in _texts(copy)[0]:
        if text.parts[0] not in there:
            (data / text).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(copy / text, data / text, follow_symlinks=False)


def _texts(copy: Path) -> tuple[list[Path], list[str]]:
    """The owner's texts in a copy, and what is none: a link, a pipe."""
    texts, foreign = [], []
    waiting = [Path(name) for name in OWN if os.path.lexists(copy / name)]
    while waiting:
        path = waiting.pop()
        whole = copy / path
        if is_regular(whole):
            texts.append(path)
        elif whole.is_dir() and not whole.is_symlink():
            waiting += [path / inside.name for inside in whole.iterdir()]
        else:
            foreign.append(path.as_posix())
    return sorted(texts), sorted(foreign)


def _write_contents(half: Path, absent: Collection[Sha256]) -> None:
    (half / "contents.json").write_text(json.dumps({"absent": list(absent)}) + "\n")


def _absent(copy: Path) -> frozenset[Sha256]:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        if not is_regular(copy / "contents.json"):
            return frozenset()
        said = json.loads((copy / "contents.json").read_text())
        return frozenset(Sha256(str(digest)) for digest in said["absent"])
    return frozenset()


def _drop_old(folder: Path, files: Files, keep: int) -> int:
    """Let old copies go, and the files that only they needed."""
    old = copies(folder)[:-keep]
    for copy in old:
        # It must not look whole while it is being removed.
        shutil.rmtree(copy.rename(copy.with_name(f"{copy.name}{UNFINISHED}")))
    if old:
        needed: set[Sha256] = set()
        for copy in copies(folder):
            try:
                needed |= snapshot.examine(copy / DATABASE).files
            except StorageError as damage:
                log.warning("no file is let go, as an older copy may need it: %s", damage)
                return len(old)
        for digest in files.digests():
            if digest not in needed:
                files.drop(digest)
    return len(old)


def _set_aside(data: Path, stamp: str) -> Path:
    """Keep the database that is there, with its log, under another name."""
    with contextlib.suppress(StorageError):  # it may be damaged: perhaps that is why
        snapshot.fold_log(data / DATABASE)
    aside = data / f"before-restore-{stamp}"
    private.make_folder(aside)
    for name in (DATABASE, f"{DATABASE}-wal"):
        if (data / name).exists():
            shutil.copy(data / name, aside / name)
    sync_tree(aside)
    # The log belongs to the old file, and would be read into the new one.
    (data / f"{DATABASE}-wal").unlink(missing_ok=True)
    (data / f"{DATABASE}-shm").unlink(missing_ok=True)
    return aside
