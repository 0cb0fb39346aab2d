"""Safety: what is not for everybody is shown in age-restricted channels only, if admins want that.

    a request is done, its channel is not age-restricted, the server's rule is on
      --> each picture is judged by the scorer that the owner named --> withheld, or shown

A picture is judged by which words fit it best: those of UNSAFE or those of SAFE.  That is a CLIP's
opinion and no more; the rule is for places where a mistake to the safe side costs little.
Invariant: where it cannot be judged, it is withheld; what is withheld is its owner's alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bot.dispatch.errands import Errands
from bot.studio.offers import Offers
from bot.studio.servers import Servers
from generation.catalog.entry import Entry
from generation.errors import GenerationError, NoSuchName
from generation.media.table import several_of
from storage.errors import Missing
from storage.pictures import StoredPicture
from storage.requests import Origin
from storage.servers import ServerRule
from storage.stores import Stores
from storage.tickets import Request, RequestId

log = logging.getLogger(__name__)

PATIENCE = 600.0  # seconds that a picture's turn to be judged is waited for
LOOKS = 3  # frames of a clip that are judged, each as a picture is

UNSAFE = (
    "a picture of a naked person",
    "an explicit sexual picture",
    "pornography",
    "genitals",
    "bare breasts",
    "a mutilated body and much blood",
)
SAFE = (
    "a picture of a person who is dressed",
    "a picture of an animal",
    "a picture of a landscape",
    "a picture of a thing",
    "a picture of a building",
    "a harmless drawing",
)


class NoClassifier(Exception):
    """Nothing here tells whether a picture is for everybody."""


class Safety:
    """Judges pictures.  `named`: the scorer that the owner chose for it, if one."""

    def __init__(
        self, stores: Stores, offers: Offers, errands: Errands, servers: Servers, named: str | None
    ) -> None:
        self._stores, self._offers, self._errands = stores, offers, errands
        self._servers, self._named = servers, named
        # Whether Discord shows a channel to adults only.
        self.is_marked: Callable[[int], bool] = lambda _: False
        self.patience = PATIENCE

    def classifier(self) -> Entry:
        """What judges.  Raises NoClassifier."""
        try:
            return self._offers.catalog.find(self._named or "", "scorer")
        except NoSuchName:
            raise NoClassifier from None

    @property
    def name(self) -> str | None:
        """What judges, as people call it; None: nothing does."""
        try:
            return self.classifier().name
        except NoClassifier:
            return None

    def watches(self, origin: Origin) -> bool:
        """Whether what was asked there is judged before others see it."""
        rules = self._servers.rules(origin.guild)
        wanted = rules.value(ServerRule.MARKED) is not None and not origin.private
        return wanted and not self.is_marked(origin.channel)

    async def judge(self, request: RequestId) -> None:
        """Withhold what is not for everybody, before it is shown.  Raises StorageError."""
        try:
            asked = await self._stores.tickets.request(request)
            if not self.watches(asked.origin) or (await self._stores.tickets.sent(request)).tried:
                return
        except Missing:
            return  # it has been delivered
        for picture in await self._stores.pictures.of_request(request):
            if not picture.deleted and not picture.withheld:
                await self._judge(asked, picture)

    async def _judge(self, asked: Request, picture: StoredPicture) -> None:
        try:
            async with asyncio.timeout(self.patience):
                safe = await self._is_safe(asked.origin, picture)
        except (GenerationError, NoClassifier, Missing, TimeoutError) as error:
            log.warning("picture %d could not be judged: %r", picture.id, error)
            safe = False
        if not safe:
            await self._stores.pictures.withhold(picture.id)

    async def _is_safe(self, origin: Origin, picture: StoredPicture) -> bool:
        data = await asyncio.to_thread(self._stores.files.read, picture.png_sha256)
        weights = self.classifier().weights
        for shown in await asyncio.to_thread(several_of, data, LOOKS):
            scores = await self._errands.judge_ours(
                origin.owner, origin.share, shown, weights, (*UNSAFE, *SAFE)
            )
            if max(scores[len(UNSAFE) :]) < max(scores[: len(UNSAFE)]):
                return False
        return True
