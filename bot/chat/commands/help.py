"""/help, and the same page for whoever mentions the bot without a wish."""

from __future__ import annotations

from typing import Any, Self

import discord
from discord import app_commands

from bot.chat.answers import SILENT, whisper
from bot.chat.askers import studio_of
from bot.chat.readers import SpeaksToPresser
from bot.chat.refusals import apologise
from bot.languages.speaking import tr
from bot.pages.help_pages import TITLES, Installed, Topic, help_page
from bot.studio.studio import Studio

Interaction = discord.Interaction[Any]


@app_commands.command(name="help", description="What to type first, and what there is here")
@app_commands.describe(topic="A page: what a prompt can hold, the buttons, models, LoRAs, styles")
@app_commands.choices(
    topic=[app_commands.Choice(name=title, value=topic.value) for topic, title in TITLES.items()]
)
async def help_(interaction: Interaction, topic: str | None = None) -> None:
    """A page for the one who asks."""
    chosen = Topic(topic) if topic else Topic.START
    await whisper(
        interaction, help_page(chosen, installed(studio_of(interaction))), view=help_view(chosen)
    )


def installed(studio: Studio) -> Installed:
    """What is installed here."""
    offers = studio.offers
    return Installed(
        models=tuple((entry.name, entry.family) for entry in offers.checkpoints()),
        loras=tuple((entry.name, entry.family) for entry in offers.loras()),
        styles=tuple(offers.styles.values()),
        usual_family=offers.family_of(None).name,
        painter=offers.painter,
    )


class HelpMenu(
    SpeaksToPresser, discord.ui.DynamicItem[discord.ui.Select[Any]], template=r"atelier:help"
):
    """The pages to choose from.  It tells nothing of anybody, so whoever sees it may use it."""

    def __init__(self, shown: Topic = Topic.START) -> None:
        super().__init__(
            discord.ui.Select(
                custom_id="atelier:help",
                placeholder=tr("More help"),
                options=[
                    discord.SelectOption(label=tr(title), value=topic.value, default=topic is shown)
                    for topic, title in TITLES.items()
                ],
            )
        )

    @classmethod
    async def from_custom_id(cls, _: Interaction, __: discord.ui.Item[Any], ___: Any, /) -> Self:
        """The menu as it was used."""
        return cls()

    async def callback(self, interaction: Interaction) -> None:
        """Turn the page; one that all see stays as it is, and the reader gets their own."""
        try:
            chosen = Topic(self.item.values[0])
            page, view = help_page(chosen, installed(studio_of(interaction))), help_view(chosen)
            message = interaction.message
            if message is not None and message.flags.ephemeral:
                await interaction.response.edit_message(
                    content=page, view=view, allowed_mentions=SILENT
                )
            else:
                await whisper(interaction, page, view=view)
        except Exception as error:
            await apologise(interaction, error)


def help_view(shown: Topic) -> discord.ui.View:
    """The menu below a page."""
    view = discord.ui.View(timeout=None)
    view.add_item(HelpMenu(shown))
    return view
