"""A button about one request: what every one of them has, and where a press that fails ends."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Self

import discord

from bot.chat.askers import check_welcome, studio_of
from bot.chat.components import check_pressed, request_in
from bot.chat.readers import SpeaksToPresser
from bot.chat.refusals import apologise
from bot.languages.speaking import tr
from bot.studio.studio import Studio
from storage.tickets import RequestId

Interaction = discord.Interaction[Any]


class RequestButton(
    SpeaksToPresser, discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"atelier:$"
):
    """A button about one request.  Subclasses say what it does."""

    label: ClassVar[str]
    emoji: ClassVar[str]
    action: ClassVar[str]
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init__(self, request: RequestId) -> None:
        super().__init__(
            discord.ui.Button(
                label=tr(self.label),
                emoji=self.emoji,
                style=self.style,
                custom_id=f"atelier:{self.action}:{request}",
            )
        )
        self.request = request

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button as it was pressed."""
        return cls(request_in(match["request"]))

    async def callback(self, interaction: Interaction) -> None:
        """Do it, or say why not."""
        await heard(interaction, self.request, self.press)

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """What the button does."""
        raise NotImplementedError


async def heard(
    interaction: Interaction,
    request: RequestId,
    press: Callable[[Interaction, Studio], Awaitable[None]],
) -> None:
    """Do what a component about a request was used for, or say why not."""
    try:
        studio = studio_of(interaction)
        check_welcome(interaction)
        await check_pressed(interaction, studio, request)
        await press(interaction, studio)
    except Exception as error:
        await apologise(interaction, error)
