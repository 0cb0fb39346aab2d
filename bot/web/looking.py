"""The gallery in a browser: pages of pictures, each picture with its recipe and its family tree.

    GET  gallery/LINK          thumbnails; what of them, and from where on, stands behind the "?"
    GET  gallery/LINK/NUMBER   a picture, how it was drawn, what it came from and what came of it
    GET  picture/LINK          a picture's file
    GET  picture/LINK/small    its thumbnail
    GET  picture/LINK/turning  a form as it turns

Invariant: what is shown is what the link's person may see in their channel at that moment: each
request asks anew (`bot.web.recent` says how old an answer of Discord's may be).
"""

from __future__ import annotations

import contextlib
import mimetypes
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from aiohttp import web

from bot.pages.apologies import apology_for
from bot.studio.days import first_moment, last_moment
from bot.studio.gallery_pages import (
    NEWEST,
    GalleryAsked,
    GalleryPage,
    Onlooker,
    PageCursor,
    Shelf,
    by_owner,
)
from bot.studio.rights import Sight
from bot.studio.studio import Studio
from bot.web import answers
from bot.web.family_tree import grown
from bot.web.gallery_html import Choices, Look, Shot, picture_html, wall_html
from bot.web.links import Link, LinkPurpose, Links
from bot.web.recent import RecentSight
from bot.web.refusals import unmarked
from bot.web.server import LINK, Route
from bot.web.welcome import admitted
from generation.errors import NoSuchName, OutOfRange
from generation.media.table import medium_of
from prompting.errors import UnknownName
from storage.errors import Missing
from storage.ids import PictureId, number_in
from storage.pictures import StoredPicture
from storage.searches import SearchId

SECONDS = 3600.0  # that a link to the gallery works
PAGE = 24  # pictures
WORDS = 200  # letters of a filter


class BrowserGallery:
    """The routes of the gallery."""

    def __init__(self, studio: Studio, links: Links, sight: Sight) -> None:
        self._studio, self._links, self._sight = studio, links, RecentSight(sight)

    def routes(self) -> tuple[Route, ...]:
        """What is answered at which address."""
        wall, file = rf"/{LinkPurpose.GALLERY}/{LINK}", rf"/{LinkPurpose.PICTURE}/{LINK}"
        return (
            Route(method="GET", path=re.compile(wall), answer=self._wall),
            Route(method="GET", path=re.compile(rf"{wall}/(?P<number>\d+)"), answer=self._one),
            Route(method="GET", path=re.compile(file), answer=self._file),
            Route(method="GET", path=re.compile(f"{file}/small"), answer=self._small),
            Route(method="GET", path=re.compile(f"{file}/turning"), answer=self._turning),
        )

    async def _wall(self, request: web.BaseRequest, at: re.Match[str]) -> web.StreamResponse:
        link = admitted(self._studio, self._links, LinkPurpose.GALLERY, at["link"])
        said = said_in(request)
        asked, refused = await self._asked(link, said), ""
        viewer, cursor = viewer_of(link), cursor_in(said)
        try:
            page = await self._studio.gallery_pages.page(viewer, asked, cursor, limit=PAGE)
        except OutOfRange as error:
            refused = unmarked(apology_for(error))
            page = _nothing(asked)
        shots = tuple(
            self._shot(link, picture, stars)
            for picture, stars in zip(page.pictures, page.stars, strict=True)
        )
        look = Look(link=at["link"], query=said, member=link.visitor.guild is not None)
        return answers.document(
            wall_html(look, page, shots, choices=self._choices(), refused=refused)
        )

    async def _one(self, request: web.BaseRequest, at: re.Match[str]) -> web.StreamResponse:
        link = admitted(self._studio, self._links, LinkPurpose.GALLERY, at["link"])
        number = PictureId(number_in(at["number"]) or 0)
        picture = await self._seen(link, number)
        tree = await grown(self._studio, link.visitor.asker, picture, self._sight)
        [stars] = await self._studio.stars.stars(link.visitor.asker, [number])
        shots = {each.id: self._shot(link, each, 0) for each in tree.pictures()}
        look = Look(link=at["link"], query=said_in(request), member=link.visitor.guild is not None)
        shown = replace(shots.get(number) or self._shot(link, picture, 0), stars=stars)
        return answers.document(picture_html(look, shown, tree, shots))

    async def _file(self, _: web.BaseRequest, at: re.Match[str]) -> web.StreamResponse:
        link = admitted(self._studio, self._links, LinkPurpose.PICTURE, at["link"])
        picture = await self._seen(link, link.picture)
        _picture, data = await self._studio.changes.shown_again(link.visitor.asker, picture.id)
        kind, _coding = mimetypes.guess_type(f"file{medium_of(picture.recipe).suffix_for(data)}")
        return answers.file(data, kind or "application/octet-stream")

    async def _small(self, _: web.BaseRequest, at: re.Match[str]) -> web.StreamResponse:
        link = admitted(self._studio, self._links, LinkPurpose.PICTURE, at["link"])
        picture = await self._seen(link, link.picture)
        [small] = await self._studio.thumbnails.of([picture.png_sha256])
        if small is None:
            raise Missing("file", picture.id)
        return answers.file(small, "image/webp")

    async def _turning(self, _: web.BaseRequest, at: re.Match[str]) -> web.StreamResponse:
        link = admitted(self._studio, self._links, LinkPurpose.PICTURE, at["link"])
        picture = await self._seen(link, link.picture)
        turning = await self._studio.thumbnails.turning(picture.png_sha256)
        if turning is None:
            raise Missing("file", picture.id)
        return answers.file(turning, "image/webp")

    async def _seen(self, link: Link, number: PictureId) -> StoredPicture:
        """A picture, for the link's person, in the channel that it is for.  Raises Missing."""
        asker, channel = link.visitor.asker, link.visitor.channel
        for picture in await self._studio.gallery.listed(asker, [number], self._sight):
            if not await self._studio.gallery_pages.too_adult(asker, picture, channel):
                return picture
        raise Missing("picture", number)

    def _shot(self, link: Link, picture: StoredPicture, stars: int) -> Shot:
        left = link.until - self._links.clock()
        address = self._links.sign(
            LinkPurpose.PICTURE, link.visitor, picture.id, seconds=max(0.0, left)
        )
        return Shot(
            picture=picture,
            address=f"{LinkPurpose.PICTURE}/{address}",
            stars=stars,
            veiled=self._studio.servers.spoils(picture.guild, (picture.channel,)),
        )

    async def _asked(self, link: Link, said: Mapping[str, str]) -> GalleryAsked:
        """What the page is asked for: as it was in chat, until somebody asks for more here."""
        if not said and link.thing:
            return (await self._studio.gallery_pages.kept(SearchId(link.thing)))[1]
        return asked_in(self._named(said), link, now=self._links.clock())

    def _named(self, said: Mapping[str, str]) -> dict[str, str]:
        """With the names of models and styles that stand in recipes, where they are here."""
        offers, found = self._studio.offers, dict(said)
        with contextlib.suppress(NoSuchName, KeyError):
            found["model"] = offers.catalog.find(said["model"]).name
        with contextlib.suppress(UnknownName, KeyError):
            found["style"] = offers.styles.named(said["style"]).name
        return found

    def _choices(self) -> Choices:
        offers = self._studio.offers
        return Choices(
            models=tuple(entry.name for entry in offers.checkpoints()),
            styles=tuple(style.name for style in offers.styles.values()),
        )


def said_in(request: web.BaseRequest) -> dict[str, str]:
    """What stands behind the "?" and says anything."""
    known = ("shelf", "words", "model", "style", "since", "until", "mine", "starred", *_CURSORS)
    return {
        name: value.strip()[:WORDS]
        for name in known
        if (value := request.query.get(name, "")).strip()
    }


_CURSORS = ("before", "after")


def cursor_in(said: Mapping[str, str]) -> PageCursor:
    """From where on."""
    found = {
        name: PictureId(number) for name in _CURSORS if (number := number_in(said.get(name, "")))
    }
    return PageCursor(**found)


def asked_in(said: Mapping[str, str], link: Link, *, now: float) -> GalleryAsked:
    """What a query asks for; a day that is none is left out, as a browser's own field has none."""
    visitor = link.visitor
    usual = Shelf.OWN if visitor.guild is None else Shelf.CHANNEL
    shelf = next((each for each in Shelf if each == said.get("shelf")), usual)
    if visitor.guild is None and shelf in (Shelf.CHANNEL, Shelf.SERVER):
        shelf = Shelf.OWN
    asked = GalleryAsked(
        shelf=shelf,
        guild=visitor.guild,
        channel=visitor.channel,
        words=said.get("words", ""),
        model=said.get("model", ""),
        style=said.get("style", ""),
        person=visitor.person if "mine" in said else None,
        starred_by=visitor.person if "starred" in said else None,
        since=_moment(first_moment, said.get("since"), now),
        until=_moment(last_moment, said.get("until"), now),
    )
    return by_owner(asked, visitor.person)


def _moment(read: Callable[..., float], text: str | None, now: float) -> float | None:
    if text is None:
        return None
    try:
        return read(text, now=now, option="day")
    except OutOfRange:
        return None


def viewer_of(link: Link) -> Onlooker:
    """Who looks, and in which channel."""
    return Onlooker(asker=link.visitor.asker, channel=link.visitor.channel)


def _nothing(asked: GalleryAsked) -> GalleryPage:
    return GalleryPage(
        asked=asked, pictures=(), stars=(), older=None, newer=None, here=NEWEST, complete=True
    )
