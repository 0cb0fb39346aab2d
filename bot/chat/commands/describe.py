"""/describe, and "Describe" in a message's menu: a picture as three prompts, to draw or to edit.

Only the person who asked sees them, as with /enhance; nothing of it is stored until one is drawn.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.chat.answers import SILENT
from bot.chat.askers import origin_of, studio_of
from bot.chat.commands import choices
from bot.chat.commands.enhance import Proposals
from bot.chat.commands.sources import NOTHING_NAMED, SENT, WHICH, Named, named
from bot.chat.intake import Sent, bytes_of
from bot.chat.shown import picked_in, pictures_shown_by
from bot.pages.description_page import description_page
from bot.studio.describing import Description
from bot.studio.rights import Asker
from bot.studio.wishes import Wish
from generation.draft import Draft
from generation.errors import BadPicture

Interaction = discord.Interaction[Any]


@app_commands.command(
    name="describe", description="What a picture shows, as three prompts for your model"
)
@app_commands.describe(picture=WHICH, image=SENT, model="Which model would draw it")
@app_commands.autocomplete(picture=choices.pictures)
@choices.offered
async def describe(
    interaction: Interaction,
    picture: Named | None = None,
    image: discord.Attachment | None = None,
    model: str | None = None,
) -> None:
    """Look at it, and show what there is to say to the one who asks."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio, origin = studio_of(interaction), origin_of(interaction)
    if picture is not None:
        number = await named(picture, studio, Asker.of(origin))
        found = await studio.descriptions.of_ours(origin, number, model)
    elif image is not None:
        found = await _of_sent(interaction, image, model)
    else:
        raise NOTHING_NAMED
    await _show(interaction, found, model)


@app_commands.context_menu(name="Describe")
async def describe_menu(interaction: Interaction, message: discord.Message) -> None:
    """The picture that is picked in the message, or the first that it shows."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio, origin, host = studio_of(interaction), origin_of(interaction), interaction.client
    ours = await pictures_shown_by(message, host, studio, Asker.of(origin))
    sent = host.seen.keep(message).pictures
    if ours:
        picked = picked_in(message)
        chosen = next((picture for picture in ours if picture.id == picked), ours[0])
        found = await studio.descriptions.of_ours(origin, chosen.id)
    elif sent:
        found = await _of_sent(interaction, sent[0], None)
    else:
        raise BadPicture("that message holds none")
    await _show(interaction, found, None)


async def _of_sent(interaction: Interaction, sent: Sent, model: str | None) -> Description:
    studio = studio_of(interaction)
    async with studio.opening.room():
        data = await bytes_of(sent)
    return await studio.descriptions.of_sent(origin_of(interaction), data, model)


async def _show(interaction: Interaction, found: Description, model: str | None) -> None:
    asked = Wish(origin=origin_of(interaction), draft=Draft(), model=model)
    view = Proposals(found.proposed, asked) if found.proposed is not None else None
    await interaction.edit_original_response(
        content=description_page(found), view=view, allowed_mentions=SILENT
    )
