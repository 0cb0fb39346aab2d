"""/settings: a person's own defaults."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
from discord import app_commands

from bot.chat.answers import SILENT
from bot.chat.askers import studio_of
from bot.chat.commands import choices, options
from bot.chat.commands.options import described_as_settings
from bot.chat.readers import speak_to
from bot.languages.catalogues import languages, own_name
from bot.pages import settings_page
from generation.draft import usual_of
from storage.people import AssistMode, Preferences, SeedMode

AS_DISCORD = "discord"  # no language of one's own

Interaction = discord.Interaction[Any]


@app_commands.command(name="settings", description="Your own defaults; shows them when left empty")
@described_as_settings
@app_commands.describe(
    seed_mode="Where the next seed comes from when you name none",
    language="In which language you are answered",
    reset="Forget all of them first",
)
@choices.offered
@app_commands.choices(
    seed_mode=[app_commands.Choice(name=mode.value, value=mode.value) for mode in SeedMode],
    assist=[app_commands.Choice(name=mode.value, value=mode.value) for mode in AssistMode],
    language=[
        app_commands.Choice(name="as my Discord", value=AS_DISCORD),
        *(app_commands.Choice(name=own_name(one), value=one) for one in languages()),
    ],
)
async def settings(
    interaction: Interaction,
    model: str | None = None,
    negative: options.Negative | None = None,
    size: options.Size | None = None,
    count: options.Count | None = None,
    steps: options.Steps | None = None,
    cfg: options.Cfg | None = None,
    sampler: str | None = None,
    scheduler: str | None = None,
    denoise: options.Denoise | None = None,
    seed_mode: str | None = None,
    assist: str | None = None,
    style: options.Style | None = None,
    vae: options.Vae | None = None,
    language: str | None = None,
    reset: bool = False,
) -> None:
    """Change what was given, then show everything."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio = studio_of(interaction)
    before = Preferences() if reset else await studio.defaults.of(interaction.user.id)
    given: dict[str, Any] = {
        "model": model,
        "negative_prompt": negative,
        "count": count,
        "steps": steps,
        "cfg": cfg,
        "sampler": sampler,
        "scheduler": scheduler,
        "denoise": denoise,
        "vae": vae,
        "seed_mode": SeedMode(seed_mode) if seed_mode else None,
        "assist": AssistMode(assist) if assist else None,
        "style": studio.offers.styles.find(style).name if style else None,
    }
    changed = replace(before, **{k: v for k, v in given.items() if v is not None})
    mine = await studio.defaults.keep(interaction.user.id, changed, size=size)
    if language is not None or reset:
        await studio.readers.choose(
            interaction.user.id, None if language in (None, AS_DISCORD) else language
        )
        await speak_to(interaction)
    chosen = (await studio.readers.of(interaction.user.id)).chosen
    usual = studio.offers.checkpoint(mine.model)
    page = settings_page.preferences_page(
        mine, (usual.weights.name, usual_of(usual)), language=own_name(chosen) if chosen else ""
    )
    await interaction.edit_original_response(content=page, allowed_mentions=SILENT)
