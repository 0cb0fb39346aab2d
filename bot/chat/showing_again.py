"""A picture that there is, shown once more, and taken away again with the result that it is of.

Invariant: a message that shows a picture once more is remembered for it, so that a reply to it is
about that picture, and whoever deletes the picture deletes the message.
"""

from __future__ import annotations

import asyncio
import contextlib

import discord

from bot.chat.saying import say
from bot.chat.uploads import USUAL_LIMIT, fitting
from bot.studio.rights import Asker
from bot.studio.studio import Studio
from generation.media.table import medium_of
from storage.pictures import PictureId
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
    limit = getattr(message.guild, "filesize_limit", USUAL_LIMIT)
    [file] = await asyncio.to_thread(fitting, [data], [number], [medium_of(picture.recipe)], limit)
    with studio.messages.answering(picture.request) as note:
        posted = await say(message, text, view=view, file=file)
        if posted is not None:
            await note(posted.id)
            await studio.changes.note_shown(
                asker, number, message=posted.id, channel=posted.channel.id
            )


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
