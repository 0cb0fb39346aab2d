"""The best of several: each picture of such a request is scored against what was wished for.

    Delivery --a request is done, nothing was tried--> Bests.score --> a score for each --> shown

It happens before the first attempt to show the result and never behind it, so a message that may
be there already keeps its order.  Invariant: a picture is scored once; a restart scores what lacks
a score; a scorer that fails holds no picture back, it is shown without a score.
"""

from __future__ import annotations

import asyncio
import logging
import re

from bot.dispatch.errands import Errands
from generation.errors import GenerationError
from generation.media.table import still_of
from generation.recipe import Recipe, Weights
from prompting import wildcards
from storage.errors import Missing
from storage.pictures import StoredPicture
from storage.scores import PictureScore
from storage.stores import Stores
from storage.tickets import Request, RequestId
from storage.words import Wording

log = logging.getLogger(__name__)

PATIENCE = 600.0  # seconds that a picture's turn to be scored is waited for

_WORD = re.compile(r"\w+")


class Bests:
    """Scores what was drawn to be compared."""

    def __init__(self, stores: Stores, errands: Errands) -> None:
        self._stores, self._errands = stores, errands
        self.patience = PATIENCE

    async def score(self, request: RequestId) -> None:
        """Score the pictures that lack it, where the best was asked for.  Raises StorageError."""
        try:
            asked = await self._stores.tickets.request(request)
            if asked.scorer is None or (await self._stores.tickets.sent(request)).tried:
                return
        except Missing:
            return  # it has been delivered
        wording = await self._stores.words.find(request)
        for picture in await self._stores.pictures.of_request(request):
            if picture.score is not None or picture.deleted:
                continue
            try:
                async with asyncio.timeout(self.patience):
                    await self._score(asked, asked.scorer, picture, wording)
            except (GenerationError, Missing, TimeoutError) as error:
                log.warning("picture %d has no score: %r", picture.id, error)
                return

    async def _score(
        self, asked: Request, scorer: Weights, picture: StoredPicture, wording: Wording | None
    ) -> None:
        data = await asyncio.to_thread(self._stores.files.read, picture.png_sha256)
        data = await asyncio.to_thread(still_of, data)
        origin, words = asked.origin, wished(picture.recipe, wording)
        value = await self._errands.score_ours(origin.owner, origin.share, data, scorer, words)
        score = PictureScore(value=value, scorer=scorer)
        await self._stores.pictures.note_score(picture.id, score)


def wished(recipe: Recipe, wording: Wording | None) -> str:
    """What a picture is scored against: the wish, and not the scene that was found for it.

    The prompt where the wish is not in it: it was translated, or stands for several pictures.
    """
    own = wording.assisted.wish if wording is not None else ""
    said = set(_WORD.findall(recipe.described.lower()))
    if own.strip() and wildcards.count(own) == 1 and set(_WORD.findall(own.lower())) <= said:
        return own
    return recipe.described
