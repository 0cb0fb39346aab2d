"""The owner's wildcards on the disk: a folder of text files, each a list by its name.

Invariant: one file that cannot be read takes no other with it, and is named.
"""

from __future__ import annotations

from pathlib import Path

from prompting.errors import Unreadable
from prompting.textfile import read_text


def read_lists(folder: Path) -> dict[str, tuple[str, ...]]:
    """The lists of a folder as they are now; what cannot be read is left out."""
    return OwnLists(folder).now()


class OwnLists:
    """The owner's wildcards: `animal.txt` is `__animal__`, a line is an option.

    Empty lines and lines that begin with # are none.  A file is read again when it has changed; one
    that cannot be read is left out, named in `refused`, and takes no other with it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, tuple[object, tuple[str, ...]]] = {}
        self.refused: tuple[Unreadable, ...] = ()

    def now(self) -> dict[str, tuple[str, ...]]:
        """The lists as they are on the disk now, by name."""
        lists: dict[str, tuple[str, ...]] = {}
        read, refused = {}, []
        for path in self._files():
            try:
                read[path] = before = self._options(path)
            except Unreadable as error:
                refused.append(error)
            else:
                if before[1]:
                    lists[path.relative_to(self._folder).with_suffix("").as_posix()] = before[1]
        self._read, self.refused = read, tuple(refused)
        return lists

    def _files(self) -> list[Path]:
        try:
            return sorted(self._folder.rglob("*.txt"))
        except OSError:  # links in a circle, or a folder that is closed to us
            return sorted(self._folder.glob("*.txt"))

    def _options(self, path: Path) -> tuple[object, tuple[str, ...]]:
        try:
            state = path.stat()
        except OSError as error:
            reason = f"it cannot be read: {error.strerror or error}"
            raise Unreadable("wildcards", reason, path.name) from error
        mark = (state.st_size, state.st_mtime_ns, state.st_ino)
        if path in self._read and self._read[path][0] == mark:
            return self._read[path]
        lines = read_text(path, "wildcards").splitlines()
        return mark, tuple(s for line in lines if (s := line.strip()) and not s.startswith("#"))
