"""Yes and no, under what something costs; both are heard after a restart, from whoever was asked.

    atelier:yes:<number>    draw what was priced under that number
    atelier:no:<number>     forget it

Invariant: where there is no room for it now, the page keeps its buttons, and nothing of it is lost.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

import discord

from bot.chat.askers import origin_of, studio_of
from bot.chat.buttons.progress import begin
from bot.chat.components import is_ours
from bot.chat.readers import SpeaksToPresser
from bot.chat.refusals import apologise
from bot.languages.speaking import mark, tr
from bot.studio.confirming import Priced
from bot.studio.quotas import QuotaSpent
from bot.studio.servers import Resting
from generation.job import UserId
from generation.queue.fair_queue import QueueFull
from storage.errors import AskedBefore, Missing
from storage.ids import number_in

Interaction = discord.Interaction[Any]

QUEUED = mark("They are queued.")
NOTHING_QUEUED = mark("Nothing was queued.")


class YesOrNo(
    SpeaksToPresser, discord.ui.DynamicItem[discord.ui.Button[Any]], template="atelier:$"
):
    """A button of such a page.  Subclasses say how it looks and what it does."""

    label: ClassVar[str]
    action: ClassVar[str]
    emoji: ClassVar[str | None] = None
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init__(self, number: int) -> None:
        super().__init__(
            discord.ui.Button(
                label=tr(self.label),
                emoji=self.emoji,
                style=self.style,
                custom_id=f"atelier:{self.action}:{number}",
            )
        )
        self.number = number

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button as it was pressed."""
        return cls(number_in(match["number"]) or 0)

    async def callback(self, interaction: Interaction) -> None:
        """Do it, or say why not."""
        try:
            if interaction.message is None or not is_ours(interaction.message, interaction.client):
                raise Missing("question", self.number)
            await self.press(interaction)
        except Exception as error:
            await apologise(interaction, error)

    async def press(self, interaction: Interaction) -> None:
        """What the button does."""
        raise NotImplementedError


class Yes(YesOrNo, template=r"atelier:yes:(?P<number>.*)"):
    """🖌️, under what is to be confirmed."""

    label, emoji, action = mark("Draw all"), "🖌️", "yes"
    style = discord.ButtonStyle.primary

    async def press(self, interaction: Interaction) -> None:
        """Queue all of it, as one request."""
        asked, origin = studio_of(interaction).confirming, origin_of(interaction)
        await interaction.response.defer()
        try:
            await begin(interaction, lambda: asked.confirm(self.number, origin))
        except (QueueFull, QuotaSpent, Resting):
            raise  # later there may be room
        except AskedBefore:
            pass  # pressed twice
        except Exception:
            await interaction.edit_original_response(content=tr(NOTHING_QUEUED), view=None)
            raise
        await interaction.edit_original_response(content=tr(QUEUED), view=None)


class No(YesOrNo, template=r"atelier:no:(?P<number>.*)"):
    """The other one."""

    label, action = mark("No"), "no"

    async def press(self, interaction: Interaction) -> None:
        """Forget it."""
        person = UserId(interaction.user.id)
        await studio_of(interaction).confirming.decline(self.number, person)
        await interaction.response.edit_message(content=tr(NOTHING_QUEUED), view=None)


def confirmation_view(priced: Priced) -> discord.ui.View:
    """The buttons under what it costs."""
    view = discord.ui.View(timeout=None)
    view.add_item(Yes(priced.number))
    view.add_item(No(priced.number))
    return view
