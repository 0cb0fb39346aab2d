"""Thumbnails: small pictures of kept ones, made when they are first looked at, in bounded room.

Invariant: a thumbnail lies beside its file and goes with it; without one, it is made anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from generation.errors import BadPicture
from generation.media import photos
from generation.media.table import still_of
from generation.recipe import Sha256
from storage.errors import StorageError
from storage.files import Files

SIDE = 384  # pixels of the longer one
QUALITY = 82
ROOM = 256 * 2**20  # bytes of all thumbnails
LOOK_EVERY = 500  # new ones, between two looks at the room that they take

# Whoever asks for a page waits for it, and pictures are drawn meanwhile.
PAINTERS = ThreadPoolExecutor(2, thread_name_prefix="thumbnail")


class Thumbnails:
    """Makes and keeps them."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._made = 0
        self.room = ROOM

    async def of(self, files: Sequence[Sha256]) -> tuple[bytes | None, ...]:
        """A WebP of each file; None where it is gone or is no picture."""
        loop = asyncio.get_running_loop()
        each = (loop.run_in_executor(PAINTERS, self._one, file) for file in files)
        return tuple(await asyncio.gather(*each))

    def _one(self, file: Sha256) -> bytes | None:
        try:
            kept = self._files.thumbnail(file)
            if kept:  # a power cut can leave an empty one
                return kept
            made = made_of(still_of(self._files.read(file)))
        except (BadPicture, StorageError):
            return None
        with contextlib.suppress(StorageError):  # the page is shown on a full disk, too
            self._files.keep_thumbnail(file, made)
            self._made += 1
            if self._made % LOOK_EVERY == 1:
                self._files.thin_thumbnails(self.room)
        return made


def made_of(data: bytes) -> bytes:
    """A small WebP of a picture.  Raises BadPicture."""
    picture = photos.as_rgb(photos.upright(data))
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=QUALITY, method=2)
    return out.getvalue()
