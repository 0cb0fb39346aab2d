"""The weights that a node has fetched, in a folder of bounded size that all its seats share.

    folder/weights/<sha256>/...    whole, and proved by digest: a rename brings them here
    folder/parts/<sha256>/...      half fetched; the next try goes on where the last one ended
    folder/own/...                 what the owner puts or links there: used, and never removed
    folder/locks/<sha256>          shared by those who draw with them, exclusive to fetch or remove
    folder/digests.json            so that nothing is hashed twice

The invariant: nothing is under `weights` that has another digest than its name says, two seats
never fetch the same, and nothing goes that a job draws with.  The locks are flock's: they end with
the process that holds them, however it ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from generation.catalog.digests import Digests
from generation.errors import Cancelled, MissingWeights, OutOfReach
from generation.fleet.cluster.manifest import BadManifest, Manifest, WeightFile, parse
from generation.fleet.cluster.source import Lost, NotThere, Source
from generation.recipe import Sha256, Weights

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

SPARE_DISK = 2**30  # bytes that stay free
WRONG = 3  # transfers of one file with a wrong digest, until it is given up
GIVE_UP = 120.0  # seconds without a byte from the bot
LONGEST_PAUSE = 10.0  # seconds between two tries


class Pinned:
    """Weights in the cache that will not be removed before `close`."""

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    def close(self) -> None:
        """Let go."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """Who waits for weights: they may stop it, and are told that it still goes on."""

    stop: threading.Event
    tell: Callable[[], None]

    def a_while(self, seconds: float) -> None:
        """Raises Cancelled when they stop it meanwhile."""
        self.tell()
        if self.stop.wait(seconds):
            raise Cancelled()


class WeightsCache:
    """Fetched weights on this node.  `bound`: bytes that they may take together."""

    def __init__(self, folder: Path, source: Source, *, bound: int) -> None:
        self.folder, self.digests = folder.absolute(), folder.absolute() / "digests.json"
        self.weights, self.own = self.folder / "weights", self.folder / "own"
        self._source, self._bound = source, bound
        self.give_up = GIVE_UP
        self.free: Callable[[], int] = lambda: shutil.disk_usage(self.folder).free
        for name in ("weights", "own", "parts", "locks"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def hold(self, sha256: Sha256) -> Pinned | None:
        """Keep them where they are; None when they are not here, or still on their way."""
        held = self._claim(sha256, fcntl.LOCK_SH)
        if held is not None and not self._place(sha256).is_dir():
            held.close()
            return None
        if held is not None:
            os.utime(self._place(sha256))  # used now, for whoever needs room
        return held

    def obtain(self, weights: Weights, stop: threading.Event, tell: Callable[[], None]) -> Pinned:
        """Fetch the weights unless they are here, and hold them.

        `tell` is called now and then.  Raises MissingWeights when the bot does not have them,
        Cancelled once `stop` is set, and what keeps them from coming here: OutOfReach, Lost when
        the bot cannot be reached, OSError of the disk.
        """
        waiting = _Waiting(stop=stop, tell=tell)
        while (held := self.hold(weights.sha256)) is None:
            # Whoever fetches the same is waited for; but not who draws with it by then.
            if (alone := self._claim(weights.sha256, fcntl.LOCK_EX)) is None:
                waiting.a_while(0.2)
                continue
            with closing(alone):
                if not self._place(weights.sha256).is_dir():
                    # One at a time on a node: the cable is one, and so is the room.
                    while (room := self._claim("room", fcntl.LOCK_EX)) is None:
                        waiting.a_while(0.2)
                    with closing(room):
                        self._fetch(weights, waiting)
        return held

    def discard(self, sha256: Sha256) -> None:
        """Remove what is no longer what it was, unless somebody draws with it."""
        if (alone := self._claim(sha256, fcntl.LOCK_EX)) is not None:
            with closing(alone):
                self._remove(self._place(sha256))

    def _place(self, sha256: Sha256) -> Path:
        return self.weights / sha256

    def _claim(self, name: str, kind: int) -> Pinned | None:
        """A lock, at once or not at all: who waits must be able to tell, and to stop."""
        handle = os.open(self.folder / "locks" / name, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            if isinstance(error, BlockingIOError):
                return None
            raise
        return Pinned(handle)

    def _fetch(self, weights: Weights, waiting: _Waiting) -> None:
        manifest = self._patiently(lambda: self._manifest(weights), waiting)
        self._make_room(weights, manifest.size)
        began = time.monotonic()
        draft = self.folder / "parts" / weights.sha256
        for part in manifest.parts:
            self._fetch_part(weights.name, part, draft / part.path, waiting)
        if manifest.card:
            _write(draft / manifest.card_path, manifest.card.encode())
        for folder in {file.parent for file in draft.rglob("*")}:
            _sync(folder)
        os.replace(draft, self._place(weights.sha256))
        _sync(self.weights)
        self._remember(weights.sha256, manifest)
        log.info(
            "fetched %s: %.1f MiB in %.1f s",
            weights.name,
            manifest.size / 2**20,
            time.monotonic() - began,
        )

    def _manifest(self, weights: Weights) -> Manifest:
        wrong = BadManifest("")
        for _ in range(WRONG):
            try:
                return parse(self._source.manifest(weights.sha256), weights.sha256)
            except NotThere:
                raise MissingWeights(weights.name, weights.sha256) from None
            except BadManifest as error:
                wrong = error
        raise OutOfReach(weights.name, f"a node cannot get it: {wrong}")

    def _fetch_part(self, name: str, part: WeightFile, file: Path, waiting: _Waiting) -> None:
        """One file, gone on with wherever the last try ended."""
        file.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(WRONG):
            self._patiently(lambda: self._copy(name, part, file, waiting), waiting)
            with file.open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() == part.sha256:
                    os.fsync(stream.fileno())
                    return
            log.warning("%s of %s came with another digest; fetching it again", part.path, name)
            file.unlink()
        raise OutOfReach(name, f"a node got {part.path} {WRONG} times with another digest")

    def _copy(self, name: str, part: WeightFile, file: Path, waiting: _Waiting) -> None:
        with file.open("ab") as draft:
            have = draft.tell()
            if have >= part.size:
                draft.truncate(part.size)
                return
            try:
                for block in self._source.read(part.sha256, start=have):
                    if waiting.stop.is_set():
                        raise Cancelled()
                    draft.write(block[: part.size - draft.tell()])
                    waiting.tell()
            except NotThere:
                raise MissingWeights(name, part.sha256) from None
            finally:
                draft.flush()
                if draft.tell() > have:
                    self._heard_at = time.monotonic()
            if draft.tell() < part.size:
                raise Lost("the connection was cut")

    def _patiently(self, deed: Callable[[], Answer], waiting: _Waiting) -> Answer:
        """Try again after a cut connection, for as long as bytes still come."""
        self._heard_at, pause = time.monotonic(), 0.1
        while True:
            before = self._heard_at
            try:
                return deed()
            except Lost as error:
                log.warning("the bot's weights: %s; trying again", error)
                pause = 0.1 if self._heard_at > before else min(2 * pause, LONGEST_PAUSE)
                if time.monotonic() - self._heard_at > self.give_up:
                    raise
            waiting.a_while(pause)

    def _make_room(self, weights: Weights, needed: int) -> None:
        """Remove the longest unused until the new ones fit."""
        for place in (self.folder / "parts").iterdir():
            if place.name != weights.sha256:  # given up by somebody
                shutil.rmtree(place, ignore_errors=True)
        there = {place: _size(place) for place in self.weights.iterdir()}
        taken = sum(there.values())
        begun = _size(self.folder / "parts" / weights.sha256)
        bound = min(self._bound, taken + begun + self.free() - SPARE_DISK)
        for place in sorted(there, key=lambda p: p.stat().st_mtime):
            if taken + needed <= bound:
                break
            before = place.is_dir()
            self.discard(Sha256(place.name))
            if before and not place.is_dir():
                log.info("removed %s to make room", place.name)
                taken -= there[place]
        if taken + needed > bound:
            why = "its cache may hold" if bound == self._bound else "its disk has room for"
            raise OutOfReach(weights.name, f"a node cannot get it: {why} {bound} bytes")

    def _remove(self, place: Path) -> None:
        """Out of sight at once, whatever happens while it is deleted."""
        gone = self.folder / "parts" / f"{place.name}.gone"
        if place.is_dir():
            shutil.rmtree(gone, ignore_errors=True)
            os.replace(place, gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _remember(self, sha256: Sha256, manifest: Manifest) -> None:
        digests = Digests(self.digests)
        for part in manifest.parts:
            digests.remember(self._place(sha256) / part.path, part.sha256)
        digests.save()


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _write(file: Path, data: bytes) -> None:
    with file.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
