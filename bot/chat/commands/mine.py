"""/settings: a person's own defaults."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.answers import SILENT
from bot.chat.askers import studio_of
from bot.chat.commands import choices
from bot.pages import replies
from generation.draft import MAX_PROMPT, MAX_STEPS
from storage.people import AssistMode, Preferences, SeedMode

Interaction = discord.Interaction[Any]


@app_commands.command(name="settings", description="Your own defaults; shows them when left empty")
@app_commands.describe(
    model="Which model draws",
    negative="What your pictures must not show",
    size="A shape such as 3:2 or portrait, or a size that fits the model: see the list",
    count="How many pictures at once",
    steps="How many steps of denoising",
    cfg="How closely the words are followed",
    sampler="How a step is made",
    scheduler="How the noise levels are spaced",
    denoise="How much of a picture is redrawn when you start from one",
    assist="Whether I find more words for your wishes",
    style="The style of your pictures",
    vae="What turns drawings into pixels: a VAE from the list, or the model's own",
    seed_mode="Where the next seed comes from when you name none",
    reset="Forget all of them first",
)
@app_commands.autocomplete(
    model=choices.models,
    size=choices.sizes,
    sampler=choices.samplers,
    scheduler=choices.schedulers,
    style=choices.styles,
    vae=choices.vaes,
)
@app_commands.choices(
    seed_mode=[app_commands.Choice(name=mode.value, value=mode.value) for mode in SeedMode],
    assist=[app_commands.Choice(name=mode.value, value=mode.value) for mode in AssistMode],
)
async def settings(
    interaction: Interaction,
    model: str | None = None,
    negative: Range[str, 0, MAX_PROMPT] | None = None,
    size: Range[str, 1, 40] | None = None,
    count: Range[int, 1, 8] | None = None,
    steps: Range[int, 1, MAX_STEPS] | None = None,
    cfg: Range[float, 0.0, 100.0] | None = None,
    sampler: str | None = None,
    scheduler: str | None = None,
    denoise: Range[float, 0.01, 1.0] | None = None,
    seed_mode: str | None = None,
    assist: str | None = None,
    style: Range[str, 1, 100] | None = None,
    vae: Range[str, 1, 100] | None = None,
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
        "style": studio.drafting.styles.find(style).name if style else None,
    }
    changed = replace(before, **{k: v for k, v in given.items() if v is not None})
    mine = await studio.defaults.keep(interaction.user.id, changed, size=size)
    usual = studio.drafting.usual(mine.model)
    page = replies.preferences_page(mine, (usual.weights.name, usual.family))
    await interaction.edit_original_response(content=page, allowed_mentions=SILENT)
