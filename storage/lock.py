"""One process per data folder: an advisory lock that the system drops when its holder dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from storage.errors import InUse


class FolderLock:
    """Held from the moment it is made until `release`, or until the process ends in any way."""

    def __init__(self, path: Path) -> None:
        """Raises InUse when another process holds it."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._file)
        except OSError as error:
            holder = os.read(self._file, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise InUse(path.parent, f"in use by the process {holder}") from error
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())
        self._held = True

    def release(self) -> None:
        """Let others in, once.  The file stays: removing it would let two holders meet."""
        if self._held:
            self._held = False
            os.close(self._file)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        # Windows locks a range of bytes; one far beyond the content leaves that readable.
        os.lseek(file, 2**20, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
