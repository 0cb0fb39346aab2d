"""Comparing: pictures that there are, each beside the first of them.

Invariant: nobody's picture is compared for whoever may not see it or may not have its bytes; and
two pictures are called the same only where every pixel is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.studio.gallery import Gallery
from bot.studio.rights import Asker
from generation.errors import OtherMedium, OutOfRange
from generation.media.pixel_difference import PixelDifference, pixel_difference
from generation.media.table import medium_of
from generation.tasks import IMAGE
from storage.files import Files
from storage.pictures import PictureId, StoredPicture

FEWEST, MOST = 2, 9
SIDE = 640  # pixels of the picture that shows a difference


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedPicture:
    """A picture beside the first of those that are compared."""

    picture: StoredPicture
    file: bytes
    same: bool  # every pixel is that of the first
    difference: PixelDifference | None  # None: they are the same, or of two sizes


class Comparisons:
    """Puts pictures side by side, one comparison at a time: two large ones fill some memory."""

    def __init__(self, gallery: Gallery, files: Files) -> None:
        self._gallery, self._files = gallery, files
        self._one = asyncio.Semaphore(1)

    async def side_by_side(
        self, asker: Asker, numbers: Sequence[PictureId]
    ) -> tuple[ComparedPicture, ...]:
        """Each of these pictures, and how far it is from the first.

        Raises OutOfRange for too few or too many, Missing, and BadPicture.
        """
        numbers = tuple(dict.fromkeys(numbers))
        if not FEWEST <= len(numbers) <= MOST:
            raise OutOfRange("number of pictures", len(numbers), f"{FEWEST} to {MOST}")
        pictures = [await self._gallery.picture(asker, number) for number in numbers]
        for number in numbers:
            await self._gallery.check_start(asker, number)
        for picture in pictures:
            if (medium := medium_of(picture.recipe).name) != IMAGE:
                raise OtherMedium(medium, IMAGE)
        async with self._one:
            first = pictures[0]
            begun = await asyncio.to_thread(self._files.read, first.png_sha256)
            return tuple([await self._beside(first, begun, one) for one in pictures])

    async def _beside(
        self, first: StoredPicture, begun: bytes, other: StoredPicture
    ) -> ComparedPicture:
        file = await asyncio.to_thread(self._files.read, other.png_sha256)
        same = (first.pixels_sha256, first.recipe.canvas) == (
            other.pixels_sha256,
            other.recipe.canvas,
        )
        apart = None if same else await asyncio.to_thread(pixel_difference, begun, file, SIDE)
        return ComparedPicture(picture=other, file=file, same=same, difference=apart)
