"""💾: what a picture was drawn with, kept by the name that is written into a form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord

from bot.chat.answers import whisper
from bot.chat.askers import asker_of, origin_of, studio_of
from bot.chat.buttons.forms.form import FormField, form, written_in
from bot.languages.speaking import tr
from bot.pages.preset_pages import saved_page
from bot.studio.presetting import LONGEST_NAME, Whereabouts
from bot.studio.saved_drafts import LONGEST_SUFFIX
from storage.errors import Missing
from storage.ids import number_in
from storage.people import Level
from storage.pictures import PictureId, StoredPicture

Interaction = discord.Interaction[Any]


def preset_form(picture: StoredPicture) -> discord.ui.Modal:
    """The form that asks for a name, and for words that go behind others."""
    fields = [
        FormField(
            name="name",
            label=tr("What to call it"),
            hint=tr("An older one of yours of that name makes room"),
            example=tr("night ink"),
            needed=True,
            longest=LONGEST_NAME,
        ),
        FormField(
            name="suffix",
            label=tr("Words behind those of every picture"),
            hint=tr("None, when left out"),
            longest=LONGEST_SUFFIX,
        ),
    ]
    return form(
        tr("Save #{number} as a preset", number=picture.id),
        f"atelier:form:preset:{picture.id}",
        fields,
    )


async def preset_named(interaction: Interaction, of: str) -> None:
    """Keep it, and tell the one who pressed."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio, typed, number = studio_of(interaction), written_in(interaction), number_in(of)
    if number is None:
        raise Missing("picture", of)
    saved = await studio.presets.of_picture(asker_of(interaction), PictureId(number))
    saved = replace(saved, suffix=typed.get("suffix", "").strip() or None)
    name, there = typed.get("name", ""), Whereabouts.of(origin_of(interaction))
    again = await studio.presets.save(there, name, saved)
    await whisper(interaction, saved_page(name, Level.PERSON, saved, again=again))
