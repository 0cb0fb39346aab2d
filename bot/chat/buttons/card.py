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
from bot.chat.showing_again import file_of, show_alone
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
NOT_FOR_HERE = mark("That picture is of an age-restricted channel; share it in one of those.")


class SharePicture(PictureButton, template=rf"atelier:present:{NUMBERS}"):
    """📢, under a card."""

    label, emoji, action = mark("Share"), "📢", "present"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Post the card where everybody sees it."""
        check_place(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        picture = await self.shown(interaction, studio)
        why_not = await _why_not(interaction, picture, studio)
        file = await file_of(interaction, picture)
        if file is None:
            raise Missing("file", picture.id)
        if why_not:
            await whisper(interaction, tr(why_not))
            return
        await _post(interaction, picture, studio, file)
        await whisper(interaction, tr("It is in the channel now."))


async def whisper_picture(interaction: Interaction, number: PictureId) -> None:
    """The card, in the answer that was promised to whoever asks.  Raises Missing."""
    studio, asker = studio_of(interaction), asker_of(interaction)
    shown = await studio.gallery.picture(asker, number)
    file = await file_of(interaction, shown)
    view = result_view(shown.request, (shown,), alone=True, painter=studio.offers.painter)
    if interaction.guild_id is not None and file is not None:
        view.add_item(SharePicture(shown.request, shown.id))
    await show_alone(interaction, shown, view, file)


async def _why_not(interaction: Interaction, picture: StoredPicture, studio: Studio) -> str:
    """Why it is not for everybody there; "" where it is."""
    pages, channel, asker = studio.gallery_pages, interaction.channel_id, asker_of(interaction)
    if channel is None:
        return NOT_FOR_ALL
    if await pages.too_adult(asker, picture, channel):
        return NOT_FOR_HERE
    if picture.owner == asker.id or await pages.everybodys(asker, channel, [picture.id]):
        return ""
    return NOT_FOR_ALL


async def _post(
    interaction: Interaction, picture: StoredPicture, studio: Studio, file: tuple[str, bytes]
) -> None:
    """The card as an ordinary message, known for its picture."""
    [stars] = await studio.stars.stars(asker_of(interaction), [picture.id])
    # What it was made of may be of a place that not everybody here sees.
    text = picture_page((picture,), stars=stars, there=True)
    channel = interaction.client.get_partial_messageable(
        interaction.channel_id or 0, guild_id=interaction.guild_id
    )
    within = places_around(interaction.channel) or (interaction.channel_id or 0,)
    hidden = studio.servers.spoils(interaction.guild_id, within)
    with studio.messages.answering(picture.request) as note:
        posted = await channel.send(
            tr("{person} shares:", person=f"<@{interaction.user.id}>") + f"\n{text}",
            file=discord.File(io.BytesIO(file[1]), filename=file[0], spoiler=hidden),
            view=result_view(
                picture.request, (picture,), alone=True, painter=studio.offers.painter
            ),
            allowed_mentions=SILENT,
        )
        await note(posted.id)
        await studio.changes.note_shown(
            asker_of(interaction), picture.id, message=posted.id, channel=posted.channel.id
        )
