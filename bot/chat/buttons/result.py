"""The buttons under a result: what can be made of it."""

from __future__ import annotations

from typing import Any

import discord

from bot.chat.answers import whisper_recipes
from bot.chat.askers import asker_of, origin_of
from bot.chat.buttons.deleting import Delete
from bot.chat.buttons.progress import begin
from bot.chat.buttons.request_button import RequestButton
from bot.chat.buttons.styles import OtherStyle
from bot.studio.studio import Studio
from storage.errors import Missing
from storage.tickets import RequestId

Interaction = discord.Interaction[Any]


class Again(RequestButton, template=r"atelier:again:(?P<request>.*)"):
    """🎲, under a result."""

    label, emoji, action = "Again", "🎲", "again"
    style = discord.ButtonStyle.primary

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """The same wish, other seeds."""
        origin = origin_of(interaction)
        await begin(interaction, lambda: studio.requests.again(self.request, origin))


class RecipeOf(RequestButton, template=r"atelier:recipe:(?P<request>.*)"):
    """📄, under a result."""

    label, emoji, action = "Recipe", "📄", "recipe"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """What decides the pixels, for the one who asks."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        pictures = await studio.gallery.of_request(asker_of(interaction), self.request)
        if not pictures:
            raise Missing("request", self.request)
        await whisper_recipes(interaction, pictures)


class Reproduce(RequestButton, template=r"atelier:reproduce:(?P<request>.*)"):
    """♻️, under a result."""

    label, emoji, action = "Reproduce", "♻️", "reproduce"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Draw the first picture again and compare."""
        origin = origin_of(interaction)
        await begin(interaction, lambda: studio.requests.reproduce_first(self.request, origin))


class NewWords(RequestButton, template=r"atelier:words:(?P<request>.*)"):
    """✨, under a result."""

    label, emoji, action = "New wording", "✨", "words"
    line = 1

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """The same wish and seeds, other words for it."""
        origin = origin_of(interaction)
        await begin(interaction, lambda: studio.requests.reword(self.request, origin))


class OwnWords(RequestButton, template=r"atelier:own:(?P<request>.*)"):
    """💬, under a result in other words."""

    label, emoji, action = "My words only", "💬", "own"
    line = 1

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """The same seeds, the person's own words unchanged."""
        origin = origin_of(interaction)
        await begin(interaction, lambda: studio.requests.reword(self.request, origin, own=True))


def result_view(request: RequestId, *, worded: bool = False) -> discord.ui.View:
    """The buttons under a result; `worded` when other words than the person's were drawn."""
    view = discord.ui.View(timeout=None)
    for button in (Again, RecipeOf, Reproduce, Delete):
        view.add_item(button(request))
    for button in (NewWords, OtherStyle, *((OwnWords,) if worded else ())):
        view.add_item(button(request))
    return view


def failure_view(request: RequestId) -> discord.ui.View:
    """The button under a result without a picture; it also tells later whose result it is."""
    view = discord.ui.View(timeout=None)
    view.add_item(Again(request))
    return view
