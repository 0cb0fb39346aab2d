"""Thumbnails: small pictures of kept ones, made when they are first looked at, in bounded room.

Invariant: a thumbnail lies beside its file and goes with it; without one, it is made anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from PIL import Image, ImageDraw

from generation.errors import BadPicture
from generation.media import photos
from generation.media.clips import is_clip
from generation.media.table import MEDIA, still_of
from generation.recipe import Sha256
from generation.tasks import MESH
from storage.errors import StorageError
from storage.files import Files

SIDE = 384  # pixels of the longer one
QUALITY = 82
ROOM = 256 * 2**20  # bytes of all thumbnails
LOOK_EVERY = 500  # new ones, between two looks at the room that they take

# Whoever asks for a page waits for it, and pictures are drawn meanwhile.
PAINTERS = ThreadPoolExecutor(2, thread_name_prefix="thumbnail")
TURNERS = ThreadPoolExecutor(1, thread_name_prefix="turntable")  # seconds each: walls do not wait
TURNED = 16  # turntables that are at hand


class Thumbnails:
    """Makes and keeps them."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._made = 0
        self.room = ROOM
        self._turns: dict[Sha256, asyncio.Future[bytes | None]] = {}  # those in the making
        self._turned: dict[Sha256, bytes] = {}  # the newest last

    async def of(self, files: Sequence[Sha256]) -> tuple[bytes | None, ...]:
        """A WebP of each file; None where it is gone or is no picture."""
        loop = asyncio.get_running_loop()
        each = (loop.run_in_executor(PAINTERS, self._one, file) for file in files)
        return tuple(await asyncio.gather(*each))

    async def turning(self, file: Sha256) -> bytes | None:
        """A form as it turns, as a WebP; None where the file is gone or is no form.

        However many look at once, it is made once; a few are at hand, and none is kept.
        """
        if (known := self._turned.get(file)) is not None:
            return known
        if file not in self._turns:
            loop = asyncio.get_running_loop()
            self._turns[file] = loop.run_in_executor(TURNERS, self._turning, file)
        try:
            made = await asyncio.shield(self._turns[file])
        finally:
            if file in self._turns and self._turns[file].done():
                del self._turns[file]
        if made is not None:
            self._turned[file] = made
            while len(self._turned) > TURNED:
                del self._turned[next(iter(self._turned))]
        return made

    def _turning(self, file: Sha256) -> bytes | None:
        try:
            data = self._files.read(file)
            return next((shown for _, shown in MEDIA[MESH].beside(data)), None)
        except (BadPicture, StorageError):
            return None

    def _one(self, file: Sha256) -> bytes | None:
        try:
            kept = self._files.thumbnail(file)
            if kept:  # a power cut can leave an empty one
                return kept
            data = self._files.read(file)
            made = made_of(still_of(data), plays=data[4:8] == b"ftyp" or is_clip(data))
        except (BadPicture, StorageError):
            return None
        with contextlib.suppress(StorageError):  # the page is shown on a full disk, too
            self._files.keep_thumbnail(file, made)
            self._made += 1
            if self._made % LOOK_EVERY == 1:
                self._files.thin_thumbnails(self.room)
        return made


def made_of(data: bytes, *, plays: bool = False) -> bytes:
    """A small WebP of a picture, with a sign where it is of a clip.  Raises BadPicture."""
    picture = photos.as_rgb(photos.upright(data))
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if plays:
        _mark(picture)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=QUALITY, method=2)
    return out.getvalue()


def _mark(picture: Image.Image) -> None:
    """A triangle on a disk, in the lower left corner."""
    radius = max(6, min(picture.size) // 9)
    left, low = radius // 2, picture.height - radius // 2
    middle = left + radius, low - radius
    pen = ImageDraw.Draw(picture)
    pen.ellipse((left, low - 2 * radius, left + 2 * radius, low), fill="#1e1f22", outline="#ffffff")
    x, y, half = *middle, radius // 2
    pen.polygon(((x - half // 2, y - half), (x - half // 2, y + half), (x + half, y)), fill="white")
