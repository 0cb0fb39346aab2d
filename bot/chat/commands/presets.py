"""/preset: settings that are kept by a name, drawn with again, and shared.

Whoever asks sees it alone; what is shared is for all of the channel or the server.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.answers import whisper
from bot.chat.askers import asker_of, origin_of, studio_of
from bot.chat.commands import choices, options
from bot.chat.commands.options import described
from bot.chat.commands.sources import WHICH, Named, named
from bot.chat.deciding import check_decides
from bot.languages.speaking import mark
from bot.pages import preset_pages
from bot.studio.presetting import LONGEST_NAME, Whereabouts
from bot.studio.saved_drafts import LONGEST_SUFFIX, SavedDraft, layer_of
from generation.draft import DraftSampling, DraftWords
from generation.errors import OutOfRange
from storage.people import AssistMode, Level, Preferences

Interaction = discord.Interaction[Any]
Name = Range[str, 1, LONGEST_NAME + 8]  # with "channel:" before it

WITH = {Level.CHANNEL: mark("this channel"), Level.SERVER: mark("this server")}

preset = app_commands.Group(
    name="preset", description="Settings by a name: save, use, list, show, share and delete them"
)


def there(interaction: Interaction) -> Whereabouts:
    """Whose presets count where somebody asks."""
    return Whereabouts.of(origin_of(interaction))


@preset.command(name="save", description="Keep the settings of a picture, or those you give")
@described
@app_commands.describe(
    name="What to call it, such as: night ink",
    picture=WHICH,
    suffix="Words that it puts behind those of every new picture",
)
@app_commands.autocomplete(picture=choices.pictures, model=choices.models_of_all)
@choices.offered
@app_commands.choices(assist=choices.ASSIST)
async def save(
    interaction: Interaction,
    name: Range[str, 1, LONGEST_NAME],
    picture: Named | None = None,
    suffix: Range[str, 1, LONGEST_SUFFIX] | None = None,
    model: str | None = None,
    negative: options.Negative | None = None,
    size: options.Size | None = None,
    count: options.Count | None = None,
    best_of: options.BestOf | None = None,
    steps: options.Steps | None = None,
    cfg: options.Cfg | None = None,
    guidance: options.Guidance | None = None,
    shift: options.Shift | None = None,
    sampler: str | None = None,
    scheduler: str | None = None,
    denoise: options.Denoise | None = None,
    clip_skip: options.ClipSkip | None = None,
    assist: str | None = None,
    style: options.Style | None = None,
    lora: options.Lora | None = None,
    vae: options.Vae | None = None,
) -> None:
    """What is given counts more than the picture's."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio, asker = studio_of(interaction), asker_of(interaction)
    liked = Preferences(
        model=model,
        negative_prompt=negative,
        count=count,
        steps=steps,
        cfg=cfg,
        sampler=sampler,
        scheduler=scheduler,
        denoise=denoise,
        assist=AssistMode(assist) if assist else None,
        style=studio.offers.styles.named(style).name if style else None,
        vae=vae,
    )
    more = SavedDraft(
        words=DraftWords(clip_skip=clip_skip),
        sampling=DraftSampling(guidance=guidance, shift=shift),
        adapters=tuple(studio.offers.lora(one) for one in (lora or "").split(",") if one.strip()),
        best_of=best_of,
        suffix=suffix,
    )
    saved = await studio.defaults.saved(liked, more, size=size)
    if picture is not None:
        number = await named(picture, studio, asker)
        saved = saved.over(await studio.presets.of_picture(asker, number))
    if saved == SavedDraft():
        raise OutOfRange("preset", "nothing to keep", "of a picture, or of options such as style")
    again = await studio.presets.save(there(interaction), name, saved)
    await whisper(interaction, preset_pages.saved_page(name, Level.PERSON, saved, again=again))


@preset.command(name="use", description="Draw with a preset here until you say otherwise")
@app_commands.describe(name="Which one; with none when left out")
@app_commands.autocomplete(name=choices.presets)
async def use(interaction: Interaction, name: Name | None = None) -> None:
    """In this channel, for the one who asks."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    used = await studio_of(interaction).presets.use(there(interaction), name)
    await whisper(interaction, preset_pages.used_page(used))


@preset.command(name="list", description="Your presets, the channel's and the server's")
async def list_(interaction: Interaction) -> None:
    """All that can be used here."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    presets, where = studio_of(interaction).presets, there(interaction)
    found, standing = await presets.visible(where), await presets.standing(where)
    await whisper(interaction, preset_pages.presets_page(found, standing))


@preset.command(name="show", description="All that a preset holds")
@app_commands.describe(name="Which one")
@app_commands.autocomplete(name=choices.presets)
async def show_(interaction: Interaction, name: Name) -> None:
    """Line by line, with what of it is not here any more."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio = studio_of(interaction)
    found = await studio.presets.find(there(interaction), name)
    _, gone = layer_of(SavedDraft.load(found.text), studio.offers)
    await whisper(interaction, preset_pages.preset_page(found, gone))


@preset.command(name="share", description="Copy a preset for all of a channel or a server")
@app_commands.describe(name="Which one", scope="For whom, if you decide for them")
@app_commands.autocomplete(name=choices.presets)
@app_commands.choices(
    scope=[app_commands.Choice(name=said, value=one.value) for one, said in WITH.items()]
)
async def share(interaction: Interaction, name: Name, scope: str) -> None:
    """For its moderators, and the server's admins."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    level, presets = Level(scope), studio_of(interaction).presets
    check_decides(interaction, level)
    shared = await presets.share(there(interaction), name, level)
    await whisper(interaction, preset_pages.shared_page(shared.name, level))


@preset.command(name="delete", description="Take a preset away: yours, or a shared one")
@app_commands.describe(name="Which one")
@app_commands.autocomplete(name=choices.presets)
async def delete(interaction: Interaction, name: Name) -> None:
    """One's own, or one of a channel or a server by whoever decides there."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    presets = studio_of(interaction).presets
    found = await presets.find(there(interaction), name)
    check_decides(interaction, found.owner.level)
    await presets.delete(found)
    await whisper(interaction, preset_pages.deleted_page(found.name, found.owner.level))
