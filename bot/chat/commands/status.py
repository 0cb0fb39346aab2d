"""/status: how full the machine is that the bot runs on, and which resource limits."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
from discord import app_commands

from bot.chat.answers import SILENT
from bot.chat.askers import is_moderator, studio_of, web_of
from bot.pages.status_page import pages_line, status_page
from bot.studio.resources import resources

Interaction = discord.Interaction[Any]


@app_commands.command(
    name="status", description="How full processor, memory, graphics card and disk are"
)
@app_commands.checks.cooldown(2, 20.0)
async def status(interaction: Interaction) -> None:
    """In words."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    found = await asyncio.to_thread(resources, studio_of(interaction).folder)
    lines = [status_page(found)]
    if is_moderator(interaction):
        web = web_of(interaction)
        lines.append(pages_line(web.address if web is not None else None))
    await interaction.edit_original_response(content="\n".join(lines), allowed_mentions=SILENT)
