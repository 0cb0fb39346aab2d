"""Pages of pictures, the newest first: somebody's own, their favourites, a channel's, a server's.

    page(viewer, asked, cursor)      for that viewer alone
    page(..., shared=True)           for everybody in the viewer's channel

Values only: what draws them is in `bot.pages` and `bot.web`.  Invariant: a page holds what its
readers may see at this moment, and nothing that was deleted; what was shown in a channel for
adults is on no page that is read in another channel, be it one's own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self

from bot.studio.channel_views import NONE, Channels, ChannelViews, NoViews
from bot.studio.gallery import Gallery
from bot.studio.rights import NO_ACCESS, Access, Asker
from generation.errors import OutOfRange
from generation.job import UserId
from storage import terms
from storage.database import Row
from storage.found import Reach, Sought
from storage.ids import PictureId
from storage.pictures import StoredPicture
from storage.searches import KeptSearch, SearchId
from storage.stores import Stores

PAGE = 12  # pictures


class Shelf(StrEnum):
    """Where pictures are looked for."""

    OWN = "own"  # all that somebody drew
    FAVOURITES = "favourites"  # all that somebody has starred
    CHANNEL = "channel"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryAsked:
    """What is asked for: a shelf, and what of it.  None and "": everything."""

    shelf: Shelf
    guild: int | None = None  # where it was asked for
    channel: int = 0
    words: str = ""
    model: str = ""
    style: str = ""
    person: UserId | None = None  # who drew them
    starred_by: UserId | None = None
    since: float | None = None  # Unix time, inclusive
    until: float | None = None  # exclusive

    def to_json(self) -> str:
        """Equal questions give equal texts."""
        said = {name: value for name, value in asdict(self).items() if value not in (None, "")}
        return json.dumps(said, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote, by this release or an earlier one."""
        said = json.loads(text)
        return cls(**{**said, "shelf": Shelf(said["shelf"])})

    @property
    def sought(self) -> Sought:
        """The same for the index."""
        return Sought(
            words=self.words,
            model=self.model,
            style=self.style,
            person=self.person,
            since=self.since,
            until=self.until,
            starred_by=self.starred_by,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Onlooker:
    """Who looks, and in which channel; None: in none, as in a browser."""

    asker: Asker
    channel: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCursor:
    """Where a page begins: at the newest, before a picture, or so that it ends after one."""

    before: PictureId | None = None
    after: PictureId | None = None


NEWEST = PageCursor()


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryPage:
    """Pictures of a page, the newest first, and how to go on."""

    asked: GalleryAsked
    pictures: tuple[StoredPicture, ...]
    stars: tuple[int, ...]  # of each, of all people
    older: PageCursor | None  # None: there are none
    newer: PageCursor | None
    here: PageCursor  # shows this page again
    complete: bool  # whether pictures of earlier releases are all among those looked at


@dataclass(frozen=True, slots=True)
class _Viewed:
    """A sight that has looked already: at these channels."""

    channels: Channels

    async def access(self, person: int, guild: int, channel: int) -> Access:  # noqa: ARG002
        return Access(views=True) if channel in self.channels else NO_ACCESS


class GalleryPages:
    """Finds pages."""

    def __init__(self, gallery: Gallery, stores: Stores) -> None:
        self._gallery, self._stores, self._index = gallery, stores, stores.index
        self._views: ChannelViews = NoViews()

    def look_through(self, views: ChannelViews) -> None:
        """Who knows which channels people can view."""
        self._views = views

    async def page(
        self,
        viewer: Onlooker,
        asked: GalleryAsked,
        cursor: PageCursor = NEWEST,
        *,
        shared: bool = False,
        limit: int = PAGE,
    ) -> GalleryPage:
        """A page.  Raises OutOfRange for words that hold nothing to search by."""
        check_words(asked.words)
        reach = await self._reach(viewer, asked, shared=shared)
        found = await self._index.page(
            asked.sought, reach, limit=limit, before=cursor.before, after=cursor.after
        )
        readers = viewer.asker if reach.own is not None else NOBODY
        pictures = await self._gallery.listed(readers, found.pictures, _Viewed(reach.channels))
        counted = await self._stores.favourites.stars(found.pictures)
        first, last = (found.pictures[0], found.pictures[-1]) if found.pictures else (None, None)
        at_top = cursor.after is None and cursor.before is None
        return GalleryPage(
            asked=asked,
            pictures=pictures,
            stars=tuple(counted.get(picture.id, 0) for picture in pictures),
            older=PageCursor(before=last) if found.older and last else None,
            newer=PageCursor(after=first or _above(cursor)) if found.newer else None,
            here=cursor if at_top or first is None else PageCursor(before=PictureId(first + 1)),
            complete=await self._index.filled(),
        )

    async def everybodys(
        self, asker: Asker, channel: int, pictures: Collection[PictureId]
    ) -> tuple[StoredPicture, ...]:
        """Those that not the asker alone, but everybody in a channel may see there."""
        guild = asker.guild
        if guild is None:
            return ()
        places = {row["channel"] for row in await self._index.places(guild=guild)}
        seen = await self._shared(channel, guild, places)
        return await self._gallery.listed(NOBODY, pictures, _Viewed(seen))

    async def too_adult(self, _: Asker, picture: StoredPicture, channel: int) -> bool:
        """Whether a picture is of a channel for adults, or withheld, and this channel is none."""
        if picture.withheld:
            return channel not in await self._views.for_adults({channel})
        return picture.channel in await self._kept_from(channel, {picture.channel})

    # -- searches that are kept ----------------------------------------------------------------

    async def keep(self, owner: UserId, asked: GalleryAsked) -> SearchId:
        """The number by which buttons name a search."""
        kept = KeptSearch(owner=owner, person=asked.person, text=asked.to_json())
        return await self._stores.searches.keep(kept)

    async def kept(self, number: SearchId) -> tuple[UserId, GalleryAsked]:
        """Whose search it is, and what it asks for.  Raises Missing."""
        found = await self._stores.searches.find(number)
        return found.owner, GalleryAsked.from_json(found.text)

    # -- rights --------------------------------------------------------------------------------

    async def _reach(self, viewer: Onlooker, asked: GalleryAsked, *, shared: bool) -> Reach:
        own = viewer.asker.id if asked.shelf in (Shelf.OWN, Shelf.FAVOURITES) else None
        places = await self._places(viewer, asked)
        if shared:
            guild, channel = viewer.asker.guild, viewer.channel
            if guild is None or channel is None:
                return Reach(own=None)
            there = {row["channel"] for row in places if row["guild"] == guild}
            return Reach(own=None, channels=await self._shared(channel, guild, there))
        mine = asked.shelf is Shelf.OWN and asked.person in (None, own)
        seen = NONE if mine else await self._seen(viewer.asker.id, places)
        never = await self._kept_from(viewer.channel, {row["channel"] for row in places})
        return Reach(own=own, channels=seen - never, never=never if own is not None else NONE)

    async def _places(
        self, viewer: Onlooker, asked: GalleryAsked
    ) -> Sequence[Row | dict[str, Any]]:
        """(guild, channel) of all in which there may be pictures of the shelf."""
        here = {"guild": asked.guild, "channel": asked.channel}
        match asked.shelf:
            case Shelf.CHANNEL:
                return [here]
            case Shelf.SERVER:
                return await self._index.places(guild=asked.guild) if asked.guild else []
            case Shelf.FAVOURITES:
                return await self._index.starred_places(asked.starred_by or viewer.asker.id)
        return await self._index.places(owner=asked.person or viewer.asker.id)

    async def _seen(self, person: UserId, places: Sequence[Any]) -> Channels:
        """Those of the channels that a person can view."""
        seen: set[int] = set()
        for guild in {row["guild"] for row in places} - {None}:
            there = [row["channel"] for row in places if row["guild"] == guild]
            seen |= await self._views.viewed_by(person, guild, there)
        return frozenset(seen)

    async def _shared(self, channel: int, guild: int, channels: Collection[int]) -> Channels:
        seen = await self._views.viewed_by_all(channel, guild, channels)
        return seen - await self._kept_from(channel, seen)

    async def _kept_from(self, channel: int | None, channels: Collection[int]) -> Channels:
        """Channels of these for adults, where this one is none."""
        adult = await self._views.for_adults({*channels, *([channel] if channel else [])})
        return NONE if channel in adult else adult


def _above(cursor: PageCursor) -> PictureId | None:
    """Behind what the pages lie that are newer than an empty one."""
    return PictureId(cursor.before - 1) if cursor.before is not None else None


NOBODY = Asker(id=UserId(-1), guild=None)  # no person of Discord is called so


def check_words(words: str) -> None:
    """Raise OutOfRange for words, of which none can be searched by."""
    if words.strip() and terms.asked(words) == terms.NO_TERMS:
        raise OutOfRange("search", words, "words, letters or emoji that a wish may hold")


def by_owner(asked: GalleryAsked, owner: UserId) -> GalleryAsked:
    """The question with whose pictures it is about, so that it means the same whoever presses."""
    match asked.shelf:
        case Shelf.OWN:
            return replace(asked, person=owner)
        case Shelf.FAVOURITES:
            return replace(asked, starred_by=owner)
    return asked
