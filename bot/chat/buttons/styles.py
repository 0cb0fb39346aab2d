"""Styles to choose from, for a result that is to be drawn in another one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Self

import discord

from bot.chat.answers import whisper_about
from bot.chat.askers import asker_of, origin_of
from bot.chat.buttons.progress import begin
from bot.chat.buttons.request_button import RequestButton, heard
from bot.chat.components import request_in
from bot.chat.readers import SpeaksToPresser
from bot.languages.speaking import mark
from bot.pages.style_menus import StyleList, called, menus, other_name, question, taught
from bot.studio.studio import Studio
from prompting.speaking.styles import Style
from storage.tickets import RequestId

Interaction = discord.Interaction[Any]


class OtherStyle(RequestButton, template=r"atelier:styles:(?P<request>.*)"):
    """🎨, under a result."""

    label, emoji, action = mark("Style"), "🎨", "styles"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Offer the styles to the one who asks."""
        drawn = await studio.gallery.of_request(asker_of(interaction), self.request)
        family = drawn[0].recipe.family if drawn else ""
        rules = studio.servers.rules(interaction.guild_id)
        styles = [s for s in studio.offers.styles.values() if rules.offers_style(s.name)]
        view = styles_view(self.request, styles, family)
        await whisper_about(interaction, self.request, question(family), view)


class StyleMenu(
    SpeaksToPresser,
    discord.ui.DynamicItem[discord.ui.Select[Any]],
    template=r"atelier:style:(?P<request>[^:]*):(?P<page>.*)",
):
    """A page of styles to choose from."""

    def __init__(
        self, request: RequestId, page: int, shown: StyleList | None = None, family: str = ""
    ) -> None:
        super().__init__(
            discord.ui.Select(
                custom_id=f"atelier:style:{request}:{page}",
                placeholder=shown.heading[:150] if shown else None,
                options=[
                    discord.SelectOption(
                        label=called(style)[:100],
                        value=style.key,
                        description=other_name(style)[:100] or None,
                        emoji="⭐" if taught(style, family) else None,
                    )
                    for style in (shown.styles if shown else ())
                ],
            )
        )
        self.request = request

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The menu as it was used."""
        return cls(request_in(match["request"]), 0)

    async def callback(self, interaction: Interaction) -> None:
        """Draw in the chosen style, or say why not."""
        await heard(interaction, self.request, self._choose)

    async def _choose(self, interaction: Interaction, studio: Studio) -> None:
        origin, style = origin_of(interaction), self.item.values[0]
        await begin(interaction, lambda: studio.requests.reword(self.request, origin, style=style))


def styles_view(request: RequestId, styles: Sequence[Style], family: str) -> discord.ui.View:
    """The styles in menus, as many as fit into a message."""
    view = discord.ui.View(timeout=None)
    for page, shown in enumerate(menus(styles, family)):
        view.add_item(StyleMenu(request, page, shown, family))
    return view
