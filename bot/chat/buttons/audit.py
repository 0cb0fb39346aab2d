"""The buttons under a page of /server audit."""

from __future__ import annotations

import re
from typing import Any, Self

import discord

from bot.chat.answers import SILENT
from bot.chat.askers import is_admin, studio_of
from bot.chat.readers import SpeaksToPresser
from bot.chat.refusals import AdminsOnly, apologise
from bot.pages.server_pages import PAGE, audit_page
from storage.ids import number_in

Interaction = discord.Interaction[Any]


class AuditPage(
    SpeaksToPresser,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"atelier:audit:(?P<page>[0-9]+)",
):
    """Another page of the server's log, for an admin."""

    def __init__(self, page: int, sign: str = "•", *, possible: bool = True) -> None:
        super().__init__(
            discord.ui.Button(
                emoji=sign if sign != "•" else None,
                label="•" if sign == "•" else None,
                custom_id=f"atelier:audit:{page}",
                disabled=not possible,
            )
        )
        self.page = page

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button as it was pressed."""
        return cls(number_in(match["page"]) or 0)

    async def callback(self, interaction: Interaction) -> None:
        """Show that page, or say why not."""
        try:
            if not is_admin(interaction):
                raise AdminsOnly
            text, number, pages = await shown_page(interaction, self.page)
            await interaction.response.edit_message(
                content=text, view=audit_view(number, pages), allowed_mentions=SILENT
            )
        except Exception as error:
            await apologise(interaction, error)


async def shown_page(interaction: Interaction, page: int) -> tuple[str, int, int]:
    """The text of that page, or of the last one, its number, and how many there are."""
    servers, guild = studio_of(interaction).servers, interaction.guild_id or 0
    lines, count = await servers.log(guild, page, PAGE)
    pages = max(-(-count // PAGE), 1)
    if page >= pages:
        page = pages - 1
        lines, count = await servers.log(guild, page, PAGE)
    return audit_page(lines, page, count), page, pages


def audit_view(page: int, pages: int) -> discord.ui.View:
    """To the newer lines, and to the older ones."""
    view = discord.ui.View(timeout=None)
    view.add_item(AuditPage(max(page - 1, 0), "◀️", possible=page > 0))
    view.add_item(AuditPage(page + 1, "▶️", possible=page + 1 < pages))
    return view
