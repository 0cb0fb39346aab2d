"""🖌️: a link to the page on which a person paints what of a picture is to be drawn anew.

Invariant: it stands under results only while the page is served, and its link is for whoever
presses it alone.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import discord

from bot.chat.answers import SILENT, now
from bot.chat.askers import is_private, origin_of, studio_of, visitor_of, web_of
from bot.chat.buttons.picture_button import NUMBERS, PictureButton
from bot.chat.places import check_place
from bot.languages.speaking import tr
from bot.studio.studio import Studio
from bot.web.links import LinkPurpose
from bot.web.painting import SECONDS
from bot.web.server import WebPages
from storage.ids import PictureId

Interaction = discord.Interaction[Any]

LONGEST_ADDRESS = 512  # that a button of Discord's leads to


class PaintMask(PictureButton, template=rf"atelier:paint:{NUMBERS}"):
    """🖌️, under a result."""

    label, emoji, action = "Paint a mask", "🖌️", "paint"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """A link for the one who asks, if the picture may become the start of another."""
        if not is_private(interaction):
            check_place(interaction)
        web = web_of(interaction)
        if web is None:
            await interaction.response.send_message(
                tr(
                    "My page for painting is off at present. `/inpaint` takes a mask as a file, or "
                    "a `region` in words."
                ),
                ephemeral=True,
            )
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        picture = await self.shown(interaction, studio)
        await offer_page(interaction, web, picture.id)


async def offer_page(
    interaction: Interaction, web: WebPages, number: PictureId, words: str = ""
) -> None:
    """The link, in the answer that was promised.  `words`: what shall be there, typed already.

    Raises Missing where the picture may not be started from.
    """
    await studio_of(interaction).reshapes.of_ours(origin_of(interaction), number)
    address = web.link(LinkPurpose.PAINT, visitor_of(interaction), number, seconds=SECONDS)
    # What stands behind the "#" is told to no server.
    with_words = f"{address}#words={quote(words, safe='')}"
    if words and len(with_words) <= LONGEST_ADDRESS:
        address = with_words
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label=tr("Open the page"), emoji="🖌️", url=address))
    await interaction.edit_original_response(
        content=tr(
            "Paint over what is to change in #{number}. The link is yours alone, works once, "
            "and ends {when}.",
            number=number,
            when=f"<t:{int(now() + SECONDS)}:R>",
        ),
        view=view,
        allowed_mentions=SILENT,
    )
