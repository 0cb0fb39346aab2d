"""/stats: the last day in words, who had the GPU, and what was drawn, as pictures."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

import discord
from discord import app_commands

from bot.chat.answers import SILENT
from bot.chat.askers import asker_of, is_moderator, studio_of
from bot.pages.device import called
from bot.pages.fairness_plot import ARTIST, draw
from bot.pages.history_page import history_page
from bot.pages.history_plot import draw_history
from bot.pages.stats_page import fairness_page, today_page
from bot.studio.stats import Viewer

Interaction = discord.Interaction[Any]
T = TypeVar("T")

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
    page = await _artist(partial(fairness_page, day, viewer, device))
    files = []
    if day.served:
        png = await _artist(partial(draw, day, viewer, device))
        files.append(discord.File(io.BytesIO(png), filename="fairness.png"))
    await interaction.edit_original_response(
        content=page, attachments=files, allowed_mentions=SILENT
    )


async def _artist(work: Callable[[], T]) -> T:
    """What the artist's thread makes, in the language of whoever asks."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(ARTIST, partial(copy_context().run, work))


DAYS = (7, 30, 90)  # as long as the history of service is kept


@stats.command(name="pictures", description="What was drawn here day by day, by model and by style")
@app_commands.describe(
    days="Of how many days; 30 if left out", mine="Your own pictures alone, of all places"
)
@app_commands.choices(days=[app_commands.Choice(name=str(days), value=days) for days in DAYS])
@app_commands.checks.cooldown(2, 20.0)
async def drawn(interaction: Interaction, days: int = 30, mine: bool = False) -> None:
    """As a picture, with what it shows in words."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    history = await studio_of(interaction).histories.of(
        asker_of(interaction), days, mine=mine, moderates=is_moderator(interaction)
    )
    files = []
    if history.pictures:
        png = await _artist(partial(draw_history, history))
        files.append(discord.File(io.BytesIO(png), filename="pictures.png"))
    await interaction.edit_original_response(
        content=history_page(history), attachments=files, allowed_mentions=SILENT
    )
