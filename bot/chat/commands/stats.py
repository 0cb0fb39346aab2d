"""/stats: the last day in words, and who had the GPU as a picture."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import discord
from discord import app_commands

from bot.chat.answers import SILENT
from bot.chat.askers import is_moderator, studio_of
from bot.pages.device import called
from bot.pages.fairness_plot import ARTIST, draw
from bot.pages.stats_page import fairness_page, today_page
from bot.studio.stats import Viewer

Interaction = discord.Interaction[Any]

stats = app_commands.Group(name="stats", description="How the studio did in the last day")


@stats.command(name="today", description="Pictures, drawing time and waits of the last 24 hours")
async def today(interaction: Interaction) -> None:
    """In words."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio = studio_of(interaction)
    page = today_page(await studio.last_day(), called(studio.device.name))
    await interaction.edit_original_response(content=page, allowed_mentions=SILENT)


@stats.command(
    name="fairness", description="Who was drawn for in the last 24 hours, and who waited"
)
@app_commands.checks.cooldown(2, 20.0)
async def fairness(interaction: Interaction) -> None:
    """As a picture, with what it shows in words."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio = studio_of(interaction)
    day, device = await studio.last_day(), called(studio.device.name)
    guild = interaction.guild_id if is_moderator(interaction) else None
    viewer = Viewer(id=interaction.user.id, guild=guild)
    loop = asyncio.get_running_loop()
    page = await loop.run_in_executor(ARTIST, fairness_page, day, viewer, device)
    files = []
    if day.served:
        png = await loop.run_in_executor(ARTIST, draw, day, viewer, device)
        files.append(discord.File(io.BytesIO(png), filename="fairness.png"))
    await interaction.edit_original_response(
        content=page, attachments=files, allowed_mentions=SILENT
    )
