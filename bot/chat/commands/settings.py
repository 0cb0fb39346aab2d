"""/settings: one's own defaults, and those of a channel or a server for who decides there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
from discord import app_commands

from bot.chat.answers import SILENT
from bot.chat.askers import origin_of, studio_of
from bot.chat.commands import choices, options
from bot.chat.commands.options import described_as_settings
from bot.chat.deciding import check_decides
from bot.chat.readers import speak_to
from bot.languages.catalogues import languages, own_name
from bot.languages.speaking import mark
from bot.pages import settings_page
from bot.studio.presetting import Whereabouts
from storage.people import AssistMode, Level, Preferences, SeedMode

AS_DISCORD = "discord"  # no language of one's own

Interaction = discord.Interaction[Any]


SCOPES = {
    Level.PERSON: mark("mine"),
    Level.CHANNEL: mark("this channel"),
    Level.SERVER: mark("this server"),
}

# What can be forgotten alone, by the option that says it.
FIELDS = {
    **{name: (name,) for name in ("model", "count", "steps", "cfg", "sampler", "scheduler")},
    **{name: (name,) for name in ("denoise", "seed_mode", "assist", "style", "vae")},
    "negative": ("negative_prompt",),
    "size": ("width", "height"),
}


@app_commands.command(
    name="settings", description="What you draw with and where it comes from; yours to change"
)
@described_as_settings
@app_commands.describe(
    seed_mode="Where your next seed comes from, also of Again: ComfyUI's control_after_generate",
    language="In which language you are answered",
    scope="Whose settings: yours, or of all here if you decide for them",
    forget="Take one of them back",
    reset="Forget all of them first",
)
@choices.offered
@app_commands.choices(
    seed_mode=[app_commands.Choice(name=mode.value, value=mode.value) for mode in SeedMode],
    assist=choices.ASSIST,
    language=[
        app_commands.Choice(name="as my Discord", value=AS_DISCORD),
        *(app_commands.Choice(name=own_name(one), value=one) for one in languages()),
    ],
    scope=[app_commands.Choice(name=said, value=level.value) for level, said in SCOPES.items()],
    forget=[app_commands.Choice(name=name.replace("_", " "), value=name) for name in FIELDS],
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
    scope: str | None = None,
    forget: str | None = None,
    reset: bool = False,
) -> None:
    """Change what was given, then show everything."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio, level = studio_of(interaction), Level(scope or Level.PERSON)
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
        "style": studio.offers.styles.named(style).name if style else None,
    }
    origin = origin_of(interaction)
    if model:
        studio.servers.accepts_model(origin, studio.offers.checkpoint(model).weights)
    if given["style"]:
        studio.servers.accepts_style(origin, given["style"])
    changed = {name: value for name, value in given.items() if value is not None}
    changed |= dict.fromkeys(FIELDS.get(forget or "", ()))
    owner = Whereabouts.of(origin).owner(level)
    liked = await studio.defaults.of(owner.id, level)
    if changed or size is not None or reset:
        check_decides(interaction, level)
        before = Preferences() if reset else liked
        wanted = replace(before, **changed)
        liked = await studio.defaults.keep(owner.id, wanted, size=size, level=level)
    if level is Level.PERSON and (language is not None or reset):
        await studio.readers.choose(
            interaction.user.id, None if language in (None, AS_DISCORD) else language
        )
        await speak_to(interaction)
    page = settings_page.place_page(liked, level)
    if level is Level.PERSON:
        page = settings_page.settings_page(await _resolved(interaction))
    await interaction.edit_original_response(content=page, allowed_mentions=SILENT)


async def _resolved(interaction: Interaction) -> settings_page.Resolved:
    studio, origin = studio_of(interaction), origin_of(interaction)
    found, model, around = await studio.defaults.resolved(origin)
    standing = await studio.presets.standing(Whereabouts.of(origin))
    chosen = (await studio.readers.of(interaction.user.id)).chosen
    return settings_page.Resolved(
        found=found,
        model=model.weights.name,
        family=model.family.title,
        counting=around.counting,
        preset=standing.name if standing is not None else "",
        language=own_name(chosen) if chosen else "",
    )
