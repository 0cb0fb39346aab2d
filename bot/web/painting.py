"""The mask painter: a page on which a person paints over a picture what is drawn anew.

    GET   paint/LINK           the page
    GET   paint/LINK/picture   the picture below
    POST  paint/LINK           the mask, which becomes that person's request in that channel

Invariant: a link draws once.  It is used up before anything is queued, and given back where that is
refused, so neither two presses nor a restart queue it twice.  Whether the person may start from the
picture and ask in that channel is decided at each request, as in chat.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass

from aiohttp import web

from bot.languages.speaking import mark, tr
from bot.studio.reshaping import Base
from bot.studio.studio import Studio
from bot.web import answers
from bot.web.links import Link, LinkPurpose, Links, LinkUsed
from bot.web.painter_page import painter_page
from bot.web.reception import Reception
from bot.web.server import LINK, Route, body_of
from bot.web.welcome import admitted
from generation.parameters import PROMPT
from storage.errors import AskedBefore
from storage.requests import Origin
from storage.tickets import Request
from storage.used_links import UsedLinks

SECONDS = 15 * 60.0  # that a link to the painter works
MAX_MASK = 4 * 2**20  # bytes of its PNG; of strokes they are some thousand
MAX_BODY = MAX_MASK * 4 // 3 + 8 * PROMPT.longest

IN_THE_CONVERSATION = mark("It is being drawn. The picture comes into the conversation.")
IN_PRIVATE = mark("It is being drawn. The picture comes to you alone, by direct message.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintedMask:
    """What the page sends."""

    png: bytes
    words: str | None


class MaskPainter:
    """The routes of the painter."""

    def __init__(self, studio: Studio, links: Links, used: UsedLinks, reception: Reception) -> None:
        self._studio, self._links, self._used = studio, links, used
        self._reception = reception

    def routes(self) -> tuple[Route, ...]:
        """What is answered at which address."""
        here = rf"/{LinkPurpose.PAINT}/{LINK}"
        return (
            Route(method="GET", path=re.compile(here), answer=self._page),
            Route(method="GET", path=re.compile(f"{here}/picture"), answer=self._picture),
            Route(method="POST", path=re.compile(here), answer=self._mask),
        )

    async def _page(self, _: web.BaseRequest, at: re.Match[str]) -> web.StreamResponse:
        link = await self._opened(at)
        base = await self._base(link, await self._reception.origin(link.visitor))
        shown = base.recipe.described if base.recipe is not None else ""
        left = link.until - self._links.clock()
        return answers.document(
            painter_page(number=link.thing, shown=shown, link=at["link"], seconds=left)
        )

    async def _picture(self, _: web.BaseRequest, at: re.Match[str]) -> web.StreamResponse:
        link = await self._opened(at)
        await self._base(link, await self._reception.origin(link.visitor))
        _picture, data = await self._studio.changes.shown_again(link.visitor.asker, link.picture)
        return answers.file(data, "image/png")

    async def _mask(self, request: web.BaseRequest, at: re.Match[str]) -> web.StreamResponse:
        link = await self._opened(at)
        async with self._studio.opening.room():
            painted = painted_in(await body_of(request, MAX_BODY))
            queued = await self._queue(link, painted)
        await self._reception.announce(queued)
        guild = link.visitor.guild or "@me"
        return answers.values(
            {
                "said": tr(IN_PRIVATE if link.visitor.private else IN_THE_CONVERSATION),
                "back": f"https://discord.com/channels/{guild}/{link.visitor.channel}",
            }
        )

    async def _queue(self, link: Link, painted: PaintedMask) -> Request:
        """Queue it once.  Raises LinkUsed, and what `Reshapes.draw_painted` raises."""
        base = await self._base(link, await self._reception.origin(link.visitor))
        if not await self._used.spend(link.serial, until=link.until, now=self._links.clock()):
            raise LinkUsed
        try:
            return await self._studio.reshapes.draw_painted(base, painted.words, painted.png)
        except AskedBefore:
            raise LinkUsed from None
        except BaseException:
            await self._used.give_back(link.serial)
            raise

    async def _opened(self, at: re.Match[str]) -> Link:
        """What the link says, in its person's language from here on.  Raises NoLink."""
        link = admitted(self._studio, self._links, LinkPurpose.PAINT, at["link"])
        if await self._used.is_used(link.serial):
            raise LinkUsed
        return link

    async def _base(self, link: Link, origin: Origin) -> Base:
        """The picture, for somebody who may start from it.  Raises Missing."""
        return await self._studio.reshapes.of_ours(origin, link.picture)


def painted_in(body: bytes) -> PaintedMask:
    """What the page sent.  Raises HTTPException for what it would not send."""
    try:
        said = json.loads(body)
        words = said.get("words", "")
        png = base64.b64decode(said["mask"], validate=True)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        raise web.HTTPBadRequest from None
    if not isinstance(words, str) or not png:
        raise web.HTTPBadRequest
    if len(png) > MAX_MASK or len(words) > PROMPT.longest:
        raise web.HTTPRequestEntityTooLarge(MAX_MASK, len(png))
    return PaintedMask(png=png, words=words.strip() or None)
