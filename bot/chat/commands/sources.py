"""Which picture a command is about: one of ours by its number or link, or one that is sent."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import discord
from discord.app_commands import Range

from bot.chat.askers import studio_of
from bot.chat.intake import bytes_of
from bot.languages.speaking import mark
from bot.studio.reshaping import Base
from bot.studio.rights import Asker
from bot.studio.studio import Studio
from generation.errors import OutOfRange
from storage.errors import Missing
from storage.ids import number_in
from storage.pictures import PictureId
from storage.requests import Origin

Interaction = discord.Interaction[Any]

Named = Range[str, 1, 200]  # a number, or a link

WHICH = mark("Its number (#12), or the link of its message")
SENT = mark("A picture of your own instead")

NOTHING_NAMED = OutOfRange(
    "picture", "nothing", "a number such as `12`, a message link, or an upload"
)

_LINK = re.compile(r"https?://\S+/channels/\S+/([^/\s]+)/?")


async def named(text: str, studio: Studio, asker: Asker) -> PictureId:
    """The picture that a number or a link means.  Raises OutOfRange, or Missing."""
    if match := _LINK.fullmatch(text.strip()):
        message = number_in(match[1])
        found = await studio.gallery.in_message(asker, message) if message is not None else ()
        if not found:
            raise Missing("message", match[1])
        return found[0].id
    number = number_in(text.strip().removeprefix("#").strip())
    if number is None:
        raise OutOfRange("picture", text, "a number such as `12`, or a message link")
    return PictureId(number)


async def as_private(origin: Origin, number: PictureId, studio: Studio) -> Origin:
    """Where something is asked for of a picture: of what one person alone sees, for them alone.

    Raises Missing.
    """
    picture = await studio.gallery.picture(Asker.of(origin), number)
    alone = origin.guild is not None and await studio.messages.is_for_one(picture.request)
    return replace(origin, private=origin.private or alone)


async def base_of(
    interaction: Interaction,
    origin: Origin,
    picture: str | None,
    image: discord.Attachment | None,
) -> Base:
    """The picture that is named, or else the one that is sent.

    Raises OutOfRange, Missing and BadPicture.
    """
    studio = studio_of(interaction)
    if picture is not None:
        number = await named(picture, studio, Asker.of(origin))
        return await studio.reshapes.of_ours(await as_private(origin, number, studio), number)
    if image is not None:
        async with studio.opening.room():
            return await studio.reshapes.of_upload(origin, await bytes_of(image))
    raise NOTHING_NAMED
