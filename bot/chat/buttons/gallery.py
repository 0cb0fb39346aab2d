"""A page of a gallery in Discord: asked for, turned, shared, and one of its pictures opened.

    atelier:page:<search>:<o|n>:<picture>   ▶ ◀  the pictures older, or newer, than that one
    atelier:post:<search>:<picture>         📢  the page of those older than that one (0: the
                                            newest) in the channel, as everybody there may see it
    atelier:open:<search>                   one of the pictures, with its buttons

A search is a row of the database, so they work for ever; what is shown is asked anew each time.
Invariant: a message that everybody reads holds what everybody in its channel may see, whoever turns
its page; whoever did not share it turns a page of their own.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Awaitable, Callable
from typing import Any, Self

import discord

from bot.chat.answers import SILENT, whisper
from bot.chat.askers import asker_of, check_welcome, is_moderator, studio_of, visitor_of, web_of
from bot.chat.buttons.card import whisper_picture
from bot.chat.components import is_ours
from bot.chat.places import check_place, places_around
from bot.chat.readers import SpeaksToPresser
from bot.chat.refusals import apologise
from bot.languages.speaking import mark, tr
from bot.pages.gallery_page import CHOOSE, gallery_sheet, gallery_text, options, tiles
from bot.studio.gallery_pages import (
    NEWEST,
    GalleryAsked,
    GalleryPage,
    Onlooker,
    PageCursor,
    by_owner,
)
from bot.studio.studio import Studio
from bot.web.links import LinkPurpose
from bot.web.looking import SECONDS as GALLERY_SECONDS
from generation.job import UserId
from storage.errors import Missing
from storage.ids import PictureId, number_in
from storage.searches import SearchId

Interaction = discord.Interaction[Any]


async def _heard(interaction: Interaction, doing: Callable[[Interaction], Awaitable[None]]) -> None:
    try:
        check_welcome(interaction)
        await doing(interaction)
    except Exception as error:
        await apologise(interaction, error)


class TurnPage(
    SpeaksToPresser,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"atelier:page:(?P<search>[0-9]+):(?P<way>[on]):(?P<picture>[0-9]+)",
):
    """◀ and ▶."""

    def __init__(self, search: SearchId, cursor: PageCursor) -> None:
        older = cursor.after is None
        way, picture = ("o", cursor.before) if older else ("n", cursor.after)
        super().__init__(
            discord.ui.Button(
                label=tr("Older") if older else tr("Newer"),
                emoji="▶️" if older else "◀️",
                custom_id=f"atelier:page:{search}:{way}:{picture}",
            )
        )
        self.search, self.cursor = search, cursor

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button as it was pressed."""
        picture = PictureId(number_in(match["picture"]) or 0)
        older = match["way"] == "o"
        cursor = PageCursor(before=picture) if older else PageCursor(after=picture)
        return cls(SearchId(number_in(match["search"]) or 0), cursor)

    async def callback(self, interaction: Interaction) -> None:
        """Show that page, or say why not."""
        await _heard(interaction, lambda asked: turn_page(asked, self.search, self.cursor))


class SharePage(
    SpeaksToPresser,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"atelier:post:(?P<search>[0-9]+):(?P<picture>[0-9]+)",
):
    """📢, under a page that one person sees."""

    def __init__(self, search: SearchId, cursor: PageCursor) -> None:
        super().__init__(
            discord.ui.Button(
                label=tr("Share"),
                emoji="📢",
                custom_id=f"atelier:post:{search}:{cursor.before or 0}",
            )
        )
        self.search, self.cursor = search, cursor

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button as it was pressed."""
        picture = number_in(match["picture"])
        before = PictureId(picture) if picture is not None else None
        return cls(SearchId(number_in(match["search"]) or 0), PageCursor(before=before))

    async def callback(self, interaction: Interaction) -> None:
        """Post it, or say why not."""
        await _heard(interaction, lambda asked: share_page(asked, self.search, self.cursor))


class OpenPicture(
    SpeaksToPresser,
    discord.ui.DynamicItem[discord.ui.Select[Any]],
    template=r"atelier:open:(?P<of>[a-z0-9]+)",
):
    """The list of a page's pictures."""

    def __init__(self, of: str, chosen: list[tuple[str, str, str]] | None = None) -> None:
        super().__init__(
            discord.ui.Select(
                custom_id=f"atelier:open:{of}",
                placeholder=tr(CHOOSE),
                options=[
                    discord.SelectOption(value=value, label=label, description=about)
                    for value, label, about in chosen or []
                ],
            )
        )

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The list as it was used."""
        return cls(match["of"])

    async def callback(self, interaction: Interaction) -> None:
        """Show that picture to whoever chose it, or say why not."""
        await _heard(interaction, self._open)

    async def _open(self, interaction: Interaction) -> None:
        message = interaction.message
        if message is None or not is_ours(message, interaction.client):
            raise Missing("picture", self.item.values[0])
        number = PictureId(number_in(self.item.values[0]) or 0)
        await interaction.response.defer(ephemeral=True, thinking=True)
        await whisper_picture(interaction, number)


def gallery_view(
    page: GalleryPage, search: SearchId, *, shareable: bool, address: str | None = None
) -> discord.ui.View:
    """What stands below a page; `address`: where the same is in a browser, for its reader alone."""
    view = discord.ui.View(timeout=None)
    if page.pictures:
        view.add_item(OpenPicture(str(search), options(page.pictures)))
    for cursor in (page.newer, page.older):
        if cursor is not None:
            view.add_item(TurnPage(search, cursor))
    if shareable and page.pictures:
        view.add_item(SharePage(search, page.here))
    if address is not None:
        view.add_item(discord.ui.Button(label=tr("In the browser"), emoji="🌐", url=address))
    return view


def _address(interaction: Interaction, search: SearchId) -> str | None:
    """Where the reader finds the same in a browser; None while no pages are served."""
    web = web_of(interaction)
    if web is None:
        return None
    return web.link(LinkPurpose.GALLERY, visitor_of(interaction), search, seconds=GALLERY_SECONDS)


def viewer_of(interaction: Interaction) -> Onlooker:
    """Who looks, and where."""
    return Onlooker(asker=asker_of(interaction), channel=interaction.channel_id)


async def show_gallery(interaction: Interaction, asked: GalleryAsked) -> None:
    """The newest page of what was asked for, for whoever asks."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    pages, person = studio_of(interaction).gallery_pages, UserId(interaction.user.id)
    asked = by_owner(asked, person)
    page = await pages.page(viewer_of(interaction), asked, NEWEST)
    number = await pages.keep(person, asked)
    await interaction.edit_original_response(
        **await _shown(interaction, page, number, shared=False)
    )


async def turn_page(interaction: Interaction, number: SearchId, cursor: PageCursor) -> None:
    """Another page, in the same message where that is the presser's to turn."""
    message = _pressed(interaction)
    pages, viewer = studio_of(interaction).gallery_pages, viewer_of(interaction)
    owner, asked = await pages.kept(number)
    alone = message.flags.ephemeral
    if not alone and interaction.user.id != owner and not is_moderator(interaction):
        await interaction.response.defer(ephemeral=True, thinking=True)
        page = await pages.page(viewer, asked, cursor)
        await interaction.edit_original_response(
            **await _shown(interaction, page, number, shared=False)
        )
        return
    await interaction.response.defer()
    page = await pages.page(viewer, asked, cursor, shared=not alone)
    await interaction.edit_original_response(
        **await _shown(interaction, page, number, shared=not alone)
    )


async def share_page(interaction: Interaction, number: SearchId, cursor: PageCursor) -> None:
    """The page in the channel, as an ordinary message."""
    _pressed(interaction)
    check_place(interaction)
    await interaction.response.defer(ephemeral=True, thinking=True)
    pages, viewer = studio_of(interaction).gallery_pages, viewer_of(interaction)
    _, asked = await pages.kept(number)
    person = UserId(interaction.user.id)
    page = await pages.page(viewer, asked, cursor, shared=True)
    if not page.pictures:
        page = await pages.page(viewer, asked, NEWEST, shared=True)
    if not page.pictures:
        await whisper(interaction, tr(NOTHING_TO_SHARE))
        return
    shown = await _shown(interaction, page, await pages.keep(person, asked), shared=True)
    channel = interaction.client.get_partial_messageable(
        interaction.channel_id or 0, guild_id=interaction.guild_id
    )
    shown["files"] = shown.pop("attachments")
    await channel.send(**shown)
    await whisper(interaction, tr("It is in the channel now, with what everybody here may see."))


NOTHING_TO_SHARE = mark(
    "None of these may be seen by everybody in this channel, so there is nothing to share here."
)


def _pressed(interaction: Interaction) -> discord.Message:
    """The message that was pressed.  Raises Missing for one that we did not write."""
    message = interaction.message
    if message is None or not is_ours(message, interaction.client):
        raise Missing("search", 0)
    return message


async def _shown(
    interaction: Interaction, page: GalleryPage, number: SearchId, *, shared: bool
) -> dict[str, Any]:
    """Text, picture and buttons of a page."""
    files = []
    if page.pictures:
        data = await sheet_of(studio_of(interaction), page)
        files = [
            discord.File(
                io.BytesIO(data), filename="gallery.jpg", spoiler=shared and _hidden(interaction)
            )
        ]
    in_server = interaction.guild_id is not None
    return {
        "content": gallery_text(page, None if shared else interaction.user.id),
        "attachments": files,
        "view": gallery_view(
            page,
            number,
            shareable=in_server and not shared,
            address=None if shared else _address(interaction, number),
        ),
        "allowed_mentions": SILENT,
    }


def _hidden(interaction: Interaction) -> bool:
    """Whether pictures are hidden in that channel until somebody clicks them."""
    within = places_around(interaction.channel) or (interaction.channel_id or 0,)
    return studio_of(interaction).servers.spoils(interaction.guild_id, within)


async def sheet_of(studio: Studio, page: GalleryPage) -> bytes:
    """The page's pictures as one."""
    small = await studio.thumbnails.of([picture.png_sha256 for picture in page.pictures])
    return await asyncio.to_thread(gallery_sheet, tiles(small))
