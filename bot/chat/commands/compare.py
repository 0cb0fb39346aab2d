"""/compare: one or two options over several values on one sheet, or pictures side by side.

Every option takes one value, or several: those with several are what is compared.  What names the
cost, and what stands side by side, is seen by whoever asked alone: what they may see, others may
not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.answers import whisper
from bot.chat.askers import asker_of, origin_of, studio_of
from bot.chat.buttons.confirming import confirmation_view
from bot.chat.commands import choices, list_choices
from bot.chat.commands.sources import named
from bot.chat.intake import picture_from
from bot.chat.shown import picked_in, pictures_shown_by
from bot.chat.side_by_side import meant_by, side_by_side_file
from bot.chat.uploads import USUAL_LIMIT
from bot.languages.speaking import mark, tr
from bot.pages.apologies import apology_for
from bot.pages.replies import common_settings
from bot.pages.sheet_page import planned_page
from bot.pages.side_by_side import side_by_side_page
from bot.studio.asked_to_compare import AskedComparison
from bot.studio.axes import AXES
from bot.studio.comparing import MOST
from bot.studio.rewriting import as_it_was
from bot.studio.rights import Asker
from bot.studio.sheets import NoComparison, PlannedSheet
from bot.studio.wishes import Wish
from generation.draft import Draft, DraftWords
from storage.errors import Missing
from storage.pictures import PictureId
from storage.requests import Origin

Interaction = discord.Interaction[Any]

Values = Range[str, 1, 1000]
Words = Range[str, 1, 6000]


@app_commands.command(
    name="compare", description="Pictures on one sheet, each with another value; or side by side"
)
@app_commands.describe(
    prompt="What they show; several wordings with | between them: a cat | a dog",
    pictures="Two to nine to put side by side (#12, #15); or one, to draw it in other ways",
    image="A picture of your own to start from",
    seed="Seeds: 1, 2, 3 or 4 random; one for all pictures if left out",
    steps="One or several: 4, 8, 16 or 10-30 step 5",
    cfg="One or several: 3, 5, 7 or 2-8 step 2",
    sampler="One or several, with commas between them",
    scheduler="One or several, with commas between them",
    model="One or several, with commas between them; all: every one here",
    style="One or several, with commas between them; none: without a style",
    lora="One or several strengths, ink:0.4, 0.8; | between LoRAs; none: without",
    size="One or several: square, 3:2, 512x768",
    denoise="How much of a picture is redrawn: 0.3, 0.5, 0.7 or 0.2-0.8 step 0.2",
    guidance="One or several, for models that were distilled: 2, 3.5, 5",
    shift="One or several, for flow models: 1, 3, 5",
    clip_skip="One or several: 1, 2",
    vae="One or several, with commas between them",
    negative="What they must not show; several with | between them",
    assist="Whether I find more words: off, on or auto; off if left out",
)
@app_commands.autocomplete(pictures=choices.several_pictures)
@list_choices.offered
async def compare(
    interaction: Interaction,
    prompt: Words | None = None,
    pictures: Range[str, 1, 400] | None = None,
    image: discord.Attachment | None = None,
    seed: Values | None = None,
    steps: Values | None = None,
    cfg: Values | None = None,
    sampler: Values | None = None,
    scheduler: Values | None = None,
    model: Values | None = None,
    style: Values | None = None,
    lora: Values | None = None,
    size: Values | None = None,
    denoise: Values | None = None,
    guidance: Values | None = None,
    shift: Values | None = None,
    clip_skip: Values | None = None,
    vae: Values | None = None,
    negative: Words | None = None,
    assist: Values | None = None,
) -> None:
    """Name what it costs, and ask; or show pictures side by side."""
    said = {name: text for name, text in locals().items() if name in AXES and text is not None}
    await interaction.response.defer(ephemeral=True, thinking=True)
    named_pictures = (pictures or "").replace(",", " ").split()
    if said or image is not None:
        planned = await _planned(interaction, said, named_pictures, image)
        page = planned_page(planned, common_settings(planned.recipes))
        await whisper(interaction, page, view=confirmation_view(planned.priced))
        return
    if not named_pictures:
        raise NoComparison("none")
    studio, asker = studio_of(interaction), asker_of(interaction)
    await _show(
        interaction, [await named(one, studio, asker) for one in named_pictures[: MOST + 1]]
    )


async def _planned(
    interaction: Interaction,
    said: dict[str, str],
    pictures: Sequence[str],
    image: discord.Attachment | None,
) -> PlannedSheet:
    """The comparison of what is said, priced."""
    if len(pictures) > 1:
        raise NoComparison("pictures")
    studio, origin = studio_of(interaction), origin_of(interaction)
    begun = await _begun(interaction, origin, *pictures)
    words = said.get("prompt") or begun.draft.words.prompt or ""
    if image is not None:
        first = replace(begun, draft=replace(begun.draft, words=DraftWords(prompt=words)))
        begun = await picture_from(image, studio.requests.read(first), studio)
    return await studio.sheets.plan(begun, said, words, apology_for)


async def _begun(interaction: Interaction, origin: Origin, picture: str | None = None) -> Wish:
    """A wish for nothing yet, or for that picture as it is.  Raises Missing."""
    if picture is None:
        return Wish(origin=origin, draft=Draft())
    studio, asker = studio_of(interaction), Asker.of(origin)
    found = await studio.gallery.picture(asker, await named(picture, studio, asker))
    return as_it_was(found, origin)


@app_commands.context_menu(name="Compare")
async def compare_menu(interaction: Interaction, message: discord.Message) -> None:
    """The pictures of the message, the picked one first; one alone with what it was made of."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio, asker = studio_of(interaction), asker_of(interaction)
    shown = await pictures_shown_by(message, interaction.client, studio, asker)
    if not shown:
        raise Missing("message", message.id)
    numbers = meant_by(AskedComparison(numbers=(), places=()), shown, picked_in(message))
    if len(numbers) == 1:
        await whisper(interaction, tr(ALONE))
        return
    await _show(interaction, numbers)


ALONE = mark(
    "That message shows one picture, which was made of no other. `/compare` with "
    "`pictures: #12, #15` puts any of yours side by side."
)


async def _show(interaction: Interaction, numbers: Sequence[PictureId]) -> None:
    """What these are beside each other, for whoever asked."""
    studio = studio_of(interaction)
    compared = await studio.comparisons.side_by_side(asker_of(interaction), numbers)
    limit = interaction.filesize_limit or USUAL_LIMIT
    file = await asyncio.to_thread(side_by_side_file, compared, limit)
    await whisper(interaction, side_by_side_page(compared), files=(file,))
