"""Which request and which pictures one of our messages shows, read from its buttons."""

from __future__ import annotations

import contextlib
import re

import discord

from bot.chat.components import is_ours, request_in
from bot.studio.rights import Asker
from bot.studio.studio import Studio
from storage.errors import Missing
from storage.ids import number_in
from storage.pictures import PictureId, StoredPicture
from storage.tickets import RequestId

_OURS = re.compile(r"atelier:again:([0-9]+)")

_PROGRESS = re.compile(r"atelier:cancel:([0-9]+)")


async def pictures_shown_by(
    message: discord.Message, client: discord.Client, studio: Studio, asker: Asker
) -> tuple[StoredPicture, ...]:
    """The pictures of ours that a message shows, in their order, as the asker may see them."""
    if not is_ours(message, client):
        return ()
    noted = await studio.gallery.in_message(asker, message.id)
    request = request_shown_by(message)
    if noted or request is None:
        return noted
    # It was posted a moment ago, and which message it is has not been noted yet.
    with contextlib.suppress(Missing):
        await studio.messages.check(request, [message.id], channel=message.channel.id)
        return await studio.gallery.of_request(asker, request)
    return ()


def request_shown_by(message: discord.Message) -> RequestId | None:
    """The request whose result this message is, read from its buttons."""
    return _named(message, _OURS)


def picked_in(message: discord.Message) -> PictureId | None:
    """The number of the picture that is picked in a result of several."""
    for row in message.components:
        for component in getattr(row, "children", ()):
            if isinstance(component, discord.SelectMenu):
                chosen = [option.value for option in component.options if option.default]
                number = number_in(chosen[0]) if len(chosen) == 1 else None
                return PictureId(number) if number is not None else None
    return None


def progress_in(message: discord.Message) -> RequestId | None:
    """The request whose progress this message shows, read from its button."""
    return _named(message, _PROGRESS)


def _named(message: discord.Message, pattern: re.Pattern[str]) -> RequestId | None:
    for row in message.components:
        for component in getattr(row, "children", ()):
            if match := pattern.fullmatch(getattr(component, "custom_id", None) or ""):
                return request_in(match[1])
    return None
