"""✏️: the words and settings of a picture, to be changed and drawn anew."""

from __future__ import annotations

from typing import Any

import discord

from bot.chat.askers import asker_of, origin_of, studio_of
from bot.chat.buttons.forms.form import DENOISE_ENDS, FormField, form, written_in
from bot.chat.buttons.progress import begin
from bot.languages.speaking import tr
from bot.studio.flagging import in_form
from bot.studio.rewriting import Rewriting, rewritten, written_of
from storage.errors import Missing
from storage.ids import number_in
from storage.pictures import PictureId, StoredPicture
from storage.tickets import Request

Interaction = discord.Interaction[Any]


def edit_form(picture: StoredPicture) -> discord.ui.Modal:
    """The form with all that was said of the picture.  Raises OutOfRange for words too long."""
    before = written_of(picture.recipe)
    return form(
        tr("Picture #{number}", number=picture.id),
        f"atelier:form:edit:{picture.id}",
        (
            FormField(
                name="prompt",
                label=tr("What it shows"),
                value=before.prompt,
                several_lines=True,
                needed=bool(before.prompt),
            ),
            FormField(
                name="negative",
                label=tr("What it must not show"),
                value=before.negative,
                several_lines=True,
            ),
            FormField(
                name="seed",
                label=tr("Seed"),
                hint=tr("The same seed keeps the picture alike; -1 is a fresh one"),
                value=before.seed,
                longest=20,
            ),
            FormField(
                name="size",
                label=tr("Size"),
                hint=tr("768x512, 3:2, or portrait"),
                value=before.size,
            ),
            FormField(
                name="strength",
                label=tr("How much is redrawn ({low} to {high})", **DENOISE_ENDS),
                hint=tr("1 draws from the words alone; less keeps more of the picture"),
                value=before.strength,
                longest=5,
            ),
        ),
    )


async def edited(interaction: Interaction, of: str) -> None:
    """Draw what the form says of a picture."""
    studio, origin = studio_of(interaction), origin_of(interaction)
    typed = written_in(interaction)
    after = Rewriting(
        **{name: typed.get(name, "").strip() for name in Rewriting.__dataclass_fields__}
    )

    async def asking() -> Request:
        number = number_in(of)
        if number is None:
            raise Missing("picture", of)
        picture = await studio.gallery.picture(asker_of(interaction), PictureId(number))
        form = in_form(after, written_of(picture.recipe), studio.offers)
        return await studio.requests.submit(rewritten(picture, form, origin))

    await begin(interaction, asking)
