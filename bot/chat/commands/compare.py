"""/compare: pictures side by side, and "Compare" in a message's menu.

Whoever asks sees it alone: what they may see, others may not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.answers import whisper
from bot.chat.askers import asker_of, studio_of
from bot.chat.commands import choices
from bot.chat.commands.sources import named
from bot.chat.shown import picked_in, pictures_shown_by
from bot.chat.uploads import USUAL_LIMIT
from bot.languages.speaking import mark, tr
from bot.pages.contact_sheet import encoded
from bot.pages.side_by_side import side_by_side_page, side_by_side_sheet
from bot.studio.comparing import MOST, ComparedPicture
from storage.errors import Missing
from storage.pictures import PictureId

Interaction = discord.Interaction[Any]


@app_commands.command(name="compare", description="Pictures side by side, and what differs")
@app_commands.describe(pictures="Two to nine of them, such as: #12, #15")
@app_commands.autocomplete(pictures=choices.several_pictures)
async def compare(interaction: Interaction, pictures: Range[str, 1, 400]) -> None:
    """Show them side by side."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio, asker = studio_of(interaction), asker_of(interaction)
    said = pictures.replace(",", " ").split()
    await _show(interaction, [await named(one, studio, asker) for one in said[: MOST + 1]])


@app_commands.context_menu(name="Compare")
async def compare_menu(interaction: Interaction, message: discord.Message) -> None:
    """The pictures of the message, the picked one first; one alone with what it was made of."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio, asker = studio_of(interaction), asker_of(interaction)
    shown = await pictures_shown_by(message, interaction.client, studio, asker)
    if not shown:
        raise Missing("message", message.id)
    picked = picked_in(message)
    numbers = [one.id for one in sorted(shown, key=lambda one: one.id != picked)]
    if len(numbers) == 1:
        if shown[0].parent is None:
            await whisper(interaction, tr(ALONE))
            return
        numbers.insert(0, shown[0].parent)
    await _show(interaction, numbers[:MOST])


ALONE = mark(
    "That message shows one picture, which was made of no other. `/compare` with "
    "`pictures: #12, #15` puts any of yours side by side."
)


async def _show(interaction: Interaction, numbers: Sequence[PictureId]) -> None:
    """What these are beside each other, for whoever asked."""
    studio = studio_of(interaction)
    compared = await studio.comparisons.side_by_side(asker_of(interaction), numbers)
    limit = interaction.filesize_limit or USUAL_LIMIT
    file = await asyncio.to_thread(_drawn, compared, limit)
    await whisper(interaction, side_by_side_page(compared), file=file)


def _drawn(compared: Sequence[ComparedPicture], limit: int) -> tuple[str, bytes]:
    suffix, data = encoded(side_by_side_sheet(compared), limit)
    return f"side-by-side{suffix}", data
