"""A picture that there is, shown once more, and taken away again with the result that it is of.

Invariant: a message that shows a picture once more is remembered for it, so that a reply to it is
about that picture, and whoever deletes the picture deletes the message.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import discord

from bot.chat.answers import whisper_about
from bot.chat.askers import asker_of, studio_of
from bot.chat.saying import say
from bot.chat.uploads import USUAL_LIMIT, Attached, beside, fitting
from bot.pages.picture_page import picture_page
from bot.studio.rights import Asker
from bot.studio.studio import Studio
from generation.media.table import medium_of
from storage.errors import Missing
from storage.pictures import PictureId, StoredPicture
from storage.tickets import RequestId


async def show_again(
    message: discord.Message,
    number: PictureId,
    text: str,
    view: discord.ui.View,
    studio: Studio,
    asker: Asker,
) -> None:
    """Show a picture in answer to a message.  Raises Missing."""
    picture, data = await studio.changes.shown_again(asker, number)
    if picture.withheld:
        raise Missing("picture", number)  # not where others see it
    limit = getattr(message.guild, "filesize_limit", USUAL_LIMIT)
    files = await asyncio.to_thread(_shown, data, picture, limit)
    with studio.messages.answering(picture.request) as note:
        posted = await say(message, text, view=view, files=files)
        if posted is not None:
            await note(posted.id)
            await studio.changes.note_shown(
                asker, number, message=posted.id, channel=posted.channel.id
            )


async def show_alone(
    interaction: discord.Interaction[Any],
    picture: StoredPicture,
    view: discord.ui.View,
    files: Attached,
) -> None:
    """Show a picture and how it came about, with these buttons, to the one who asks.

    They were promised an answer.
    """
    studio, asker = studio_of(interaction), asker_of(interaction)
    line = await studio.gallery.lineage(asker, picture)
    [stars] = await studio.stars.stars(asker, [picture.id])
    text = picture_page(line, stars=stars, there=bool(files))
    await whisper_about(interaction, picture.request, text, view, files=files)


async def files_of(interaction: discord.Interaction[Any], picture: StoredPicture) -> Attached:
    """The picture's file in a size that can be posted here, and how it looks; () where it is gone.

    The file comes first.
    """
    studio = studio_of(interaction)
    try:
        _, data = await studio.changes.shown_again(asker_of(interaction), picture.id)
    except Missing:
        return ()
    limit = interaction.filesize_limit or USUAL_LIMIT
    return await asyncio.to_thread(_shown, data, picture, limit)


def _shown(data: bytes, picture: StoredPicture, limit: int) -> Attached:
    asked = [data], [picture.id], [medium_of(picture.recipe)], limit
    files = fitting(*asked)
    return (*files, *beside(*asked, files))


async def take_away(
    client: discord.Client,
    message: discord.Message | None,
    request: RequestId,
    studio: Studio,
    asker: Asker,
) -> float | None:
    """Delete a request's pictures, and every message that shows them; `message` is one of ours.

    Returns until when they can be brought back; None: they were deleted before.  Raises NotAllowed.
    """
    shown = await studio.changes.shown_in(asker, request)
    until = await studio.gallery.delete(asker, request)
    # That it shows them may not be noted yet.
    here = {(message.channel.id, message.id)} if message is not None else set()
    for channel, number in sorted(shown | here):
        place = client.get_partial_messageable(channel)
        with contextlib.suppress(discord.HTTPException):  # somebody was faster
            await place.get_partial_message(number).delete()
    return until
