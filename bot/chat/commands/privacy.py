"""/privacy: what is kept of whoever asks, given to them or erased."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.answers import SILENT, whisper
from bot.chat.askers import studio_of
from bot.chat.readers import SpeaksToPresser
from bot.chat.refusals import apologise
from bot.chat.uploads import USUAL_LIMIT
from bot.languages.speaking import mark, tr
from bot.pages.privacy_pages import (
    ERASING,
    KEPT_AFTER_ALL,
    confirm_page,
    erased_page,
    export_page,
)
from generation.job import UserId

Interaction = discord.Interaction[Any]

SECONDS = 840.0  # the answer's token lives for 15 minutes
MOST_PARTS = 10  # files of one export: they come one after the other, while the token lives

ERASE, KEEP = mark("Erase everything"), mark("Keep it")

privacy = app_commands.Group(name="privacy", description="What I keep of you: get it, or erase it")


def names_of(user: discord.User | discord.Member) -> tuple[str, ...]:
    """What Discord calls somebody."""
    names = (user.name, user.global_name, user.display_name)
    return tuple(dict.fromkeys(name for name in names if name))


@privacy.command(name="export", description="Everything that I keep of you, as zip files")
@app_commands.describe(first="The number of the picture to begin with, to go on with a long export")
async def export(interaction: Interaction, first: Range[int, 0] = 0) -> None:
    """Send it to the one who asks."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    person, limit = UserId(interaction.user.id), interaction.filesize_limit or USUAL_LIMIT
    parts = studio_of(interaction).exports.parts(
        person, names_of(interaction.user), first=first, limit=limit
    )
    sent, up_to, more = 0, first, False
    async with contextlib.aclosing(parts):
        async for part in parts:
            if sent == MOST_PARTS:
                more = True
                break
            file = discord.File(io.BytesIO(part.data), filename=part.name)
            await interaction.followup.send(file=file, ephemeral=True, allowed_mentions=SILENT)
            sent, up_to = sent + 1, part.up_to
    await interaction.followup.send(
        export_page(sent, up_to, more=more), ephemeral=True, allowed_mentions=SILENT
    )


@privacy.command(name="delete", description="Erase everything that is yours, after asking you")
async def delete(interaction: Interaction) -> None:
    """Say what goes and what stays, and ask."""
    held = await studio_of(interaction).privacy.holdings(UserId(interaction.user.id))
    await whisper(interaction, confirm_page(held), view=_Confirmation(interaction.user.id))


class _Confirmation(SpeaksToPresser, discord.ui.View):
    """Yes or no, from the person whose data it is; they alone see it."""

    def __init__(self, person: int) -> None:
        super().__init__(timeout=SECONDS)
        self._person = person
        self.erase.label, self.keep.label = tr(ERASE), tr(KEEP)

    @discord.ui.button(label=ERASE, emoji="🗑️", style=discord.ButtonStyle.danger)
    async def erase(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Erase it, and say what came of it."""
        self.stop()
        await interaction.response.edit_message(content=tr(ERASING), view=None)
        erased = await studio_of(interaction).privacy.erase(
            UserId(interaction.user.id), names_of(interaction.user)
        )
        await interaction.edit_original_response(content=erased_page(erased))

    @discord.ui.button(label=KEEP, style=discord.ButtonStyle.secondary)
    async def keep(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Forget that it was asked."""
        self.stop()
        await interaction.response.edit_message(content=tr(KEPT_AFTER_ALL), view=None)

    async def on_error(
        self, interaction: Interaction, error: Exception, _: discord.ui.Item[Any], /
    ) -> None:
        """Say why not."""
        await apologise(interaction, error)
