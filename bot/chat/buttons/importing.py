"""The card of a file that says how a picture was made, and the button that draws it.

The button's id holds the message that the file came with, and the file's number there: it works as
long as that message is there, whatever was restarted since.
"""

from __future__ import annotations

import re
from typing import Any, Self

import discord

from bot.chat.answers import accepted, whisper
from bot.chat.askers import check_welcome, origin_of, studio_of
from bot.chat.buttons.progress import begin
from bot.chat.importing import ReadFile, draws, files_of, read_sent, wish_of
from bot.chat.readers import SpeaksToPresser
from bot.chat.refusals import apologise
from bot.languages.speaking import mark, tr
from bot.studio.importing import Brought
from generation.interchange.imported import NotRead
from storage.tickets import Request

Interaction = discord.Interaction[Any]

SECONDS = 840.0  # the token of an answer lives for 15 minutes
DRAW, DRAW_INSTEAD = mark("Draw it"), mark("Draw it with {model}")
EMOJI = "🖌️"


class DrawImported(
    SpeaksToPresser,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"atelier:import:(?P<message>\d{1,20}):(?P<place>\d{1,2})",
):
    """🖌️, under the card of a file that came with a message."""

    def __init__(self, message: int, place: int, label: str = "") -> None:
        super().__init__(
            discord.ui.Button(
                label=label or tr(DRAW),
                emoji=EMOJI,
                style=discord.ButtonStyle.primary,
                custom_id=f"atelier:import:{message}:{place}",
            )
        )
        self.message, self.place = message, place

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button as it was pressed."""
        return cls(int(match["message"]), int(match["place"]))

    async def callback(self, interaction: Interaction) -> None:
        """Read the file again and draw what it says, or say why not."""
        try:
            check_welcome(interaction)
            await begin(interaction, lambda: self._asking(interaction))
        except Exception as error:
            await apologise(interaction, error)

    async def _asking(self, interaction: Interaction) -> Request:
        channel = interaction.channel_id or 0
        came = await files_of(interaction.client, channel, self.message)
        if self.place >= len(came.files):
            raise NotRead("the message it came with shows it no more")
        studio = studio_of(interaction)
        found = await read_sent(came.files[self.place], studio, interaction.guild_id)
        return await studio.requests.submit(wish_of(found.brought, origin_of(interaction)))


def card_view(message: int, found: ReadFile) -> discord.ui.View | None:
    """The button under a card, where there is something to draw."""
    if not draws(found.brought):
        return None
    view = discord.ui.View(timeout=None)
    view.add_item(DrawImported(message, found.place, _label(found.brought)))
    return view


def _label(found: Brought) -> str:
    if not found.lacks_its_model or found.instead is None:
        return tr(DRAW)
    return tr(DRAW_INSTEAD, model=found.instead.name)[:80]


class BriefCard(SpeaksToPresser, discord.ui.View):
    """The same under an answer to a command, whose file came with no message."""

    def __init__(self, person: int, found: Brought) -> None:
        super().__init__(timeout=SECONDS)
        self._person, self._found = person, found
        button: discord.ui.Button[Any] = discord.ui.Button(
            label=_label(found), emoji=EMOJI, style=discord.ButtonStyle.primary
        )
        button.callback = self._draw  # type: ignore[method-assign]  # discord.py's own way
        self.add_item(button)

    async def _draw(self, interaction: Interaction) -> None:
        """Queue it."""
        try:
            self.stop()
            wish = wish_of(self._found, origin_of(interaction))
            await begin(interaction, lambda: studio_of(interaction).requests.submit(wish))
        except Exception as error:
            await apologise(interaction, error)


async def show_brief(interaction: Interaction, sent: discord.Attachment) -> None:
    """The card of a file that came with a command, for the asker alone.  Raises NotRead."""
    reading = read_sent(sent, studio_of(interaction), interaction.guild_id)
    found = await accepted(interaction, reading)
    view = BriefCard(interaction.user.id, found.brought) if draws(found.brought) else None
    await whisper(interaction, found.page, view=view)
