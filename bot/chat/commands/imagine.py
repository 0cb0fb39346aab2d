"""/imagine: words, and if you like a picture, to a picture.

Every parameter of a KSampler is an option, typed and bounded where Discord can do it; whatever is
left out comes from the person's settings, then from the model.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.answers import accepted
from bot.chat.askers import origin_of, studio_of
from bot.chat.buttons.progress import begin
from bot.chat.commands import choices
from bot.chat.commands.permutations import ask_for_all
from bot.chat.intake import picture_from
from bot.studio.wishes import Wish, seed_named
from generation.draft import MAX_PROMPT, MAX_STEPS, Draft, DraftSampling, DraftWords
from prompting import wildcards
from storage.people import AssistMode
from storage.tickets import Request

Interaction = discord.Interaction[Any]


@app_commands.command(
    name="imagine", description="Draw a picture: say what it shows, such as: a red flower"
)
@app_commands.describe(
    prompt="What the picture shows, in your words, such as: a red flower",
    negative="What it must not show, such as: people, text",
    image="A picture to start from",
    denoise="How much of that picture is redrawn: 0.3 a little, 0.6 much, 1 all of it",
    model="Which model draws",
    size="A shape such as 3:2 or portrait, or a size that fits the model: see the list",
    count="How many pictures",
    steps="How many steps of denoising",
    cfg="How closely the words are followed",
    sampler="How a step is made",
    scheduler="How the noise levels are spaced",
    seed="The number that decides the noise; the same one gives the same picture; -1: a fresh one",
    assist="Whether I find more words: on, off, or auto for short wishes",
    style="A style from the library",
    lora="LoRAs to put on it and how strongly, such as: ink:0.8, sketch:0.5",
    vae="What turns the drawing into pixels: a VAE from the list, or the model's own",
    clip_skip="Which layer of the text encoder is read: 1 the last, 2 the one before",
)
@app_commands.autocomplete(
    model=choices.models,
    size=choices.sizes,
    sampler=choices.samplers,
    scheduler=choices.schedulers,
    style=choices.styles,
    vae=choices.vaes,
    lora=choices.loras,
)
@app_commands.choices(
    assist=[app_commands.Choice(name=mode.value, value=mode.value) for mode in AssistMode]
)
async def imagine(
    interaction: Interaction,
    prompt: Range[str, 1, MAX_PROMPT],
    negative: Range[str, 0, MAX_PROMPT] | None = None,
    image: discord.Attachment | None = None,
    denoise: Range[float, 0.01, 1.0] | None = None,
    model: str | None = None,
    size: Range[str, 1, 40] | None = None,
    count: Range[int, 1, 8] | None = None,
    steps: Range[int, 1, MAX_STEPS] | None = None,
    cfg: Range[float, 0.0, 100.0] | None = None,
    sampler: str | None = None,
    scheduler: str | None = None,
    seed: Range[str, 1, 40] | None = None,
    clip_skip: Range[int, 1, 12] | None = None,
    assist: str | None = None,
    style: Range[str, 1, 100] | None = None,
    lora: Range[str, 1, 400] | None = None,
    vae: Range[str, 1, 100] | None = None,
) -> None:
    """Queue it, or ask first where the words stand for several pictures."""
    studio = studio_of(interaction)

    async def wished() -> Wish:
        named = [one for one in (lora or "").split(",") if one.strip()]
        draft = Draft(
            words=DraftWords(prompt=prompt, negative_prompt=negative, clip_skip=clip_skip),
            sampling=DraftSampling(
                sampler=sampler,
                scheduler=scheduler,
                steps=steps,
                cfg=cfg,
                denoise=denoise,
            ),
            adapters=tuple(studio.drafting.lora(one) for one in named),
        )
        wish = Wish(
            origin=origin_of(interaction),
            draft=draft,
            model=model,
            vae=vae,
            size=size,
            count=count,
            seed=seed_named(seed) if seed is not None else None,
            assist=AssistMode(assist) if assist else None,
            style=style,
        )
        return await picture_from(image, wish, studio) if image is not None else wish

    if wildcards.count(prompt) > 1:
        await ask_for_all(interaction, await accepted(interaction, wished()))
        return

    async def asking() -> Request:
        return await studio.requests.submit(await wished())

    await begin(interaction, asking)
