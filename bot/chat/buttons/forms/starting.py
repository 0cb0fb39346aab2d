"""Apps, Start from this picture: what it should become, and how much of it is redrawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord

from bot.chat.askers import ChatHost, asker_of, origin_of, studio_of
from bot.chat.buttons.answering import carry_out
from bot.chat.buttons.forms.form import DENOISE_ENDS, FormField, form, number_written, written_in
from bot.chat.intake import Attachments, found_in, started_from
from bot.chat.places import channel_of
from bot.chat.shown import pictures_shown_by
from bot.languages.speaking import tr
from bot.studio.changing import Answer, Underway
from bot.studio.revisor import Reply
from bot.studio.wishes import Wish
from generation.draft import Draft, DraftSampling, DraftWords
from generation.errors import BadPicture
from generation.parameters import DENOISE
from storage.errors import Missing
from storage.ids import number_in
from storage.pictures import StoredPicture

Interaction = discord.Interaction[Any]

LONGEST = 1000  # letters of what it should become: about what is read at a glance


def start_form(message: discord.Message, ours: Sequence[StoredPicture]) -> discord.ui.Modal:
    """The form for a message's picture; of several of ours it asks which."""
    fields = [
        FormField(
            name="words",
            label=tr("What should it become?"),
            example=tr("make it night"),
            several_lines=True,
            needed=True,
            longest=LONGEST,
        ),
        FormField(
            name="denoise",
            label=tr("How much is redrawn ({low} to {high})", **DENOISE_ENDS),
            hint=tr("As it fits the change, when left out"),
            longest=5,
        ),
    ]
    if len(ours) > 1:
        places = [
            tr("Picture {n} of {count} (#{number})", n=place, count=len(ours), number=picture.id)
            for place, picture in enumerate(ours, 1)
        ]
        numbers = [str(picture.id) for picture in ours]
        fields.append(
            FormField(
                name="picture",
                label=tr("Which picture?"),
                value=numbers[0],
                choices=tuple(zip(places, numbers, strict=True)),
            )
        )
    return form(
        tr("Start from this picture"),
        f"atelier:form:start:{message.channel.id}:{message.id}",
        fields,
    )


async def started(interaction: Interaction, of: str) -> None:
    """Change the picture of the message that the form was opened from, as a reply would."""
    studio, origin = studio_of(interaction), origin_of(interaction)
    typed = written_in(interaction)
    words = typed.get("words", "").strip()

    async def asking() -> Sequence[Answer]:
        denoise = number_written("denoise", typed, DENOISE)
        if denoise is not None:
            DENOISE.check(denoise)
        ours, found = await _in_message(interaction, of)
        if ours:
            chosen = [picture for picture in ours if str(picture.id) == typed.get("picture")]
            # In the words that a reply has for it.
            said = words if denoise is None else f"{words} --denoise {denoise:g}"
            return await studio.changes.reply(Reply(origin=origin, words=said), chosen or ours)
        draft = Draft(words=DraftWords(prompt=words), sampling=DraftSampling(denoise=denoise))
        wish = studio.requests.read(Wish(origin=origin, draft=draft))
        wish = await started_from((), found, wish, studio)
        answers = await studio.changes.of_upload(wish)
        if answers is not None:
            return answers
        return (Underway(request=await studio.requests.submit(wish)),)

    await carry_out(interaction, asking)


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
