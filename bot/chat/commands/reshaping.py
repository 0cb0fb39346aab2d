"""/vary, /upscale, /outpaint and /inpaint: close by, larger, with more around it, a part anew."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.askers import asker_of, origin_of, studio_of, web_of
from bot.chat.buttons.painting import offer_page
from bot.chat.buttons.progress import begin
from bot.chat.commands import choices, options
from bot.chat.commands.sources import SENT, WHICH, Named, base_of, named
from bot.chat.intake import bytes_of
from bot.studio.enlarging import Larger
from bot.studio.reshaping import LEAST_ZOOM, MOST_ZOOM, SIDES, USUAL_FACTOR, Distance
from generation.enlarging import LARGEST_FACTOR, SMALLEST_FACTOR
from storage.tickets import Request

Interaction = discord.Interaction[Any]

# What can be chosen as a direction, and the sides that it means.
DIRECTIONS = {
    "all around": SIDES,
    **{side: (side,) for side in SIDES},
    "left and right": ("left", "right"),
    "up and down": ("up", "down"),
}


@app_commands.command(name="vary", description="Another picture close to one: a little, or much")
@app_commands.describe(
    picture=WHICH, image=SENT, strength="subtle keeps nearly all of it, strong the idea"
)
@app_commands.choices(
    strength=[app_commands.Choice(name=each.value, value=each.value) for each in Distance]
)
@app_commands.autocomplete(picture=choices.pictures)
async def vary(
    interaction: Interaction,
    picture: Named | None = None,
    image: discord.Attachment | None = None,
    strength: str | None = None,
) -> None:
    """Queue it."""
    origin = origin_of(interaction)

    async def asking() -> Request:
        base = await base_of(interaction, origin, picture, image)
        distance = Distance(strength) if strength else Distance.SUBTLE
        return await studio_of(interaction).reshapes.vary(base, distance)

    await begin(interaction, asking)


@app_commands.command(name="upscale", description="The same picture with more pixels")
@app_commands.describe(
    picture=WHICH,
    image=SENT,
    factor="How many times as long and high; 2 when left out",
    redraw="How much is drawn over afterwards, for new details; nothing when left out",
    upscaler="By which network",
)
@app_commands.autocomplete(picture=choices.pictures, upscaler=choices.upscalers)
async def upscale(
    interaction: Interaction,
    picture: Named | None = None,
    image: discord.Attachment | None = None,
    factor: Range[float, SMALLEST_FACTOR, LARGEST_FACTOR] | None = None,
    redraw: options.Denoise | None = None,
    upscaler: Range[str, 1, 100] | None = None,
) -> None:
    """Queue it."""
    origin = origin_of(interaction)

    async def asking() -> Request:
        base = await base_of(interaction, origin, picture, image)
        asked = Larger(factor=factor or USUAL_FACTOR, upscaler=upscaler, redraw=redraw)
        return await studio_of(interaction).reshapes.enlarge(base, asked)

    await begin(interaction, asking)


@app_commands.command(name="outpaint", description="Draw more around a picture, or zoom out of it")
@app_commands.describe(
    picture=WHICH,
    image=SENT,
    direction="Where there is to be more",
    amount="How much: 50 % of its side, or 64 px",
    zoom="Instead of a direction: how many times smaller it becomes, in the same size",
    pan="Instead of a direction: to which side it moves on, in the same size",
    prompt="What is to be seen around it; its own words when left out",
)
@app_commands.choices(
    direction=[app_commands.Choice(name=name, value=name) for name in DIRECTIONS],
    pan=[app_commands.Choice(name=side, value=side) for side in SIDES],
)
@app_commands.autocomplete(picture=choices.pictures)
async def outpaint(
    interaction: Interaction,
    picture: Named | None = None,
    image: discord.Attachment | None = None,
    direction: str | None = None,
    amount: Range[str, 1, 20] | None = None,
    zoom: Range[float, LEAST_ZOOM, MOST_ZOOM] | None = None,
    pan: str | None = None,
    prompt: options.Prompt | None = None,
) -> None:
    """Queue it."""
    origin = origin_of(interaction)

    async def asking() -> Request:
        base, studio = (
            await base_of(interaction, origin, picture, image),
            studio_of(interaction),
        )
        if zoom is not None:
            return await studio.reshapes.zoom_out(base, zoom, prompt)
        if pan is not None:
            return await studio.reshapes.pan(base, pan, amount, prompt)
        return await studio.reshapes.widen(
            base, DIRECTIONS[direction or "all around"], amount, prompt
        )

    await begin(interaction, asking)


@app_commands.command(name="inpaint", description="Draw a part of a picture anew, and nothing else")
@app_commands.describe(
    prompt="What is to be seen there, such as: a red hat",
    picture=WHICH,
    image="A picture of your own instead; where it is transparent it is drawn anew",
    mask="Which part: a picture in its shape that is white there, and black elsewhere",
    drawing="Which part: a copy of the picture on which you drew over it",
    region="Which part, in words: the hat, everything but the cat",
)
@app_commands.autocomplete(picture=choices.pictures)
async def inpaint(
    interaction: Interaction,
    prompt: options.Prompt,
    picture: Named | None = None,
    image: discord.Attachment | None = None,
    mask: discord.Attachment | None = None,
    drawing: discord.Attachment | None = None,
    region: Range[str, 1, 100] | None = None,
) -> None:
    """Queue it; where nothing says which part, a page to paint it on, if one is served."""
    web, shown_by = web_of(interaction), (image, mask, drawing, region)
    if web is not None and picture is not None and not any(shown_by):
        await interaction.response.defer(ephemeral=True, thinking=True)
        number = await named(picture, studio_of(interaction), asker_of(interaction))
        await offer_page(interaction, web, number, prompt)
        return
    studio, origin = studio_of(interaction), origin_of(interaction)

    async def sent(file: discord.Attachment | None) -> bytes | None:
        if file is None:
            return None
        data = await bytes_of(file)
        await studio.reshapes.check_upload(data)
        return data

    async def asking() -> Request:
        base = await base_of(interaction, origin, picture, image)
        if region is not None and mask is None and drawing is None:
            return await studio.reshapes.draw_region(base, region, prompt)
        async with studio.opening.room():
            return await studio.reshapes.draw_part(
                base, prompt, mask=await sent(mask), copy=await sent(drawing)
            )

    await begin(interaction, asking)
