"""What people typed is read by nobody else on the machine: folders 0700, files 0600.

The data folder, the database and the log belong to their owner alone, whatever the umask says, and
an installation of an earlier release becomes so when it is opened.  A disk that knows no such
rights (FAT, some network disks) or Windows, whose folders inherit theirs, is left as it is; the
doctor tells.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FOLDER, FILE = 0o700, 0o600
KEY_BYTES = 32
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_folder(folder: Path) -> None:
    """Make the folder, if it is not there, and take others' rights away."""
    folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    keep(folder)


def make_file(path: Path) -> None:
    """Make an empty file, if it is not there, and take others' rights away."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, FILE))
    keep(path)


def key(path: Path) -> bytes:
    """The secret key in that file; where there is none, or not a whole one, a new one is made."""
    with suppress(FileNotFoundError):
        keep(path)
        if len(found := path.read_bytes()) == KEY_BYTES:
            return found
    made, beside = secrets.token_bytes(KEY_BYTES), path.with_name(f"{path.name}.new")
    make_file(beside)
    beside.write_bytes(made)
    os.replace(beside, path)  # whole or not at all
    return made


def keep(path: Path) -> None:
    """Take others' rights away, where the disk knows rights and the path is ours."""
    if sys.platform == "win32":
        return
    with suppress(OSError):  # somebody else's, or a disk without rights: the doctor tells
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & OTHERS:
            path.chmod(mode & ~OTHERS)


def open_to_others(data: Path, names: tuple[str, ...]) -> Iterator[Path]:
    """The data folder and those of its files that other users of the machine may look into.

    Within a folder that is closed, nothing is open.
    """
    if sys.platform == "win32" or not _open(data):
        return
    yield data
    for pattern in names:
        yield from (path for path in sorted(data.glob(pattern)) if _open(path))


def _open(path: Path) -> bool:
    with suppress(OSError):
        return bool(path.stat().st_mode & OTHERS)
    return False
