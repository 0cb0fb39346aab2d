"""Apps, Start from this picture: what it should become, and how much of it is redrawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord

from bot.chat.askers import ChatHost, asker_of, origin_of, studio_of
from bot.chat.buttons.forms.form import FormField, form, number_written, written_in
from bot.chat.buttons.progress import begin
from bot.chat.intake import Attachments, found_in, picture_as_start, started_from
from bot.chat.places import channel_of
from bot.chat.shown import pictures_shown_by
from bot.studio.wishes import Wish
from generation.draft import Draft, DraftSampling, DraftWords
from generation.errors import BadPicture
from generation.families.family import DENOISE_OF_IMAGES
from generation.parameters import DENOISE
from storage.errors import Missing
from storage.ids import number_in
from storage.pictures import StoredPicture
from storage.tickets import Request

Interaction = discord.Interaction[Any]

LONGEST = 1000  # letters of what it should become: about what is read at a glance


def start_form(message: discord.Message, ours: Sequence[StoredPicture]) -> discord.ui.Modal:
    """The form for a message's picture; of several of ours it asks which."""
    fields = [
        FormField(
            name="words",
            label="What should it become?",
            example="make it night",
            several_lines=True,
            needed=True,
            longest=LONGEST,
        ),
        FormField(
            name="denoise",
            label=f"How much is redrawn ({DENOISE.range})",
            value=f"{DENOISE_OF_IMAGES:g}",
            longest=5,
        ),
    ]
    if len(ours) > 1:
        places = [f"Picture {place} of {len(ours)} (#{p.id})" for place, p in enumerate(ours, 1)]
        numbers = [str(picture.id) for picture in ours]
        fields.append(
            FormField(
                name="picture",
                label="Which picture?",
                value=numbers[0],
                choices=tuple(zip(places, numbers, strict=True)),
            )
        )
    return form(
        "Start from this picture", f"atelier:form:start:{message.channel.id}:{message.id}", fields
    )


async def started(interaction: Interaction, of: str) -> None:
    """Draw from the picture of the message that the form was opened from."""
    studio, typed = studio_of(interaction), written_in(interaction)

    async def asking() -> Request:
        draft = Draft(
            words=DraftWords(prompt=typed.get("words", "")),
            sampling=DraftSampling(denoise=number_written("denoise", typed, DENOISE)),
        )
        wish = Wish(origin=origin_of(interaction), draft=draft)
        ours, found = await _in_message(interaction, of)
        for picture in ours:
            if str(picture.id) == typed.get("picture"):
                return await studio.requests.submit(picture_as_start(picture, wish))
        return await studio.requests.submit(await started_from(ours, found, wish, studio))

    await begin(interaction, asking)


async def _in_message(
    interaction: Interaction, of: str
) -> tuple[tuple[StoredPicture, ...], Attachments]:
    """What that message shows now, and what came with it.  Raises BadPicture, or Missing."""
    host: ChatHost = interaction.client
    channel, number = (number_in(text) for text in (*of.split(":"), "")[:2])
    if channel is None or number is None or channel != interaction.channel_id:
        raise Missing("message", of)
    if ours := await host.studio.gallery.in_message(asker_of(interaction), number):
        return ours, Attachments(pictures=(), others=())
    if (seen := host.seen.of(number)) is not None and seen.pictures:
        return (), seen
    try:
        message = await channel_of(interaction.client, channel).fetch_message(number)
    except (discord.NotFound, discord.Forbidden):
        raise BadPicture("that message is gone") from None
    ours = await pictures_shown_by(message, interaction.client, host.studio, asker_of(interaction))
    found = found_in(message)
    if not ours and not found.pictures:
        raise BadPicture("I do not see it any more. Open the form once more, from its menu")
    return ours, found
