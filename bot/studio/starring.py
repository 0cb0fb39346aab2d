"""Starring: pictures that people keep in mind, each their own.

Invariant: a star is put only on a picture that the person may see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.studio.gallery import Gallery
from bot.studio.rights import Asker
from storage.favourites import Favourites
from storage.pictures import PictureId


@dataclass(frozen=True, slots=True, kw_only=True)
class Starred:
    """A picture after somebody has pressed its star."""

    mine: bool  # whether it is that person's favourite now
    stars: int  # of all people


class Starring:
    """Who has starred what."""

    def __init__(
        self, gallery: Gallery, favourites: Favourites, *, clock: Callable[[], float]
    ) -> None:
        self._gallery, self._favourites, self._clock = gallery, favourites, clock

    async def toggle(self, asker: Asker, picture: PictureId) -> Starred:
        """Star a picture, or take the person's own star off it.  Raises Missing."""
        await self._gallery.picture(asker, picture)
        mine = await self._favourites.toggle(asker.id, picture, at=self._clock())
        return Starred(mine=mine, stars=(await self.stars(asker, [picture]))[0])

    async def stars(self, _: Asker, pictures: Sequence[PictureId]) -> tuple[int, ...]:
        """How many people have starred each, for whoever sees the pictures anyhow."""
        found = await self._favourites.stars(pictures)
        return tuple(found.get(picture, 0) for picture in pictures)
