"""Scoring: how well words say what a picture shows, by a CLIP or a SigLIP that is installed.

Invariant: only what the asker may see is scored, and pictures of a family are scored by what knows
them: a scorer whose card names a family sees its pictures alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.dispatch.errands import Errands
from bot.studio.describing import PATIENCE, NotInTime
from bot.studio.gallery import Gallery
from bot.studio.offers import Offers
from bot.studio.opening import Opening
from bot.studio.rights import Asker
from generation.catalog.entry import Entry
from generation.media.table import still_of
from storage.files import Files
from storage.pictures import PictureId
from storage.requests import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class TextScores:
    """How well each of some texts fits a picture."""

    scorer: Entry
    of: tuple[tuple[str, float], ...]  # in the order in which the texts were given


class Scores:
    """The scoring."""

    def __init__(
        self,
        *,
        gallery: Gallery,
        files: Files,
        offers: Offers,
        opening: Opening,
        errands: Errands,
    ) -> None:
        self._gallery, self._files, self._offers = gallery, files, offers
        self._opening, self._errands = opening, errands
        self.patience = PATIENCE

    async def of_ours(self, origin: Origin, number: PictureId, texts: Sequence[str]) -> TextScores:
        """The scores of a picture that was drawn here.

        Raises Missing where the asker may not see it or its bytes are gone, and as `of_sent` does.
        """
        picture = await self._gallery.picture(Asker.of(origin), number)
        data = await asyncio.to_thread(self._files.read, picture.png_sha256)
        data = await asyncio.to_thread(still_of, data)
        return await self._of(origin, data, picture.recipe.family, texts)

    async def of_sent(self, origin: Origin, data: bytes, texts: Sequence[str]) -> TextScores:
        """The scores of a picture that somebody sent.

        Raises BadPicture, NoScorer, QueueFull, NotInTime, and what ends a job.
        """
        await self._opening.check(data)
        carried = await self._opening.carried(data)
        return await self._of(origin, data, carried[0].family if carried else "", texts)

    async def _of(
        self, origin: Origin, data: bytes, family_name: str, texts: Sequence[str]
    ) -> TextScores:
        entry = self._offers.scorer(family_name)
        try:
            async with asyncio.timeout(self.patience):
                scores = await self._errands.score(
                    origin.owner, origin.share, data, entry.weights, texts
                )
        except TimeoutError:
            raise NotInTime from None
        return TextScores(scorer=entry, of=tuple(zip(texts, scores, strict=True)))
