"""Bytes on the disk, named by their sha256: written whole or not at all, checked when read.

A file appears under its name only when all of it is on the disk, so a crash leaves at most a
temporary file, which `sweep` removes at the next start.  Everything here blocks; the bot calls it
in a thread.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import math
import os
import re
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from generation.media.table import MEDIA
from generation.recipe import Sha256
from storage.errors import DamagedFile, Missing, translated
from storage.failpoints import instant

INPUT = ".input"  # of what people send
# Of all that is kept.
SUFFIXES = (*(each for medium in MEDIA.values() for each in medium.suffixes), INPUT, ".bare")
BARE = ".bare"  # of a picture whose words are erased: the sha256 of what follows, then its pixels
UNFINISHED = ".unfinished"
THUMBNAIL = ".thumbnail"  # a small picture of a file, beside it, which goes with it
BESIDE = (UNFINISHED, THUMBNAIL)  # what is no kept file


class Files:
    """A folder of files named by digest, spread over 256 folders by its first two digits."""

    def __init__(self, folder: Path, suffixes: tuple[str, ...] = SUFFIXES) -> None:
        self._folder, self._suffixes = folder, suffixes
        # Between finding that a file is here already and saying so, nobody drops it.
        self._dropping = threading.Lock()
        with translated(folder):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self._folder

    def keep(self, data: bytes, suffix: str) -> Sha256:
        """Keep these bytes.  When this returns, they survive a power cut.  Raises DiskFull."""
        digest = Sha256(hashlib.sha256(data).hexdigest())
        target = self._folder / digest[:2] / f"{digest}{suffix}"
        with translated(target):
            with self._dropping:
                if self._is_whole(digest, data):
                    os.utime(self.path(digest))  # needed from now on
                    return digest
            self._make_folder(target.parent)
            _write_whole(target, data)
        return digest

    def adopt(self, digest: Sha256, other: Files, *, trusting: bool) -> bool:
        """Take over another folder's file, as a link where one disk has both; True when it is new.

        Trusting, a file that is here already and has the right size is not read again.  Raises
        Missing, or DamagedFile, when the other has it not or not whole.
        """
        source = other.own(digest)
        target = self._folder / digest[:2] / source.name
        with translated(target):
            if trusting and target.exists() and target.stat().st_size == source.stat().st_size:
                return False
            other.read(digest)  # whole, or it raises
            data = source.read_bytes()
            if self._is_whole(digest, data):
                return False
            self._make_folder(target.parent)
            try:
                os.link(source, target)
            except OSError:  # another disk, or one without links, or a damaged file is in the way
                _write_whole(target, data)
            else:
                sync_folder(target.parent)
        return True

    def digests(self) -> Iterator[Sha256]:
        """Every file that is here whole or damaged, by its name."""
        with translated(self._folder):
            for path in self._folder.glob("??/*"):
                if path.suffix not in BESIDE and is_digest(path.stem):
                    yield Sha256(path.stem)

    def path(self, digest: Sha256) -> Path:
        """Where the file lies.  Raises Missing."""
        found = self._find(digest)
        if found is None:
            raise Missing("file", digest)
        return found

    def own(self, digest: Sha256) -> Path:
        """Where the file lies in a folder that may be somebody else's work.

        Raises Missing for a link, which would lead elsewhere, and a pipe, which would never end.
        """
        path = self.path(digest)
        if not is_regular(path):
            raise Missing("file", digest)
        return path

    def need(self, digest: Sha256) -> None:
        """Somebody is about to refer to the file: for a day, nobody drops it.  Raises Missing."""
        with self._dropping:
            path = self.path(digest)
            with translated(path):
                os.utime(path)

    def read(self, digest: Sha256) -> bytes:
        """The bytes that were kept.  Raises Missing, or DamagedFile when they have changed."""
        path = self.path(digest)
        with translated(path):
            data = _bytes_of(path)
        wanted = digest
        if data is not None and path.suffix == BARE:
            wanted, data = Sha256(data[:32].hex()), data[32:]
        if data is None or hashlib.sha256(data).hexdigest() != wanted:
            raise DamagedFile("undamaged file", digest)
        return data

    def bare(self, digest: Sha256, data: bytes) -> None:
        """Let these bytes, the same pixels without words, stand for a file; its own go."""
        with self._dropping:
            before = self._find(digest)
            target = self._folder / digest[:2] / f"{digest}{BARE}"
            with translated(target):
                _write_whole(target, hashlib.sha256(data).digest() + data)
                if before is not None and before != target:
                    before.unlink(missing_ok=True)

    def drop(self, digest: Sha256, *, before: float = math.inf) -> None:
        """Let the file go, if it was last kept before then; without effect when it is not there."""
        path = self._find(digest)
        if path is not None:
            with translated(path), self._dropping:
                if _age(path) < before:
                    self._thumbnail(digest).unlink(missing_ok=True)
                    path.unlink(missing_ok=True)

    def thumbnail(self, digest: Sha256) -> bytes | None:
        """The small picture of a file; None where there is none, or where the file is gone."""
        path = self._thumbnail(digest)
        with translated(path), contextlib.suppress(FileNotFoundError):
            if self._find(digest) is not None:
                return _bytes_of(path)
        return None

    def keep_thumbnail(self, digest: Sha256, data: bytes) -> None:
        """Keep a small picture beside its file, for as long as there is room; no more than a cache.

        Nothing is kept of a file that was dropped meanwhile.
        """
        path = self._thumbnail(digest)
        with translated(path), self._dropping:
            if self._find(digest) is not None:
                unfinished = path.with_suffix(UNFINISHED)
                unfinished.write_bytes(data)
                os.replace(unfinished, path)

    def thin_thumbnails(self, most_bytes: int) -> int:
        """Let the oldest go until the others have room in so many bytes; returns how many."""
        gone = 0
        with translated(self._folder):
            found = [(path, path.stat()) for path in self._folder.glob(f"??/*{THUMBNAIL}")]
            held = sum(facts.st_size for _, facts in found)
            for path, facts in sorted(found, key=lambda one: one[1].st_mtime):
                if held <= most_bytes:
                    break
                path.unlink(missing_ok=True)
                held, gone = held - facts.st_size, gone + 1
        return gone

    def _thumbnail(self, digest: Sha256) -> Path:
        if not is_digest(digest):
            raise Missing("file", digest)
        return self._folder / digest[:2] / f"{digest}{THUMBNAIL}"

    def sweep(self) -> None:
        """Remove what a crash left unfinished.  For the one process that has the folder's lock."""
        with translated(self._folder):
            for left in self._folder.glob(f"*/*{UNFINISHED}"):
                left.unlink(missing_ok=True)

    def older_than(self, unix_seconds: float) -> Iterator[tuple[Sha256, ...]]:
        """Every file that was written before then, a folder at a time."""
        with translated(self._folder):
            for folder in sorted(self._folder.glob("??")):
                found = [
                    p for p in folder.iterdir() if p.suffix not in BESIDE and is_digest(p.stem)
                ]
                yield tuple(Sha256(p.stem) for p in found if _age(p) < unix_seconds)

    def _find(self, digest: Sha256) -> Path | None:
        if not is_digest(digest):  # "../" would lead out of the folder
            return None
        # Asked for by name: a pattern for each digest costs time and memory.
        folder = self._folder / digest[:2]
        named = (folder / f"{digest}{suffix}" for suffix in self._suffixes)
        return next((path for path in named if path.exists()), None)

    def _make_folder(self, folder: Path) -> None:
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            sync_folder(self._folder)

    def _is_whole(self, digest: Sha256, data: bytes) -> bool:
        # A damaged file is written again instead of being trusted for its name.
        path = self._find(digest)
        return path is not None and _bytes_of(path) == data


_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_digest(text: str) -> bool:
    """Whether it is a sha256 as this program writes it, and so a name and no path."""
    return _DIGEST.fullmatch(text) is not None


def is_regular(path: Path) -> bool:
    """Whether it is a file of its own: no link, pipe, folder or device.

    What cannot even be asked for is none, as where a folder on the way is gone.
    """
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _bytes_of(path: Path) -> bytes | None:
    """None where the disk cannot read it any more: no other attempt helps, writing anew does."""
    try:
        return path.read_bytes()
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return None


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # somebody has just dropped it
        return math.inf


def _write_whole(target: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(suffix=UNFINISHED, dir=target.parent)
    try:
        instant("file.made")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            instant("file.written")
            os.fsync(file.fileno())
        instant("file.synced")
        os.replace(name, target)
        instant("file.renamed")
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    sync_folder(target.parent)
    instant("file.kept")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable.  Windows cannot open folders, and needs no such thing."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Make everything in a folder durable."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            sync_folder(path)
            continue
        handle = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    sync_folder(folder)
