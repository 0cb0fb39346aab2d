"""A button about one picture of a result.

    atelier:<action>:<request>:<picture>    that picture of the request
    atelier:<action>:<request>              all of them, or the first, as results had it at first

Invariant: a number counts only for a picture of the request, and the request only in a message that
is known for it (`bot.chat.components`).
"""

from __future__ import annotations

import re
from typing import Any, Self

import discord

from bot.chat.askers import asker_of
from bot.chat.buttons.request_button import RequestButton
from bot.chat.components import request_in
from bot.studio.studio import Studio
from storage.errors import Missing
from storage.ids import number_in
from storage.pictures import PictureId, StoredPicture
from storage.tickets import RequestId

Interaction = discord.Interaction[Any]

NUMBERS = r"(?P<request>[^:]*)(?::(?P<picture>.*))?"


class PictureButton(RequestButton, template=r"atelier:$"):
    """A button about a picture of a request; None: about the request as a whole."""

    def __init__(self, request: RequestId, picture: PictureId | None = None) -> None:
        super().__init__(request)
        self.picture = picture
        if picture is not None:
            self.custom_id = f"atelier:{self.action}:{request}:{picture}"

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button as it was pressed."""
        return cls(request_in(match["request"]), picture_in(match["picture"]))

    async def shown(self, interaction: Interaction, studio: Studio) -> StoredPicture:
        """The picture that is meant, the first where none is named.  Raises Missing."""
        asker = asker_of(interaction)
        return picture_of(
            await studio.gallery.of_request(asker, self.request), self.request, self.picture
        )


def picture_in(text: str | None) -> PictureId | None:
    """The picture that a part of a custom id names; 0, which is none, for what is no number."""
    return None if text is None else PictureId(number_in(text) or 0)


def picture_of(
    pictures: tuple[StoredPicture, ...], request: RequestId, number: PictureId | None
) -> StoredPicture:
    """Of a request's pictures the one of that number, or the first.  Raises Missing."""
    for picture in pictures:
        if number is None or picture.id == number:
            return picture
    raise Missing("request", request)
