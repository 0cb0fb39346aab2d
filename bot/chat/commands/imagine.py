"""/imagine: words, and if you like a picture, to a picture.

Every parameter of a KSampler is an option, typed and bounded where Discord can do it; whatever is
left out comes from the person's settings, then from the model.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.chat.answers import accepted
from bot.chat.askers import ask_privately, origin_of, studio_of
from bot.chat.buttons.progress import begin
from bot.chat.commands import choices, options
from bot.chat.commands.options import described
from bot.chat.commands.permutations import ask_for_all
from bot.chat.importing import with_file
from bot.chat.intake import picture_from
from bot.studio.studio import Studio
from bot.studio.wishes import Wish, seed_named
from generation.draft import Draft, DraftSampling, DraftWords
from prompting import wildcards
from storage.people import AssistMode
from storage.tickets import Request

Interaction = discord.Interaction[Any]


@app_commands.command(
    name="imagine", description="Draw a picture: say what it shows, such as: a red flower"
)
@described
@app_commands.describe(private="Whether you alone see it; you can share it afterwards")
@choices.offered
@app_commands.rename(source="from")
@app_commands.describe(
    source="A picture, .json or .txt whose recipe fills what you leave out; prompt - keeps its own"
)
@app_commands.choices(assist=choices.ASSIST)
async def imagine(
    interaction: Interaction,
    prompt: options.Prompt,
    negative: options.Negative | None = None,
    image: discord.Attachment | None = None,
    denoise: options.Denoise | None = None,
    model: str | None = None,
    size: options.Size | None = None,
    count: options.Count | None = None,
    steps: options.Steps | None = None,
    cfg: options.Cfg | None = None,
    guidance: options.Guidance | None = None,
    shift: options.Shift | None = None,
    sampler: str | None = None,
    scheduler: str | None = None,
    seed: options.Seed | None = None,
    clip_skip: options.ClipSkip | None = None,
    assist: str | None = None,
    style: options.Style | None = None,
    lora: options.Lora | None = None,
    vae: options.Vae | None = None,
    best_of: options.BestOf | None = None,
    preset: options.Preset | None = None,
    private: bool = False,
    source: discord.Attachment | None = None,
) -> None:
    """Queue it, or ask first where the words stand for several pictures."""
    ask_privately(interaction, asked=private)
    studio = studio_of(interaction)
    sampling: dict[str, Any] = {"sampler": sampler, "scheduler": scheduler, "steps": steps}
    sampling |= {"cfg": cfg, "denoise": denoise, "guidance": guidance, "shift": shift}
    chosen: dict[str, Any] = {"model": model, "vae": vae, "size": size, "count": count}
    chosen |= {"best_of": best_of, "style": style, "preset": preset}

    async def wished() -> Wish:
        named = [one for one in (lora or "").split(",") if one.strip()]
        draft = Draft(
            words=DraftWords(prompt=prompt, negative_prompt=negative, clip_skip=clip_skip),
            sampling=DraftSampling(**sampling),
            adapters=tuple(studio.offers.lora(one) for one in named),
        )
        wish = Wish(
            origin=origin_of(interaction),
            draft=draft,
            seed=seed_named(seed) if seed is not None else None,
            assist=AssistMode(assist) if assist else None,
            **chosen,
        )
        return await _begun(wish, image, source, studio)

    if wildcards.count(prompt) > 1:
        await ask_for_all(interaction, await accepted(interaction, wished()))
        return

    async def asking() -> Request:
        return await studio.requests.submit(await wished())

    await begin(interaction, asking)


async def _begun(
    wish: Wish, image: discord.Attachment | None, source: discord.Attachment | None, studio: Studio
) -> Wish:
    """The wish with what its words and files say besides.  Raises Unacceptable."""
    wish = studio.requests.read(wish)
    if source is not None:
        wish = await with_file(source, wish, studio)
    return await picture_from(image, wish, studio) if image is not None else wish
