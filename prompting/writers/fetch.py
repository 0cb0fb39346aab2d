"""Fetches a GGUF from the Hugging Face hub, when the owner of the server said so.

The invariant: a path that is returned is a whole file.  A fetch that fails or is cancelled leaves
at most a partial download that the next one goes on with, and says why in one clause.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from prompting.errors import WriterUnavailable

Progress = Callable[[int, int], None]  # bytes so far, bytes in all (0: not known yet)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubName:
    """`owner/name/file.gguf` on the hub."""

    repo: str
    file: str

    @classmethod
    def parse(cls, text: str) -> HubName:
        """Raises WriterUnavailable."""
        parts = text.split("/", 2)
        if len(parts) != 3 or not all(parts) or not parts[2].endswith(".gguf"):
            raise WriterUnavailable(f"{text!r} is not owner/name/file.gguf")
        return cls(repo=f"{parts[0]}/{parts[1]}", file=parts[2])


# (name, folder, offline, tell): blocks; `tell` may raise to give up.
Download = Callable[[HubName, Path | None, bool, Progress], Path]


async def fetch(
    name: HubName,
    *,
    folder: Path | None = None,
    allowed: bool = False,
    progress: Progress | None = None,
    download: Download | None = None,  # how; None: `from_hub`
) -> Path:
    """The file, from the cache or (when `allowed`) from the network.

    `progress` is called in another thread.  Raises WriterUnavailable with a reason.
    """
    given_up = threading.Event()

    def tell(done: int, total: int) -> None:
        if given_up.is_set():
            raise _GivenUp
        if progress is not None:
            progress(done, total)

    work = asyncio.to_thread(download or from_hub, name, folder, not allowed, tell)
    try:
        return await work
    except asyncio.CancelledError:
        given_up.set()
        raise
    except WriterUnavailable:
        raise
    except Exception as error:
        raise WriterUnavailable(f"{name.file} {_why(error, allowed)}") from error


class _GivenUp(Exception):
    """Who wanted the file has gone."""


def from_hub(
    name: HubName,
    folder: Path | None,
    offline: bool,
    tell: Progress,
    *,
    endpoint: str | None = None,
) -> Path:
    """By the hub's own client and cache; `endpoint` None: the hub, or what HF_ENDPOINT says."""
    try:
        from huggingface_hub import hf_hub_download
        from tqdm import tqdm
    except ImportError as error:
        raise WriterUnavailable("the package huggingface_hub is not installed") from error

    class Bar(tqdm):  # type: ignore[misc]  # it has no types
        """Tells instead of drawing."""

        def __init__(self, *args: object, **options: object) -> None:
            options.pop("name", None)
            super().__init__(*args, **options | {"disable": False, "file": _Nowhere()})

        def update(self, n: float | None = 1) -> bool | None:
            shown: bool | None = super().update(n)
            tell(int(self.n), int(self.total or 0))
            return shown

    found = hf_hub_download(
        name.repo,
        name.file,
        cache_dir=folder,
        local_files_only=offline,
        tqdm_class=Bar,
        endpoint=endpoint,
    )
    return Path(found)


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the last: beyond the limit of a quota


class _Nowhere:
    """A file for what nobody reads."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        pass


def _why(error: BaseException, allowed: bool) -> str:
    """Foreign errors, in one table; the hub wraps the operating system's."""
    import huggingface_hub.errors as hub

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return "could not be fetched: the disk is full"
        cause = cause.__cause__ or cause.__context__
    match error:
        case hub.LocalEntryNotFoundError() | hub.OfflineModeIsEnabled():
            if not allowed:
                return "is not in the cache, and fetching is not allowed here"
            return "is not in the cache, and there is no connection to the hub"
        case hub.GatedRepoError():
            return "is behind a licence that must be accepted on the hub first"
        case hub.RepositoryNotFoundError() | hub.EntryNotFoundError():
            return "does not exist on the hub"
        case _:
            return f"could not be fetched: {type(error).__name__}: {error}"
