"""What can go wrong while something is remembered, drawn as a tree.

    StorageError
    ├── DatabaseLocked      another program holds the database for longer than our patience
    ├── DatabaseCorrupt     the file is damaged, or is no database of ours; it is left as it is
    ├── DatabaseTooNew      a later version of this program has written it
    ├── InUse               another process of this program works in the same folder
    ├── Unstorable          a value that no database keeps: a number beyond 64 bits, half a letter
    ├── DiskFull            there is no room to write; what was written before is whole
    ├── Missing             there is no such thing
    │   └── DamagedFile     there is, but its bytes are no longer those that were kept
    ├── AskedBefore         the same message or interaction has made a request already
    ├── Ended               the ticket has ended otherwise already
    └── Fenced              the lease is over; a later one, or the end of the job, stands

The text is for the log; people read what `bot.pages.apologies` writes from the attributes.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StorageError(Exception):
    """Anything this package raises on purpose."""


class _AboutFile(StorageError):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason


class DatabaseLocked(_AboutFile):
    """Another program holds the database."""


class DatabaseCorrupt(_AboutFile):
    """The file is damaged or not ours.  It is never written to."""


class DatabaseTooNew(_AboutFile):
    """The file has format `found`; this version knows up to `known`."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(path, f"written in format {found}; this version knows up to {known}")
        self.found, self.known = found, known


class InUse(_AboutFile):
    """Another process of this program has the folder `path`."""


class Unstorable(StorageError):
    """A number beyond 64 bits, or half a surrogate pair: nothing of that name was ever kept."""


class DiskFull(_AboutFile):
    """No room to write."""


class Missing(StorageError):
    """There is no `what` of this `name`."""

    def __init__(self, what: str, name: object) -> None:
        super().__init__(f"no {what} {name}")
        self.what, self.name = what, name


class DamagedFile(Missing):
    """The file is there, and its bytes are not those that were kept."""


class AskedBefore(StorageError):
    """The message or interaction `source` has made the request `request` already."""

    def __init__(self, source: int | None, request: int) -> None:
        super().__init__(f"{source} has made the request {request} already")
        self.source, self.request = source, request


class Ended(StorageError):
    """The ticket of `job` has ended as `state`, and stays so."""

    def __init__(self, job: int, state: str) -> None:
        super().__init__(f"job {job} has already ended as {state}")
        self.job, self.state = job, state


class Fenced(StorageError):
    """The lease of `job` under `epoch` is over; the ticket is at epoch `now`."""

    def __init__(self, job: int, epoch: int, now: int) -> None:
        super().__init__(f"job {job}: the lease {epoch} is over, it is at {now}")
        self.job, self.epoch, self.now = job, epoch, now


# SQLite's primary result codes; the extended ones carry them in their low byte.
_SQLITE: dict[int, type[_AboutFile]] = {
    sqlite3.SQLITE_BUSY: DatabaseLocked,
    sqlite3.SQLITE_LOCKED: DatabaseLocked,
    sqlite3.SQLITE_CORRUPT: DatabaseCorrupt,
    sqlite3.SQLITE_NOTADB: DatabaseCorrupt,
    sqlite3.SQLITE_FULL: DiskFull,
}

# No space, no quota, and a file larger than this process or file system may have.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn foreign errors about `path` into ours."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)  # absent when Python itself complains
        kind = _SQLITE.get(code & 0xFF) if code is not None else None
        if kind is None:
            raise StorageError(f"{path}: {error}") from error
        raise kind(path, str(error)) from error
    except (OverflowError, UnicodeEncodeError) as error:
        raise Unstorable(f"{path}: {type(error).__name__}") from error
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(path, str(error)) from error
        raise StorageError(f"{path}: {error}") from error
