"""/reproduce, and the commands in a message's menu: start from it, edit words, show the recipe."""

from __future__ import annotations

import hashlib
from typing import Any

import discord
from discord import app_commands

from bot.chat.answers import whisper, whisper_recipes
from bot.chat.askers import asker_of, origin_of, studio_of
from bot.chat.buttons.forms.editing import edit_form
from bot.chat.buttons.forms.starting import start_form
from bot.chat.buttons.importing import card_view
from bot.chat.buttons.progress import begin
from bot.chat.commands import choices
from bot.chat.commands.sources import WHICH, Named, as_private, named
from bot.chat.importing import first_read
from bot.chat.intake import MAX_BYTES
from bot.chat.shown import picked_in, pictures_shown_by
from bot.studio.rights import Asker
from bot.studio.studio import Studio
from generation.errors import BadPicture, OutOfRange
from generation.recipe import Recipe, Sha256
from storage.errors import Missing
from storage.pictures import StoredPicture
from storage.tickets import Request

Interaction = discord.Interaction[Any]


@app_commands.command(name="reproduce", description="Draw a picture again, pixel for pixel")
@app_commands.describe(
    picture=WHICH,
    file="A PNG that was drawn here",
)
@app_commands.autocomplete(picture=choices.pictures)
async def reproduce(
    interaction: Interaction,
    picture: Named | None = None,
    file: discord.Attachment | None = None,
) -> None:
    """Find the recipe and cook it again."""
    studio = studio_of(interaction)
    origin = origin_of(interaction)

    async def asking() -> Request:
        if file is not None:
            recipe, pixels, digest = await _read(file, studio)
            return await studio.requests.reproduce_file(recipe, pixels, origin, file=digest)
        if picture is not None:
            number = await named(picture, studio, Asker.of(origin))
            return await studio.requests.reproduce(number, await as_private(origin, number, studio))
        raise OutOfRange("picture", "nothing", "a number such as `12`, a message link, or a file")

    await begin(interaction, asking)


async def _read(file: discord.Attachment, studio: Studio) -> tuple[Recipe, Sha256 | None, Sha256]:
    """The recipe that a file carries, the digest of its content (None: it holds that but nearly),
    and the file's own.  Raises BadPicture."""
    if file.size > MAX_BYTES:
        raise BadPicture("it is larger than 32 MiB")
    async with studio.opening.room():
        data = await file.read()
        found = await studio.opening.carried(data)
    if found is None:
        raise BadPicture("it carries no recipe of mine; only files that I posted do")
    return *found, Sha256(hashlib.sha256(data).hexdigest())


async def _shown(interaction: Interaction, message: discord.Message) -> tuple[StoredPicture, ...]:
    """The pictures of ours in a message, as the asker may see them."""
    asker = asker_of(interaction)
    return await pictures_shown_by(message, interaction.client, studio_of(interaction), asker)


@app_commands.context_menu(name="Start from this picture")
async def redraw_menu(interaction: Interaction, message: discord.Message) -> None:
    """Ask for words, then draw from the message's picture."""
    ours, host = await _shown(interaction, message), interaction.client
    if not ours and not host.seen.keep(message).pictures:
        raise BadPicture("that message holds none")
    await interaction.response.send_modal(start_form(message, ours))


@app_commands.context_menu(name="Edit words")
async def edit_menu(interaction: Interaction, message: discord.Message) -> None:
    """The form of ✏️, for the picture that is picked in the message."""
    ours, picked = await _shown(interaction, message), picked_in(message)
    if not ours:
        raise Missing("message", message.id)
    chosen = next((picture for picture in ours if picture.id == picked), ours[0])
    await interaction.response.send_modal(edit_form(chosen))


@app_commands.context_menu(name="Show recipe")
async def recipe_menu(interaction: Interaction, message: discord.Message) -> None:
    """What decides the pixels of the message's pictures, or what its files say of theirs."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    pictures, host = await _shown(interaction, message), interaction.client
    if pictures:
        await whisper_recipes(interaction, pictures)
        return
    files = host.seen.keep(message).files
    if not files:
        raise Missing("message", message.id)
    found = await first_read(files, studio_of(interaction), interaction.guild_id)
    await whisper(interaction, found.page, view=card_view(message.id, found))
