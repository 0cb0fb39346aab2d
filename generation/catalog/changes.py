"""What lies in some folders, cheaply: enough to tell whether a catalog has to look again.

The invariant: a file that may matter and was added, removed, replaced, renamed or written to gives
another state (by name, size and modification time); no file is opened for that.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from generation.catalog.modelfolder import MATTERING, PICKLES, UNREAD

# Path, size in bytes and modification time in ns of every file; what cannot be read is not there.
State = frozenset[tuple[str, int, int]]

_ENDS = tuple({*MATTERING, *PICKLES, *UNREAD, ".toml"})


def state(folders: Sequence[Path]) -> State:
    """The files in these folders and below, by whatever link."""
    seen: set[tuple[int, int]] = set()
    return frozenset(found for folder in folders for found in _files(folder, seen))


def _files(folder: Path, seen: set[tuple[int, int]]) -> Iterator[tuple[str, int, int]]:
    waiting = [os.fspath(folder)]
    while waiting:
        path = waiting.pop()
        try:
            here = os.stat(path)
            if stat.S_ISDIR(here.st_mode):
                if (here.st_dev, here.st_ino) in seen:  # links in a circle
                    continue
                seen.add((here.st_dev, here.st_ino))
                with os.scandir(path) as entries:
                    waiting += [one.path for one in entries if _may_matter(one)]
            else:
                yield path, here.st_size, here.st_mtime_ns
        except OSError:
            yield path, -1, -1


def _may_matter(one: os.DirEntry[str]) -> bool:
    if one.name[:1] == ".":
        return False
    try:
        return one.is_dir() or one.name.lower().endswith(_ENDS)
    except OSError:  # a link to itself
        return False
