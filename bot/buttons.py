"""The buttons.  Each carries only an id; everything else is in the database.

    atelier:again:<request>      🎲  the same wish, other seeds
    atelier:recipe:<request>     📄  what decides the pixels, to read and copy
    atelier:reproduce:<request>  ♻️  draw it again and compare
    atelier:delete:<request>     🗑  take the message and the files away
    atelier:cancel:<request>     ✋  on a progress message

So a button works for ever: after a restart, an update, or a year.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

import discord

from bot import replies
from bot.answers import apologise, begin, is_moderator, place_of, studio_of
from bot.studio import Studio
from storage.errors import Missing
from storage.pictures import StoredPicture
from storage.tickets import Request, RequestId

Interaction = discord.Interaction[Any]


class RequestButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"atelier:$"):
    """A button about one request.  Subclasses say what it does."""

    label: ClassVar[str]
    emoji: ClassVar[str]
    action: ClassVar[str]
    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    def __init__(self, request: RequestId) -> None:
        super().__init__(
            discord.ui.Button(
                label=self.label,
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
        return cls(RequestId(int(match["request"])))

    async def callback(self, interaction: Interaction) -> None:
        """Do it, or say why not."""
        try:
            await self.press(interaction, studio_of(interaction))
        except Exception as error:
            await apologise(interaction, error)

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """What the button does."""
        raise NotImplementedError


class Again(RequestButton, template=r"atelier:again:(?P<request>\d+)"):
    """🎲"""

    label, emoji, action = "Again", "🎲", "again"
    style = discord.ButtonStyle.primary

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """The same wish, other seeds."""

        async def asking() -> Request:
            return await studio.again(self.request, place_of(interaction))

        await begin(interaction, asking, progress_view)


class RecipeOf(RequestButton, template=r"atelier:recipe:(?P<request>\d+)"):
    """📄"""

    label, emoji, action = "Recipe", "📄", "recipe"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """What decides the pixels, for the one who asks."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        pictures = await studio.pictures_of(self.request)
        if not pictures:
            raise Missing("request", self.request)
        pages = [replies.recipe_text(p) for p in pictures]
        for page in pages:
            await interaction.followup.send(page, ephemeral=True)


class Reproduce(RequestButton, template=r"atelier:reproduce:(?P<request>\d+)"):
    """♻️"""

    label, emoji, action = "Reproduce", "♻️", "reproduce"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Draw the first picture again and compare."""
        pictures = await studio.pictures_of(self.request)
        if not pictures:
            raise Missing("request", self.request)

        async def asking() -> Request:
            return await studio.reproduce(pictures[0], place_of(interaction))

        await begin(interaction, asking, progress_view)


class Delete(RequestButton, template=r"atelier:delete:(?P<request>\d+)"):
    """🗑"""

    label, emoji, action = "Delete", "🗑️", "delete"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Take the message and the files away; the recipe stays."""
        await interaction.response.defer()
        await studio.delete(
            self.request, by=interaction.user.id, moderator=is_moderator(interaction)
        )
        if interaction.message is not None:
            await interaction.message.delete()


class CancelButton(RequestButton, template=r"atelier:cancel:(?P<request>\d+)"):
    """✋"""

    label, emoji, action = "Cancel", "✋", "cancel"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """End the request."""
        await interaction.response.defer()
        await studio.cancel(
            self.request, by=interaction.user.id, moderator=is_moderator(interaction)
        )


BUTTONS: tuple[type[RequestButton], ...] = (Again, RecipeOf, Reproduce, Delete, CancelButton)

_OURS = re.compile(r"atelier:again:(\d+)")


def result_view(request: RequestId) -> discord.ui.View:
    """The buttons under a result."""
    view = discord.ui.View(timeout=None)
    for button in (Again, RecipeOf, Reproduce, Delete):
        view.add_item(button(request))
    return view


def progress_view(request: int) -> discord.ui.View:
    """The button under a progress message."""
    view = discord.ui.View(timeout=None)
    view.add_item(CancelButton(RequestId(request)))
    return view


async def pictures_shown_by(message: discord.Message, studio: Studio) -> tuple[StoredPicture, ...]:
    """The pictures of ours that a message shows, in their order."""
    noted = await studio.pictures_in_message(message.id)
    request = request_shown_by(message)
    if noted or request is None:
        return noted
    # It was posted a moment ago, and which message it is has not been noted yet.
    return await studio.pictures_of(request)


def request_shown_by(message: discord.Message) -> RequestId | None:
    """The request whose result this message is, read from its buttons."""
    for row in message.components:
        for component in getattr(row, "children", ()):
            if match := _OURS.fullmatch(getattr(component, "custom_id", None) or ""):
                return RequestId(int(match[1]))
    return None
