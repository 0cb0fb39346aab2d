"""The sha256 of files, remembered so that a checkpoint of gigabytes is read once.

Invariant: a remembered digest is used only while size and modification time are what they were
when the file was read; everything else reads it again.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from generation.errors import UnusableWeights
from generation.recipe import Sha256

_VERSION = 1
_PIECE = 2**22  # bytes
_Record = tuple[int, int, str]  # size in bytes, modification time in ns, sha256


def tensors_sha256(file: Path, on_piece: Callable[[], None] = lambda: None) -> str:
    """The digest of a safetensors file without its head, which is what A1111 calls its hash.

    For LoRAs, which are small: it reads the file.  Raises OSError and ValueError.
    """
    digest = hashlib.sha256()
    with file.open("rb", buffering=0) as stream:
        head = int.from_bytes(stream.read(8), "little")
        if 8 + head > file.stat().st_size:
            raise ValueError("no safetensors file")
        stream.seek(8 + head)
        while piece := stream.read(_PIECE):
            digest.update(piece)
            on_piece()
    return digest.hexdigest()


class Digests:
    """A cache of digests in one JSON file, which may be lost at any time.

    `on_piece` is called whenever a piece of a file was read, and may raise to end that.
    """

    def __init__(self, path: Path, on_piece: Callable[[], None] = lambda: None) -> None:
        self._path, self._on_piece = path, on_piece
        self._seen = self._written()
        self._records = self._load()
        self._changed: dict[str, _Record] = {}
        self.read_bytes = 0  # how much was really hashed, for logs and tests

    def of(self, file: Path, name: str) -> Sha256:
        """The digest of the file as it is now.  Raises UnusableWeights when it cannot be read."""
        key = str(file.absolute())
        try:
            size, modified = _state(file)
            known = self._records.get(key)
            if known is None or known[:2] != (size, modified):
                self._catch_up()
                known = self._records.get(key)
            if known is not None and known[:2] == (size, modified):
                return Sha256(known[2])
            digest = self._read(file)
            self.read_bytes += size
            if _state(file) != (size, modified):
                raise UnusableWeights(name, "it is being written right now; try again later")
        except OSError as error:
            raise UnusableWeights(name, f"it cannot be read: {error.strerror or error}") from error
        self._records[key] = self._changed[key] = (size, modified, digest)
        return Sha256(digest)

    def _read(self, file: Path) -> str:
        digest, buffer = hashlib.sha256(), memoryview(bytearray(_PIECE))
        with file.open("rb", buffering=0) as stream:
            while size := stream.readinto(buffer):
                digest.update(buffer[:size])
                self._on_piece()
        return digest.hexdigest()

    def remember(self, file: Path, sha256: Sha256) -> None:
        """Take the word of somebody who has just read the whole file; `save` comes later."""
        self._records[str(file.absolute())] = self._changed[str(file.absolute())] = (
            *_state(file),
            sha256,
        )

    def save(self) -> None:
        """Write what is new, whole or not at all.  A disk that cannot be written costs only time.

        The file is read again first: the bot and the worker share it.
        """
        if not self._changed:
            return
        records = {**self._load(), **self._changed}
        text = json.dumps({"version": _VERSION, "files": records}, indent=0, sort_keys=True)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(draft, self._path)
            except OSError:
                os.unlink(draft)
                raise
        except OSError:
            return
        self._changed.clear()

    def _catch_up(self) -> None:
        """Before a file is read for long: another process may have read it meanwhile."""
        if (written := self._written()) != self._seen:
            self._seen = written
            self._records |= {**self._load(), **self._changed}

    def _written(self) -> tuple[int, int] | None:
        try:
            return _state(self._path)
        except OSError:
            return None

    def _load(self) -> dict[str, _Record]:
        try:
            data = json.loads(self._path.read_text(encoding="utf-8"))
            if data["version"] != _VERSION:
                return {}
            return {
                str(key): (int(size), int(modified), str(digest))
                for key, (size, modified, digest) in data["files"].items()
                if len(str(digest)) == 64
            }
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}


def _state(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns
