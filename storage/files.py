"""Bytes on the disk, named by their sha256: written whole or not at all, checked when read.

A file appears under its name only when all of it is on the disk, so a crash leaves at most a
temporary file, which `sweep` removes at the next start.  Everything here blocks; the bot calls it
in a thread.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from pathlib import Path

from generation.recipe import Sha256
from storage.errors import DamagedFile, Missing, translated

_UNFINISHED = ".unfinished"


class Files:
    """A folder of files named by digest, spread over 256 folders by its first two digits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with translated(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def keep(self, data: bytes, suffix: str = ".png") -> Sha256:
        """Keep these bytes.  When this returns, they survive a power cut.  Raises DiskFull."""
        digest = Sha256(hashlib.sha256(data).hexdigest())
        target = self._folder / digest[:2] / f"{digest}{suffix}"
        with translated(target):
            if self._is_whole(digest, data):
                return digest
            if not target.parent.exists():
                target.parent.mkdir(exist_ok=True)
                _sync_folder(self._folder)
            _write_whole(target, data)
        return digest

    def path(self, digest: Sha256) -> Path:
        """Where the file lies.  Raises Missing."""
        found = self._find(digest)
        if found is None:
            raise Missing("file", digest)
        return found

    def read(self, digest: Sha256) -> bytes:
        """The bytes that were kept.  Raises Missing, or DamagedFile when they have changed."""
        path = self.path(digest)
        with translated(path):
            data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise DamagedFile("undamaged file", digest)
        return data

    def drop(self, digest: Sha256) -> None:
        """Let the file go; without effect when it is not there."""
        path = self._find(digest)
        if path is not None:
            with translated(path):
                path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a crash left unfinished.  For the one process that has the folder's lock."""
        with translated(self._folder):
            for left in self._folder.glob(f"*/*{_UNFINISHED}"):
                left.unlink(missing_ok=True)

    def _find(self, digest: Sha256) -> Path | None:
        folder = self._folder / digest[:2]
        return next((p for p in folder.glob(f"{digest}.*") if p.suffix != _UNFINISHED), None)

    def _is_whole(self, digest: Sha256, data: bytes) -> bool:
        # A damaged file is written again instead of being trusted for its name.
        path = self._find(digest)
        return path is not None and path.read_bytes() == data


def _write_whole(target: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(suffix=_UNFINISHED, dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable.  Windows cannot open folders, and needs no such thing."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
