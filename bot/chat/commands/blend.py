"""/blend: one picture of two to four, each by its share."""

from __future__ import annotations

import re
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.askers import origin_of, studio_of
from bot.chat.buttons.progress import begin
from bot.chat.commands import choices, options
from bot.chat.commands.sources import base_of
from bot.languages.speaking import mark
from bot.studio.editing import FEWEST, MOST
from generation.errors import OutOfRange
from storage.tickets import Request

Interaction = discord.Interaction[Any]

_BETWEEN = re.compile(r"[\s,;:/]+")
IMAGE = mark("A picture of your own, after those that are named")


@app_commands.command(name="blend", description="Make one picture of two to four")
@app_commands.describe(
    pictures="Their numbers, such as: 12 15, or the links of their messages",
    image1=IMAGE,
    image2=IMAGE,
    image3=IMAGE,
    image4=IMAGE,
    shares="How much each counts, in their order, such as: 70 30",
    prompt="What it shows; the words of all of them when left out",
)
@app_commands.autocomplete(pictures=choices.several_pictures)
async def blend(
    interaction: Interaction,
    pictures: Range[str, 1, 400] | None = None,
    image1: discord.Attachment | None = None,
    image2: discord.Attachment | None = None,
    image3: discord.Attachment | None = None,
    image4: discord.Attachment | None = None,
    shares: Range[str, 1, 60] | None = None,
    prompt: options.Prompt | None = None,
) -> None:
    """Queue it."""
    studio, origin = studio_of(interaction), origin_of(interaction)

    async def asking() -> Request:
        numbers = (pictures or "").replace(",", " ").split()
        sent = [image for image in (image1, image2, image3, image4) if image is not None]
        if not FEWEST <= (count := len(numbers) + len(sent)) <= MOST:
            raise OutOfRange("number of pictures", count, f"{FEWEST} to {MOST}")
        bases = [await base_of(interaction, origin, number, None) for number in numbers]
        bases += [await base_of(interaction, origin, None, image) for image in sent]
        return await studio.reshapes.blend(bases, shares_in(shares or ""), prompt)

    await begin(interaction, asking)


def shares_in(text: str) -> tuple[float, ...]:
    """The numbers that are written there; % signs say nothing more.  Raises OutOfRange."""
    try:
        return tuple(float(part) for part in _BETWEEN.split(text.replace("%", " ").strip()) if part)
    except ValueError:
        raise OutOfRange("shares", text, "numbers in the pictures' order, such as 70 30") from None
