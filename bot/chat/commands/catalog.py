"""/models list, /loras, /styles: what there is to choose from, in pages with pictures."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.answers import SILENT
from bot.chat.askers import studio_of
from bot.languages.speaking import name_of, tr
from bot.pages.catalog_page import (
    CatalogRow,
    catalog_page,
    of_lora,
    of_model,
    of_style,
    page_of,
)
from bot.pages.fairness_plot import ARTIST
from bot.pages.preview_sheet import preview_sheet
from generation.catalog.previews import preview_of

Interaction = discord.Interaction[Any]
Page = Range[int, 1, 1000]

models = app_commands.Group(name="models", description="The models that draw here")


@models.command(name="list", description="The models that draw here, with their pictures")
@app_commands.describe(page="Which page, nine models on each")
async def list_(interaction: Interaction, page: Page = 1) -> None:
    """A page for the one who asks."""
    studio = studio_of(interaction)
    rules, here = studio.servers.rules(interaction.guild_id), studio.offers.checkpoints()
    offered = [entry for entry in here if rules.offers_model(entry.weights.sha256)]
    rows = [of_model(entry, preview_of(entry.path)) for entry in offered]
    names = {"imagine": name_of("imagine"), "model": name_of("model")}
    hint = tr(
        "`/{imagine} {model}:` names one; `/{settings}` makes it yours.",
        settings=name_of("settings"),
        **names,
    )
    asked = f"/{name_of('models')} {name_of('list')}"
    await _show(interaction, tr("Models"), rows, page, (asked, hint))


@app_commands.command(name="loras", description="The LoRAs that are here, with their pictures")
@app_commands.describe(page="Which page, nine LoRAs on each")
async def loras(interaction: Interaction, page: Page = 1) -> None:
    """A page for the one who asks."""
    here = studio_of(interaction).offers.loras()
    rows = [of_lora(entry, preview_of(entry.path)) for entry in here]
    hint = tr(
        "`/{imagine} {lora}: name:0.8` puts one on, as does `<lora:name:0.8>` in the words.",
        imagine=name_of("imagine"),
        lora=name_of("lora"),
    )
    await _show(interaction, tr("LoRAs"), rows, page, (f"/{name_of('loras')}", hint))


@app_commands.command(name="styles", description="The styles that a picture can be drawn in")
@app_commands.describe(page="Which page, nine styles on each")
async def styles(interaction: Interaction, page: Page = 1) -> None:
    """A page for the one who asks."""
    studio = studio_of(interaction)
    rules = studio.servers.rules(interaction.guild_id)
    here = [s for s in studio.offers.styles.values() if rules.offers_style(s.name)]
    rows = [of_style(style) for style in here]
    hint = tr(
        "`/{imagine} {style}:` draws in one.", imagine=name_of("imagine"), style=name_of("style")
    )
    await _show(interaction, tr("Styles"), rows, page, (f"/{name_of('styles')}", hint))


async def _show(
    interaction: Interaction,
    title: str,
    rows: Sequence[CatalogRow],
    number: int,
    asked: tuple[str, str],
) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)
    page = page_of(rows, number)
    files = []
    if page.previews:
        loop = asyncio.get_running_loop()
        png = await loop.run_in_executor(ARTIST, preview_sheet, page.previews)
        if png is not None:
            files.append(discord.File(io.BytesIO(png), filename="previews.png"))
    await interaction.edit_original_response(
        content=catalog_page(title, page, *asked), attachments=files, allowed_mentions=SILENT
    )
