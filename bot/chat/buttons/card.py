"""A picture as a card, for whoever asks: with its buttons, and one that shares it in the channel.

    atelier:present:<request>:<picture>   📢  the card in the channel, for all

Invariant: what is shared may be seen by everybody in the channel, or is the sharer's own; and a
picture of a channel for adults goes to such a channel only.
"""

from __future__ import annotations

import io
from typing import Any

import discord

from bot.chat.answers import SILENT, whisper
from bot.chat.askers import asker_of, studio_of
from bot.chat.buttons.picture_button import NUMBERS, PictureButton
from bot.chat.buttons.result import result_view
from bot.chat.places import check_place, places_around
from bot.chat.showing_again import files_of, show_alone
from bot.chat.uploads import Attached
from bot.languages.speaking import mark, tr
from bot.pages.picture_page import picture_page
from bot.studio.studio import Studio
from storage.errors import Missing
from storage.pictures import PictureId, StoredPicture

Interaction = discord.Interaction[Any]

NOT_FOR_ALL = mark(
    "Not everybody in this channel may see that picture, so I do not post it here. Whoever drew "
    "it can share it."
)
NOT_FOR_HERE = mark(
    "That picture is of an age-restricted channel, or may not be for everybody; share it in an "
    "age-restricted one."
)


class SharePicture(PictureButton, template=rf"atelier:present:{NUMBERS}"):
    """📢, under a card."""

    label, emoji, action = mark("Share"), "📢", "present"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Post the card where everybody sees it."""
        check_place(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        picture = await self.shown(interaction, studio)
        open_to_all = await _open_to_all(interaction, picture, studio)
        why_not = await _why_not(interaction, picture, studio, open_to_all=open_to_all)
        files = await files_of(interaction, picture)
        if not files:
            raise Missing("file", picture.id)
        if why_not:
            await whisper(interaction, tr(why_not))
            return
        # Whoever may not see the picture where it was drawn would press them in vain.
        view = _buttons(picture, studio) if open_to_all else None
        await _post(interaction, picture, files, view)
        await whisper(interaction, tr("It is in the channel now."))


async def whisper_picture(interaction: Interaction, number: PictureId) -> None:
    """The card, in the answer that was promised to whoever asks.  Raises Missing."""
    studio, asker = studio_of(interaction), asker_of(interaction)
    shown = await studio.gallery.picture(asker, number)
    files = await files_of(interaction, shown)
    view = _buttons(shown, studio)
    if interaction.guild_id is not None and files:
        view.add_item(SharePicture(shown.request, shown.id))
    await show_alone(interaction, shown, view, files)


def _buttons(picture: StoredPicture, studio: Studio) -> discord.ui.View:
    return result_view(picture.request, (picture,), alone=True, reach=studio.offers.reach)


async def _open_to_all(interaction: Interaction, picture: StoredPicture, studio: Studio) -> bool:
    """Whether everybody in the channel may see it."""
    pages, channel = studio.gallery_pages, interaction.channel_id or 0
    return bool(await pages.everybodys(asker_of(interaction), channel, [picture.id]))


async def _why_not(
    interaction: Interaction, picture: StoredPicture, studio: Studio, *, open_to_all: bool
) -> str:
    """Why it is not posted there; "" where it may be."""
    asker = asker_of(interaction)
    if await studio.gallery_pages.too_adult(asker, picture, interaction.channel_id or 0):
        return NOT_FOR_HERE
    return "" if open_to_all or picture.owner == asker.id else NOT_FOR_ALL


async def _post(
    interaction: Interaction,
    picture: StoredPicture,
    files: Attached,
    view: discord.ui.View | None,
) -> None:
    """The card as an ordinary message, known for its picture."""
    studio, asker = studio_of(interaction), asker_of(interaction)
    [stars] = await studio.stars.stars(asker, [picture.id])
    # What it was made of may be of a place that not everybody here sees.
    text = picture_page((picture,), stars=stars, there=True)
    channel = interaction.client.get_partial_messageable(
        interaction.channel_id or 0, guild_id=interaction.guild_id
    )
    within = places_around(interaction.channel) or (interaction.channel_id or 0,)
    hidden = studio.servers.spoils(interaction.guild_id, within)
    said: dict[str, Any] = {"view": view} if view is not None else {}
    with studio.messages.answering(picture.request) as note:
        posted = await channel.send(
            tr("{person} shares:", person=f"<@{interaction.user.id}>") + f"\n{text}",
            files=[
                discord.File(io.BytesIO(data), filename=name, spoiler=hidden)
                for name, data in files
            ],
            allowed_mentions=SILENT,
            **said,
        )
        await note(posted.id)
        await studio.changes.note_shown(
            asker, picture.id, message=posted.id, channel=posted.channel.id
        )
