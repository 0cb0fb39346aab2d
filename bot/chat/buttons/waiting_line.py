"""The waiting line, and the button that shows it once more in the same place."""

from __future__ import annotations

import re
from typing import Any, Self

import discord

from bot.chat.answers import SILENT, whisper
from bot.chat.askers import studio_of
from bot.chat.readers import SpeaksToPresser
from bot.chat.refusals import apologise
from bot.languages.speaking import tr
from bot.pages.device import called
from bot.pages.queue_page import Reader, queue_page
from bot.pages.whereabouts import held_page, with_lines

Interaction = discord.Interaction[Any]


class LookAgain(
    SpeaksToPresser, discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"atelier:queue"
):
    """🔄, under the waiting line."""

    def __init__(self) -> None:
        super().__init__(
            discord.ui.Button(label=tr("Look again"), emoji="🔄", custom_id="atelier:queue")
        )

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], ___: re.Match[str], /
    ) -> Self:
        """The button as it was pressed."""
        return cls()

    async def callback(self, interaction: Interaction) -> None:
        """Show the line as it is now."""
        try:
            message, page = interaction.message, await queue_text(interaction)
            if message is None or not message.flags.ephemeral:
                # Others would read the words of the one who asks.
                await whisper(interaction, page, view=queue_view())
                return
            await interaction.response.edit_message(
                content=page, view=queue_view(), allowed_mentions=SILENT
            )
        except Exception as error:
            await apologise(interaction, error)


async def queue_text(interaction: Interaction) -> str:
    """The waiting line, for the one who asks, and what of theirs is done and has no place."""
    studio = studio_of(interaction)
    device = called(studio.device.name)
    reader = Reader(id=interaction.user.id, guild=interaction.guild_id, device=device)
    page = queue_page(studio.open_requests.standings(), reader)
    return with_lines(page, below=held_page(await studio.delivery.held_of(interaction.user.id)))


def queue_view() -> discord.ui.View:
    """The button under the waiting line."""
    view = discord.ui.View(timeout=None)
    view.add_item(LookAgain())
    return view
