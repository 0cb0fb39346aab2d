"""Crossings: asking for a clip, a sound or a form, of words or of a work that there is.

What each comes to is in `bot.studio.crossing`.  Invariant: whoever asks may start from the work,
and what was sent is kept as it came before anything is queued.
"""

from __future__ import annotations

import asyncio

from PIL import Image

from bot.studio import crossing
from bot.studio.crossing import GivenWork, source_of
from bot.studio.drafting import Drafting
from bot.studio.gallery import Gallery
from bot.studio.opening import Opening
from bot.studio.requests import Requests
from bot.studio.rights import Asker
from bot.studio.wishes import Wish
from generation.errors import BadPicture, OtherMedium, Unacceptable
from generation.media import clips, photos
from generation.media.sounds import is_sound
from generation.media.table import carried
from generation.tasks import AUDIO, IMAGE, MESH, VIDEO
from storage.files import INPUT, Files
from storage.pictures import PictureId
from storage.requests import Origin
from storage.tickets import Request

FLAT = 6  # levels of 255 that a picture's pixels differ by, in which no object is
LOOKED_AT = 64  # pixels of the longer side


class Crossings:
    """The asking."""

    def __init__(
        self,
        *,
        gallery: Gallery,
        requests: Requests,
        drafting: Drafting,
        opening: Opening,
        files: Files,
    ) -> None:
        self._gallery, self._requests, self._drafting = gallery, requests, drafting
        self._opening, self._files = opening, files

    async def of_ours(self, origin: Origin, number: PictureId) -> GivenWork:
        """A work that was made here.  Raises Missing where it may not be started from."""
        asker = Asker.of(origin)
        picture = await self._gallery.picture(asker, number)
        await self._gallery.check_start(asker, number)
        await self._gallery.check_inputs(asker, [picture.recipe])
        return source_of(picture)

    async def of_upload(self, data: bytes) -> GivenWork:
        """What somebody sent: a picture, a clip or a sound, with the words that it carries.

        Raises BadPicture.
        """
        words = await self._carried(data)
        if await asyncio.to_thread(clips.is_clip, data):
            facts = await self._opening.clip(data)
            sha256 = await asyncio.to_thread(self._files.keep, data, INPUT)
            return GivenWork(
                file=sha256,
                medium=VIDEO,
                words=words,
                width=facts.width,
                height=facts.height,
                seconds=facts.seconds,
            )
        if await asyncio.to_thread(is_sound, data):
            told = await self._opening.sound(data)
            sha256 = await asyncio.to_thread(self._files.keep, data, INPUT)
            return GivenWork(file=sha256, medium=AUDIO, words=words, seconds=told.seconds)
        start, seen = await self._requests.keep_input(data)
        return GivenWork(
            file=start.sha256, medium=IMAGE, words=words, width=seen.width, height=seen.height
        )

    async def _carried(self, data: bytes) -> str:
        """What a file of ours says that it shows."""
        try:
            found = await asyncio.to_thread(carried, data)
        except Unacceptable:
            return ""
        return found[0].described if found is not None else ""

    async def film(
        self, wish: Wish, source: GivenWork | None = None, *, last: GivenWork | None = None
    ) -> Request:
        """A clip.  Raises what `Requests.submit` raises, as all of these do, and NoMaker."""
        wish = self._requests.read(wish, VIDEO)
        wish = crossing.filmed(wish, self._drafting.offers, source, last=last)
        if source is not None and source.width:
            wish = self._drafting.sized_like(wish, source.width, source.height)
        return await self._requests.submit(wish)

    def wish_for(self, medium: str, wish: Wish, source: GivenWork | None) -> Wish:
        """The wish for a work of that medium, which is none of pictures.  Raises NoMaker."""
        make = {VIDEO: crossing.filmed, AUDIO: crossing.voiced, MESH: crossing.formed}[medium]
        wish = make(wish, self._drafting.offers, source)
        if source is None or not source.width:
            return wish
        return self._drafting.sized_like(wish, source.width, source.height)

    async def voice(self, wish: Wish, source: GivenWork | None = None) -> Request:
        """A sound."""
        wish = self._requests.read(wish, AUDIO)
        return await self._requests.submit(crossing.voiced(wish, self._drafting.offers, source))

    async def form(self, wish: Wish, source: GivenWork | None = None) -> Request:
        """A form.  Raises BadPicture for a picture with nothing in it."""
        wish = self._requests.read(wish, MESH)
        if source is not None:
            await self.check_object(source)
        return await self._requests.submit(crossing.formed(wish, self._drafting.offers, source))

    async def extend(self, wish: Wish, source: GivenWork, seconds: float | None = None) -> Request:
        """What follows a clip.  Raises OtherMedium."""
        wish = crossing.extended(wish, self._drafting.offers, source, seconds)
        return await self._requests.submit(wish)

    async def still(self, wish: Wish, source: GivenWork, moment: str) -> Request:
        """A frame of a clip as a picture.  Raises OtherMedium."""
        if source.medium != VIDEO:
            raise OtherMedium(source.medium, VIDEO)
        return await self._requests.submit(await self.stilled(wish, source, moment))

    async def stilled(self, wish: Wish, source: GivenWork, moment: str) -> Wish:
        """The wish for a frame of a clip, which is kept."""
        data = await asyncio.to_thread(self._files.read, source.file)
        frame = await self._opening.frame(data, moment or clips.MIDDLE)
        start, facts = await self._requests.keep_input(frame)
        return crossing.still(wish, source, start, facts)

    async def check_object(self, source: GivenWork) -> None:
        """Raise BadPicture for a picture that is all of one colour."""
        if source.medium != IMAGE:
            return
        data = await asyncio.to_thread(self._files.read, source.file)
        if await asyncio.to_thread(is_flat, data):
            raise BadPicture("it is of one colour all over, so there is nothing to make a form of")


def is_flat(data: bytes) -> bool:
    """Whether a picture shows one colour and nothing else; large ones are not looked at."""
    if not photos.is_light(data):
        return False
    picture = photos.as_rgb(photos.upright(data))
    picture.thumbnail((LOOKED_AT, LOOKED_AT), Image.Resampling.BOX)
    return all(high - low <= FLAT for low, high in picture.getextrema())  # type: ignore[misc]
