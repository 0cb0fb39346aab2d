"""Describing: what a picture shows, as three prompts that the person's model understands.

    one of ours, or a file that carries a recipe    its prompt is known, and comes first, exactly
    a captioner that is installed, on a device      says what it sees, in the person's turn
    the words                                       plainly; with a scene; in another style

Invariant: nothing is invented.  Where no captioner can tell and no prompt is known, there are no
proposals; and only what the asker may see, bytes and words, is described.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.dispatch.errands import Errands
from bot.studio.defaults import Defaults
from bot.studio.drafting import Drafting
from bot.studio.gallery import Gallery
from bot.studio.opening import Opening
from bot.studio.phrasing import Proposed
from bot.studio.rights import Asker
from bot.studio.wishes import Wish
from generation.catalog.captioners import OURS
from generation.catalog.entry import Entry
from generation.catalog.modelfolder import model_type
from generation.draft import Draft, DraftWords
from generation.fleet.wire import Described
from generation.media.table import still_of
from generation.recipe import Recipe
from storage.files import Files
from storage.pictures import PictureId
from storage.requests import Origin

PATIENCE = 600.0  # seconds; whoever waits for an answer longer has lost it

# With which a sentence begins that has no name at its begin.
_ARTICLES = frozenset(
    ("a", "an", "the", "one", "two", "three", "four", "several", "some", "many", "there")
)


class NotInTime(Exception):
    """A picture was not described while somebody waited for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is said of a picture."""

    captioner: Entry
    built_in: bool  # whether that is ours, which knows the starter's world alone
    said: Described  # without words where it cannot tell
    known: Recipe | None  # what the picture was drawn by, with its words
    proposed: Proposed | None  # None: there is nothing to propose


class Descriptions:
    """The describing."""

    def __init__(
        self,
        *,
        gallery: Gallery,
        files: Files,
        defaults: Defaults,
        drafting: Drafting,
        opening: Opening,
        errands: Errands,
    ) -> None:
        self._gallery, self._files, self._defaults = gallery, files, defaults
        self._drafting, self._opening, self._errands = drafting, opening, errands
        self.patience = PATIENCE

    async def of_ours(
        self, origin: Origin, number: PictureId, model: str | None = None
    ) -> Description:
        """What a picture shows that was drawn here.

        Raises Missing where the asker may not see it or its bytes are gone, and as `of_sent` does.
        """
        asker = Asker.of(origin)
        picture = await self._gallery.picture(asker, number)
        await self._gallery.check_start(asker, number)
        data = await asyncio.to_thread(self._files.read, picture.png_sha256)
        data = await asyncio.to_thread(still_of, data)
        return await self._of(origin, data, picture.recipe, model)

    async def of_sent(self, origin: Origin, data: bytes, model: str | None = None) -> Description:
        """What a picture shows that somebody sent.

        Raises BadPicture, NoCaptioner, QueueFull, Declined, NotInTime, and what ends a job.
        """
        await self._opening.check(data)
        carried = await self._opening.carried(data)
        return await self._of(origin, data, carried[0] if carried else None, model)

    async def _of(
        self, origin: Origin, data: bytes, recipe: Recipe | None, model: str | None
    ) -> Description:
        known = recipe if recipe is not None and recipe.words and recipe.described else None
        entry = self._drafting.offers.captioner()
        try:
            async with asyncio.timeout(self.patience):
                said = await self._errands.describe(origin.owner, origin.share, data, entry.weights)
        except TimeoutError:
            raise NotInTime from None
        words = in_a_prompt(said.words) or (known.described if known is not None else "")
        return Description(
            captioner=entry,
            built_in=model_type(entry.path) == OURS,
            said=said,
            known=known,
            proposed=await self._proposed(origin, words, known, model) if words else None,
        )

    async def _proposed(
        self, origin: Origin, words: str, known: Recipe | None, model: str | None
    ) -> Proposed:
        wish = Wish(origin=origin, draft=Draft(words=DraftWords(prompt=words)), model=model)
        around = await self._defaults.around(wish)
        return await self._drafting.describe(wish, around, known=known)


def in_a_prompt(sentences: str) -> str:
    """A captioner's sentences as the words of a wish: no full stop behind, no capital before."""
    bare = sentences.strip().rstrip(".").rstrip()
    first = bare.partition(" ")[0]
    return bare[:1].lower() + bare[1:] if first.lower() in _ARTICLES else bare
