"""/show: a picture by its number, with what can be done with it and how it came about."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
from discord import app_commands

from bot.chat.answers import whisper_about
from bot.chat.askers import asker_of, studio_of
from bot.chat.buttons.result import result_view
from bot.chat.commands import choices
from bot.chat.commands.sources import WHICH, Named, named
from bot.chat.uploads import USUAL_LIMIT, fitting
from bot.pages.picture_page import picture_page
from bot.studio.studio import Studio
from generation.media.table import medium_of
from storage.errors import Missing
from storage.pictures import StoredPicture

Interaction = discord.Interaction[Any]


@app_commands.command(
    name="show", description="A picture again, and how it came about step by step"
)
@app_commands.describe(picture=WHICH)
@app_commands.autocomplete(picture=choices.pictures)
async def show(interaction: Interaction, picture: Named) -> None:
    """For the one who asks, with the buttons of a result."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio, asker = studio_of(interaction), asker_of(interaction)
    shown = await studio.gallery.picture(asker, await named(picture, studio, asker))
    line = await studio.gallery.lineage(asker, shown)
    [stars] = await studio.stars.stars(asker, [shown.id])
    file = await _file(interaction, shown, studio)
    text = picture_page(line, stars=stars, there=file is not None)
    view = result_view(shown.request, (shown,), alone=True, painter=studio.offers.painter)
    await whisper_about(interaction, shown.request, text, view, file=file)


async def _file(
    interaction: Interaction, picture: StoredPicture, studio: Studio
) -> tuple[str, bytes] | None:
    """The picture's file in a size that can be posted here; None where it is gone."""
    try:
        _, data = await studio.changes.shown_again(asker_of(interaction), picture.id)
    except Missing:
        return None
    limit = interaction.filesize_limit or USUAL_LIMIT
    [file] = await asyncio.to_thread(
        fitting, [data], [picture.id], [medium_of(picture.recipe)], limit
    )
    return file
