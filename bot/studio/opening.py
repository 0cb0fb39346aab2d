"""Opens files that people send, where they cannot hurt anybody else.

    a small one        in a thread: it is decoded in a moment, as its header says
    any other, clips   in a process of its own, with an end to its time and its memory

The invariant: the event loop does nothing but wait, and no more than AT_ONCE files are decoded
and HELD are in memory at a time, however many are sent.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from generation.errors import BadClip, BadMask, BadPicture, BadSound, Lossy
from generation.media import masks, photos, table
from generation.media.clips import ClipFacts, Moment
from generation.media.photos import InputFacts
from generation.media.sounds import SoundFacts
from generation.media.table import MEDIA, Media
from generation.recipe import Recipe, Sha256

AT_ONCE = 2
HELD = 4
SECONDS = 60.0  # by the clock; the process has its own count of the processor's

PROGRAM = (sys.executable, "-m", "generation.media.decoding")


class Opening:
    """Opens files, a few at a time."""

    def __init__(
        self,
        program: tuple[str, ...] = PROGRAM,
        *,
        seconds: float = SECONDS,
        media: Media = MEDIA,
    ) -> None:
        self._program, self._seconds, self._media = program, seconds, media
        self._decoding = asyncio.Semaphore(AT_ONCE)
        self._held = asyncio.Semaphore(HELD)

    @contextlib.asynccontextmanager
    async def room(self) -> AsyncIterator[None]:
        """Room in memory for one file, from its download to when it is on the disk."""
        async with self._held:
            yield

    async def check(self, data: bytes) -> InputFacts:
        """What the picture is.  Raises BadPicture."""
        async with self._decoding:
            if await asyncio.to_thread(photos.is_light, data):
                return await asyncio.to_thread(photos.check, data)
            return InputFacts(**await self._apart(data, "check"))

    async def clip(self, data: bytes) -> ClipFacts:
        """What the clip is.  Raises BadClip."""
        async with self._decoding:
            return ClipFacts(**await self._apart(data, "clip", refused=BadClip))

    async def sound(self, data: bytes) -> SoundFacts:
        """What the sound is.  Raises BadSound."""
        async with self._decoding:
            return SoundFacts(**await self._apart(data, "sound", refused=BadSound))

    async def frame(self, data: bytes, moment: Moment) -> bytes:
        """A frame of a clip as a PNG, to be kept as if somebody had sent it.  Raises BadClip."""
        async with self._decoding:
            told = await self._apart(data, "frame", str(moment), refused=BadClip)
            return base64.b64decode(told["frame"])

    async def mask(self, way: str, *files: bytes) -> bytes:
        """The mask that files mean in that way (`generation.media.masks`); b"" where it is none.

        Raises BadMask and BadPicture.
        """
        async with self._decoding:
            if all([await asyncio.to_thread(photos.is_light, file) for file in files]):
                return await asyncio.to_thread(masks.made, way, *files)
            lengths = ",".join(str(len(file)) for file in files)
            told = await self._apart(b"".join(files), "mask", way, lengths)
            return base64.b64decode(told["mask"])

    async def carried(self, file: bytes) -> tuple[Recipe, Sha256 | None] | None:
        """The recipe that a file carries, and the digest of its content; None: it has no recipe.

        The digest is None where the file holds its content but nearly.  Raises OutOfRange and
        BadPicture.
        """
        async with self._decoding:
            found = await asyncio.to_thread(table.carried, file, self._media)
            if found is None:
                return None
            recipe, medium = found
            try:
                if await asyncio.to_thread(medium.is_light, file):
                    return recipe, await asyncio.to_thread(medium.digest_in, file)
                told = await self._apart(file, "digest", medium.name)
            except Lossy:
                return recipe, None
            return recipe, Sha256(told["digest"])

    async def _apart(
        self, data: bytes, *wanted: str, refused: type[BadPicture] = BadPicture
    ) -> dict[str, Any]:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(*self._program, *wanted),
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(self._seconds):
                said, _ = await process.communicate(data)
        except TimeoutError:
            raise refused("it takes too long to unpack") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        try:
            answer = json.loads(said)
        except ValueError:
            raise refused("it takes more time or memory to unpack than I give it") from None
        if "refused" in answer:
            raise refused(answer["refused"])
        if "lossy" in answer:
            raise Lossy(answer["lossy"])
        if "unmasked" in answer:
            raise BadMask(answer["unmasked"])
        return dict(answer)
