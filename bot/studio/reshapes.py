"""Reshapes: asking for a picture varied, drawn further, drawn anew in a part, larger, or blended.

What each comes to is in `bot.studio.reshaping`.  Invariant: whoever asks may start from the
picture, and a mask is kept before anything is queued.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from bot.studio import reshaping
from bot.studio.defaults import Defaults
from bot.studio.editing import Ingredient, blended
from bot.studio.enlarging import Larger
from bot.studio.gallery import Gallery
from bot.studio.offers import Offers
from bot.studio.opening import Opening
from bot.studio.requests import Requests
from bot.studio.reshaping import Base, Distance
from bot.studio.rights import Asker
from bot.studio.wishes import SEEDS, Wish, shape
from generation.draft import Draft, DraftWords
from generation.errors import BadMask, OtherMedium
from generation.families.family import family
from generation.families.model_family import Family
from generation.media.table import medium_of
from generation.recipe import Recipe
from generation.tasks import IMAGE, VIDEO
from storage.files import INPUT, Files
from storage.pictures import PictureId
from storage.requests import Origin
from storage.tickets import Request


class Reshapes:
    """The asking."""

    def __init__(
        self,
        *,
        gallery: Gallery,
        requests: Requests,
        offers: Offers,
        defaults: Defaults,
        opening: Opening,
        files: Files,
        dice: Callable[[], int],
    ) -> None:
        self._gallery, self._requests, self._offers = gallery, requests, offers
        self._defaults, self._opening, self._files = defaults, opening, files
        self._dice = dice

    async def of_ours(self, origin: Origin, number: PictureId) -> Base:
        """A picture that was drawn here.  Raises Missing where it may not be started from."""
        asker = Asker.of(origin)
        picture = await self._gallery.picture(asker, number)
        await self._gallery.check_start(asker, number)
        await self._gallery.check_inputs(asker, [picture.recipe])
        canvas = picture.recipe.canvas
        return Base(
            origin=origin,
            file=picture.png_sha256,
            width=canvas.width if canvas is not None else 0,
            height=canvas.height if canvas is not None else 0,
            family=await self._its_family(origin, picture.recipe),
            picture=picture,
            medium=medium_of(picture.recipe).name,
        )

    async def _its_family(self, origin: Origin, recipe: Recipe) -> Family:
        """That of what drew it; of what nothing drew, what would draw there."""
        if recipe.family:
            return family(recipe.family)
        return await self._defaults.family(origin)

    async def of_upload(self, origin: Origin, data: bytes) -> Base:
        """A picture that somebody sent, in the size that their model draws.  Raises BadPicture."""
        start, facts = await self._requests.keep_input(data)
        its = await self._defaults.family(origin)
        width, height = shape(its, facts.width, facts.height)
        return Base(
            origin=origin,
            file=start.sha256,
            width=width,
            height=height,
            family=its,
            own=(facts.width, facts.height),
        )

    async def vary(self, base: Base, distance: Distance) -> Request:
        """Another one, close by.  Raises what `Requests.submit` raises, as all of these do."""
        return await self._ask(reshaping.varied(base, distance, self._dice() % SEEDS))

    async def widen(
        self, base: Base, sides: Collection[str], more: str | None, prompt: str | None
    ) -> Request:
        """More around it."""
        of_pictures(base)
        return await self._ask(reshaping.widened(base, sides, more, prompt))

    async def pan(self, base: Base, side: str, by: str | None, prompt: str | None) -> Request:
        """More on one side and as much less on the other, in the same size."""
        of_pictures(base)
        return await self._ask(reshaping.panned(base, side, by, prompt))

    async def zoom_out(self, base: Base, factor: float, prompt: str | None = None) -> Request:
        """More around it, in the same size."""
        of_pictures(base)
        return await self._ask(reshaping.zoomed(base, factor, prompt))

    async def draw_part(
        self, base: Base, prompt: str | None, *, mask: bytes | None, copy: bytes | None
    ) -> Request:
        """Anew what a mask, a copy that was drawn over, or the picture's own holes say.

        Raises BadMask.
        """
        of_pictures(base)
        made = await self._mask(base, mask, copy)
        sha256 = await asyncio.to_thread(self._files.keep, made, INPUT)
        return await self._ask(reshaping.masked(base, sha256, prompt))

    async def draw_painted(self, base: Base, prompt: str | None, mask: bytes) -> Request:
        """Anew what a mask says that was painted over that very picture.

        Raises BadMask for one of another size, and BadPicture.
        """
        painted = await self._opening.check(mask)
        picture = await asyncio.to_thread(self._files.read, base.file)
        below = await self._opening.check(picture)
        if (painted.width, painted.height) != (below.width, below.height):
            raise BadMask(
                "the mask has another size than the picture: paint it on the page once more"
            )
        return await self.draw_part(base, prompt, mask=mask, copy=None)

    async def draw_region(self, base: Base, region: str, prompt: str | None) -> Request:
        """Anew what words name in it.  Raises NoSegmenter where nothing here finds it."""
        of_pictures(base)
        segmenter = self._offers.segmenter()
        return await self._ask(reshaping.named(base, region, segmenter, prompt))

    async def enlarge(self, base: Base, asked: Larger) -> Request:
        """The same with more pixels; drawn over afterwards only where that is asked."""
        if base.medium not in (IMAGE, VIDEO):
            raise OtherMedium(base.medium, IMAGE)
        data = await asyncio.to_thread(self._files.read, base.file)
        shown = base.recipe.described if base.recipe is not None else None
        draft = Draft(words=DraftWords(prompt=shown))
        wish = Wish(origin=base.origin, draft=draft, parent=base.picture)
        if base.medium == VIDEO:
            return await self._requests.enlarge_clip(data, wish, asked)
        return await self._requests.enlarge(data, wish, asked)

    async def blend(
        self, bases: Sequence[Base], shares: Sequence[float], prompt: str | None
    ) -> Request:
        """One picture of two to four, by their shares.  Raises OutOfRange."""
        for base in bases:
            of_pictures(base)
        parts = [
            Ingredient(file=base.file, width=base.width, height=base.height, picture=base.picture)
            for base in bases
        ]
        origin = bases[0].origin
        wish = blended(parts, shares, origin=origin, family=bases[0].family, prompt=prompt)
        leading = next((base for base in bases if base.picture is wish.parent), bases[0])
        if leading.family is not bases[0].family:  # whoever counts most decides the size
            wish = blended(parts, shares, origin=origin, family=leading.family, prompt=prompt)
        return await self._ask(wish)

    async def check_upload(self, data: bytes) -> None:
        """Raise BadPicture where a picture that somebody sent cannot be opened safely."""
        await self._opening.check(data)

    async def _mask(self, base: Base, mask: bytes | None, copy: bytes | None) -> bytes:
        if mask is not None:
            return await self._opening.mask("attached", mask)
        picture = await asyncio.to_thread(self._files.read, base.file)
        if copy is not None:
            return await self._opening.mask("drawn_over", picture, copy)
        if holes := await self._opening.mask("transparent", picture):
            return holes
        raise BadMask(
            "nothing says which part is meant: name the region, send a mask or a copy that you "
            "drew over, or a picture that is transparent there"
        )

    async def _ask(self, wish: Wish) -> Request:
        return await self._requests.submit(wish)


def of_pictures(base: Base) -> None:
    """Raise OtherMedium for what is no picture: it has no parts that could be drawn anew."""
    if base.medium != IMAGE:
        raise OtherMedium(base.medium, IMAGE)
