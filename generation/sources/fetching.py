"""Bringing one file onto this disk: resumed where it broke off, and hashed by us while it comes.

    <folder>/.fetching/<digest>.part  ->  hashed, flushed to the disk  ->  <folder>/<path>

Invariant: a file that lies under its own name is whole and has the digest that its place promised;
what is unfinished lies in `.fetching`, where the catalog does not look.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Literal

import httpx2

from generation.catalog.heads import WRITTEN_AS, head_of
from generation.catalog.previews import preview_of
from generation.errors import UnusableWeights
from generation.sources.faults import (
    InTheWay,
    NoSuchSource,
    NotAllowedThere,
    NotWhatWasSaid,
    SourceFailed,
    StoppedFetching,
    Unreached,
)
from generation.sources.web import TRIES, Web

PARTS = ".fetching"
CHUNK = 2**20
MAX_PREVIEW = 8 * 2**20  # bytes
_PICTURES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")

Watch = Callable[[str, int, int | None], None]  # of which file, how many bytes, of how many


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What a place says of a file's content: its sha256, or what git calls a small one."""

    kind: Literal["sha256", "git"]
    value: str

    def begun(self, size: int | None) -> hashlib._Hash:
        """The hash that it is compared with, before the first byte."""
        if self.kind == "sha256":
            return hashlib.sha256()
        named = hashlib.sha1(usedforsecurity=False)
        named.update(f"blob {size or 0}\0".encode())
        return named


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file at a place.  `path` is where it goes, below a folder."""

    path: str
    address: str
    size: int | None = None
    about: int | None = None  # the size, where nobody says it exactly
    digest: Digest | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        safe_path(self.path)


def safe_path(path: str) -> PurePosixPath:
    """The path, if it stays below the folder it is put into.  Raises NoSuchSource."""
    parts = PurePosixPath(path).parts
    odd = any(p in ("..", "/") or len(p.encode()) > 200 or p[:1] == "." for p in parts)
    if not parts or odd or re.search(r"[\x00-\x1f\x7f\\:*?\"<>|]", path):
        raise NoSuchSource(f"The place names a file in a way that is not taken: {path!r:.80}.")
    return PurePosixPath(path)


def nobody_watches(_name: str, _done: int, _of: int | None) -> None:
    """For those who need no progress."""


class Fetcher:
    """Brings files below one folder."""

    def __init__(self, web: Web, folder: Path, watch: Watch = nobody_watches) -> None:
        self._web, self._folder, self._watch = web, folder, watch

    def lacking(self, file: RemoteFile, target: Path) -> int:
        """How many bytes of it are still to come, as far as that is known."""
        size = file.size if file.size is not None else file.about
        if target.exists() or size is None:
            return 0
        part = self._part(file)
        return max(0, size - (part.stat().st_size if part.exists() else 0))

    def fetch(self, file: RemoteFile, target: Path) -> str:
        """Bring it, and return its sha256.  Raises SourceFailed and OSError."""
        if target.exists():
            return self._there(file, target)
        part = self._part(file)
        part.parent.mkdir(parents=True, exist_ok=True)
        sha256 = self._come(file, part)
        self._check_weights(part, target)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, target)
        _flush_folder(target.parent)
        return sha256

    def fetch_preview(self, address: str, weights: Path) -> None:
        """Bring the picture that a place shows of weights, if none lies beside them.

        Nobody is asked to wait for it: where it does not come, there is none.
        """
        if preview_of(weights) is not None or not address.startswith(("https://", "http://")):
            return
        try:
            with self._web.asking(address) as answer:
                kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
                picture = b""
                for chunk in answer.iter_bytes() if kind in _PICTURES else ():
                    picture += chunk
                    if len(picture) > MAX_PREVIEW:
                        return
        except StoppedFetching:
            raise
        except (SourceFailed, httpx2.HTTPError, httpx2.InvalidURL):
            return
        if picture:
            weights.with_name(f"{weights.stem}.preview{_PICTURES[kind]}").write_bytes(picture)

    def _part(self, file: RemoteFile) -> Path:
        name = (
            file.digest.value if file.digest else hashlib.sha256(file.address.encode()).hexdigest()
        )
        return self._folder / PARTS / f"{name}.part"

    def _there(self, file: RemoteFile, target: Path) -> str:
        """The sha256 of what lies there already, if it is the same."""
        hashes = _Hashes(file)
        with target.open("rb") as old:
            self._hash(old, hashes, file)
        if not hashes.right():
            raise InTheWay(
                f"{target} is here already, with other content than {file.address.split('?')[0]} "
                "has. Rename or remove it first."
            )
        return hashes.sha256

    def _come(self, file: RemoteFile, part: Path) -> str:
        """Have it all in `part`, hashed."""
        hashes = _Hashes(file)
        with part.open("a+b") as out:
            out.seek(0)
            self._hash(out, hashes, file)
            failures = 0
            while file.size is None or hashes.count != file.size or not hashes.count:
                before = hashes.count
                try:
                    if self._more(file, out, hashes):
                        break
                except httpx2.HTTPError as error:
                    failures = 0 if hashes.count > before else failures + 1
                    if failures >= TRIES:
                        host = httpx2.URL(file.address).host
                        raise Unreached(
                            f"{host} broke off {TRIES} times; what has come is kept. Try again."
                        ) from error
                    self._web.pause_before(failures)
            out.flush()
            os.fsync(out.fileno())
        if not hashes.right():
            part.unlink()
            raise NotWhatWasSaid(
                f"{Path(file.path).name} came with another content than its place promised "
                f"({hashes.said()}); it was thrown away. Try again, or from another place."
            )
        return hashes.sha256

    def _more(self, file: RemoteFile, out: IO[bytes], hashes: _Hashes) -> bool:
        """Ask for the rest and take what comes; returns whether the server was done."""
        headers = {**file.headers, "Accept-Encoding": "identity"}
        if hashes.count:
            headers["Range"] = f"bytes={hashes.count}-"
        with self._web.asking(file.address, headers=headers) as answer:
            _refuse_page(answer, file)
            began = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            goes_on = answer.status_code == 206 and began and int(began[1]) == hashes.count
            if hashes.count and not goes_on:  # it begins anew, or has no more of it
                out.truncate(0)
                hashes.restart()
                if answer.status_code != 200:
                    return False
            elif answer.status_code == 416:
                raise Unreached(f"{httpx2.URL(file.address).host} has no bytes of it.")
            for chunk in answer.iter_bytes():
                out.write(chunk)
                hashes.add(chunk)
                self._watch(file.path, hashes.count, file.size or file.about)
                if file.size is not None and hashes.count > file.size:
                    return True
                if self._web.stop.is_set():
                    raise StoppedFetching(
                        "Stopped. What has come so far is kept, and goes on from there."
                    )
        return True

    def _hash(self, old: IO[bytes], hashes: _Hashes, file: RemoteFile) -> None:
        while chunk := old.read(8 * CHUNK):
            hashes.add(chunk)
            self._watch(file.path, hashes.count, file.size or file.about)
            self._web.wait(0)

    def _check_weights(self, part: Path, target: Path) -> None:
        """Of what nobody promised a digest for, at least the head must be that of weights."""
        if target.suffix.lower() not in WRITTEN_AS:
            return
        trial = part.with_name(f"{part.name}{target.suffix.lower()}")
        os.replace(part, trial)
        try:
            head_of(trial, target.name)
        except UnusableWeights as error:
            trial.unlink()
            raise NotWhatWasSaid(
                f"What came as {target.name} is not used: {error.reason}. It was thrown away."
            ) from error
        os.replace(trial, part)


class _Hashes:
    """The sha256 of what came so far, and that by which its place names it."""

    def __init__(self, file: RemoteFile) -> None:
        self._file = file
        self.restart()

    def restart(self) -> None:
        self.count = 0
        self._ours = hashlib.sha256()
        digest = self._file.digest
        self._named = (
            digest.begun(self._file.size) if digest is not None and digest.kind == "git" else None
        )

    def add(self, chunk: bytes) -> None:
        self.count += len(chunk)
        self._ours.update(chunk)
        if self._named is not None:
            self._named.update(chunk)

    @property
    def sha256(self) -> str:
        return self._ours.hexdigest()

    def right(self) -> bool:
        digest = self._file.digest
        if self._file.size is not None and self.count != self._file.size:
            return False
        found = self.sha256 if self._named is None else self._named.hexdigest()
        # A short one is the head of a sha256, as some places name files.
        return digest is None or found.startswith(digest.value.lower())

    def said(self) -> str:
        if self._file.size is not None and self.count != self._file.size:
            return f"{self.count} bytes instead of {self._file.size}"
        return f"its sha256 is {self.sha256[:12]}..."


def _refuse_page(answer: httpx2.Response, file: RemoteFile) -> None:
    """A page to log in on comes with 200, as if it were the file."""
    if "text/html" in answer.headers.get("Content-Type", "") and not file.path.endswith(".html"):
        raise NotAllowedThere(
            f"{httpx2.URL(file.address).host} answers with a page instead of the file: it wants to "
            "know who asks. Set a token of yours in config.toml (docs/sources.md)."
        )


def _flush_folder(folder: Path) -> None:
    """So that the new name outlives a power cut; some systems have no such thing."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    with contextlib.suppress(OSError):
        os.fsync(handle)
    os.close(handle)
