"""/control: words, and a picture that says where things are."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.askers import origin_of, studio_of
from bot.chat.buttons.progress import begin
from bot.chat.commands import choices, options
from bot.chat.commands.options import described
from bot.chat.intake import bytes_of
from bot.studio.controlling import READY, WAYS, AskedControl
from bot.studio.wishes import Wish, seed_named
from generation.draft import Draft, DraftWords
from storage.tickets import Request

Interaction = discord.Interaction[Any]


@app_commands.command(name="control", description="Draw with a picture that says where things are")
@described
@app_commands.describe(
    image="The picture that says where things are",
    how="What is made of it first: its edges, strokes, ...; ready: it is a control picture already",
    controlnet="The network that looks at it; the first that fits the model when left out",
    strength="How strongly it steers: 1 usually",
    start="The share of the steps after which it begins: 0 at once",
    end="The share of the steps after which it ends: 1 at the last",
)
@choices.offered
@app_commands.choices(how=[app_commands.Choice(name=way, value=way) for way in WAYS])
async def control(
    interaction: Interaction,
    prompt: options.Prompt,
    image: discord.Attachment,
    how: str = READY,
    controlnet: str | None = None,
    strength: Range[float, 0.0, 2.0] = 1.0,
    start: Range[float, 0.0, 1.0] | None = None,
    end: Range[float, 0.0, 1.0] | None = None,
    negative: options.Negative | None = None,
    model: str | None = None,
    size: options.Size | None = None,
    count: options.Count | None = None,
    seed: options.Seed | None = None,
    style: options.Style | None = None,
    lora: options.Lora | None = None,
) -> None:
    """Queue it."""
    studio = studio_of(interaction)

    async def asking() -> Request:
        named = [one for one in (lora or "").split(",") if one.strip()]
        wish = Wish(
            origin=origin_of(interaction),
            draft=Draft(
                words=DraftWords(prompt=prompt, negative_prompt=negative),
                adapters=tuple(studio.offers.lora(one) for one in named),
            ),
            model=model,
            size=size,
            count=count,
            seed=seed_named(seed) if seed is not None else None,
            style=style,
        )
        wish = studio.requests.read(wish)
        asked = AskedControl(net=controlnet, how=how, strength=strength, start=start, end=end)
        async with studio.opening.room():
            wish = await studio.requests.controlled(await bytes_of(image), wish, asked)
        return await studio.requests.submit(wish)

    await begin(interaction, asking)
