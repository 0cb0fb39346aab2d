"""The buttons.  Each carries only an id; everything else is in the database.

    atelier:again:<request>      🎲  the same wish, other seeds
    atelier:recipe:<request>     📄  what decides the pixels, to read and copy
    atelier:reproduce:<request>  ♻️  draw it again and compare
    atelier:delete:<request>     🗑  take the message and the files away
    atelier:undo:<request>       ↩️  bring back what was deleted less than a minute ago
    atelier:words:<request>      ✨  the same wish and seeds, other words for it
    atelier:styles:<request>     🎨  the same wish, seeds and wording in another style
    atelier:own:<request>        💬  the same seeds, the person's own words only
    atelier:cancel:<request>     ✋  on a progress message
    atelier:queue                🔄  the waiting line once more, in the same place

So a button works for ever: after a restart, an update, or a year; and only where the database knows
the message for its request (`bot.chat.components`).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import discord

from bot.chat.answers import (
    SILENT,
    apologise,
    asker_of,
    begin,
    place_of,
    studio_of,
    whisper,
    whisper_about,
    whisper_recipes,
)
from bot.chat.components import check_pressed, is_ours, request_in
from bot.pages import replies
from bot.pages.device import called
from bot.pages.queue_page import Reader, queue_page
from bot.pages.style_menus import StyleList, menus, question, taught
from bot.pages.whereabouts import held_page, with_lines
from bot.studio.rights import Asker
from bot.studio.studio import Studio
from prompting.speaking.styles import Style
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
    line: ClassVar[int] = 0  # of the message's buttons

    def __init__(self, request: RequestId) -> None:
        super().__init__(
            discord.ui.Button(
                label=self.label,
                emoji=self.emoji,
                style=self.style,
                custom_id=f"atelier:{self.action}:{request}",
            ),
            row=self.line,
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
        try:
            studio = studio_of(interaction)
            await check_pressed(interaction, studio, self.request)
            await self.press(interaction, studio)
        except Exception as error:
            await apologise(interaction, error)

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """What the button does."""
        raise NotImplementedError


class Again(RequestButton, template=r"atelier:again:(?P<request>.*)"):
    """🎲"""

    label, emoji, action = "Again", "🎲", "again"
    style = discord.ButtonStyle.primary

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """The same wish, other seeds."""

        async def asking() -> Request:
            return await studio.requests.again(self.request, place_of(interaction))

        await begin(interaction, asking, progress_view)


class RecipeOf(RequestButton, template=r"atelier:recipe:(?P<request>.*)"):
    """📄"""

    label, emoji, action = "Recipe", "📄", "recipe"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """What decides the pixels, for the one who asks."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        pictures = await studio.gallery.of_request(asker_of(interaction), self.request)
        if not pictures:
            raise Missing("request", self.request)
        await whisper_recipes(interaction, pictures)


class Reproduce(RequestButton, template=r"atelier:reproduce:(?P<request>.*)"):
    """♻️"""

    label, emoji, action = "Reproduce", "♻️", "reproduce"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Draw the first picture again and compare."""
        place = place_of(interaction)

        async def asking() -> Request:
            pictures = await studio.gallery.of_request(place.asker, self.request)
            if not pictures:
                raise Missing("request", self.request)
            return await studio.requests.reproduce(pictures[0].id, place)

        await begin(interaction, asking, progress_view)


class Delete(RequestButton, template=r"atelier:delete:(?P<request>.*)"):
    """🗑"""

    label, emoji, action = "Delete", "🗑️", "delete"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Take the message away, and the files in a minute; the recipe stays."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        until = await studio.gallery.delete(asker_of(interaction), self.request)
        if interaction.message is not None:
            with contextlib.suppress(discord.NotFound):  # somebody was faster
                await interaction.message.delete()
        if until is None:
            await whisper(interaction, replies.DELETED_BEFORE)
            return
        await whisper_about(
            interaction, self.request, replies.deleted(until), undo_view(self.request)
        )


class Undo(RequestButton, template=r"atelier:undo:(?P<request>.*)"):
    """↩️"""

    label, emoji, action = "Undo", "↩️", "undo"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Bring back what the same person has just deleted."""
        await interaction.response.defer()
        await studio.gallery.restore(asker_of(interaction), self.request)
        await interaction.edit_original_response(content=replies.RESTORED, view=None)


class CancelButton(RequestButton, template=r"atelier:cancel:(?P<request>.*)"):
    """✋"""

    label, emoji, action = "Cancel", "✋", "cancel"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """End the request."""
        await interaction.response.defer()
        message = interaction.message
        open_ = await studio.requests.cancel(self.request, by=asker_of(interaction))
        if not open_ and message is not None and not message.flags.ephemeral:
            # It was left behind by a crash or a refusal; now it ends as the request did.
            await studio.messages.say_progress_is(self.request, message.id)


class NewWords(RequestButton, template=r"atelier:words:(?P<request>.*)"):
    """✨"""

    label, emoji, action = "New wording", "✨", "words"
    line = 1

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """The same wish and seeds, other words for it."""

        async def asking() -> Request:
            return await studio.requests.reword(self.request, place_of(interaction))

        await begin(interaction, asking, progress_view)


class OtherStyle(RequestButton, template=r"atelier:styles:(?P<request>.*)"):
    """🎨"""

    label, emoji, action = "Style", "🎨", "styles"
    line = 1

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Offer the styles to the one who asks."""
        drawn = await studio.gallery.of_request(asker_of(interaction), self.request)
        family = drawn[0].recipe.family if drawn else ""
        view = styles_view(self.request, tuple(studio.drafting.styles.values()), family)
        await whisper_about(interaction, self.request, question(family), view)


class OwnWords(RequestButton, template=r"atelier:own:(?P<request>.*)"):
    """💬"""

    label, emoji, action = "My words only", "💬", "own"
    line = 1

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """The same seeds, the person's own words unchanged."""

        async def asking() -> Request:
            return await studio.requests.reword(self.request, place_of(interaction), own=True)

        await begin(interaction, asking, progress_view)


class StyleMenu(
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
                        label=style.en[:100],
                        value=style.key,
                        description=style.zh[:100],
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
        """Draw in the chosen style."""
        try:
            studio, chosen = studio_of(interaction), self.item.values[0]
            await check_pressed(interaction, studio, self.request)

            async def asking() -> Request:
                return await studio.requests.reword(
                    self.request, place_of(interaction), style=chosen
                )

            await begin(interaction, asking, progress_view)
        except Exception as error:
            await apologise(interaction, error)


class LookAgain(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"atelier:queue"):
    """🔄"""

    def __init__(self) -> None:
        super().__init__(
            discord.ui.Button(label="Look again", emoji="🔄", custom_id="atelier:queue")
        )

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], ___: re.Match[str], /
    ) -> Self:
        """The button as it was pressed."""
        return cls()

    async def callback(self, interaction: Interaction) -> None:
        """Show the line as it is now."""
        try:
            message, page = interaction.message, await queue_text(interaction)
            if message is None or not message.flags.ephemeral:
                # Others would read the words of the one who asks.
                await whisper(interaction, page, view=queue_view())
                return
            await interaction.response.edit_message(
                content=page, view=queue_view(), allowed_mentions=SILENT
            )
        except Exception as error:
            await apologise(interaction, error)


class Unheard(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=(
        r"atelier:(?!(?:again|recipe|reproduce|delete|undo|words|styles|own|cancel):|style:[^:]*:"
        r"|(?:queue|help)$).*"
    ),
):
    """A component of no release of ours, or of one that is forgotten."""

    def __init__(self, custom_id: str) -> None:
        super().__init__(discord.ui.Button(label="?", custom_id=custom_id))

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The component as it was pressed."""
        return cls(match[0])

    async def callback(self, interaction: Interaction) -> None:
        """Say so."""
        await apologise(interaction, Missing("component", self.custom_id))


BUTTONS: tuple[type[RequestButton | StyleMenu | LookAgain | Unheard], ...] = (
    LookAgain,
    Again,
    RecipeOf,
    Reproduce,
    Delete,
    Undo,
    NewWords,
    OtherStyle,
    OwnWords,
    StyleMenu,
    CancelButton,
    Unheard,
)

_OURS = re.compile(r"atelier:again:([0-9]+)")
_PROGRESS = re.compile(r"atelier:cancel:([0-9]+)")


def result_view(request: RequestId, *, worded: bool = False) -> discord.ui.View:
    """The buttons under a result; `worded` when other words than the person's were drawn."""
    view = discord.ui.View(timeout=None)
    for button in (Again, RecipeOf, Reproduce, Delete):
        view.add_item(button(request))
    for button in (NewWords, OtherStyle, *((OwnWords,) if worded else ())):
        view.add_item(button(request))
    return view


async def queue_text(interaction: Interaction) -> str:
    """The waiting line, for the one who asks, and what of theirs is done and has no place."""
    studio = studio_of(interaction)
    device = called(studio.device.name)
    reader = Reader(id=interaction.user.id, guild=interaction.guild_id, device=device)
    page = queue_page(studio.open_requests.standings(), reader)
    return with_lines(page, below=held_page(await studio.delivery.held_of(interaction.user.id)))


def queue_view() -> discord.ui.View:
    """The button under the waiting line."""
    view = discord.ui.View(timeout=None)
    view.add_item(LookAgain())
    return view


def failure_view(request: RequestId) -> discord.ui.View:
    """The button under a result without a picture; it also tells later whose result it is."""
    view = discord.ui.View(timeout=None)
    view.add_item(Again(request))
    return view


def styles_view(request: RequestId, styles: Sequence[Style], family: str) -> discord.ui.View:
    """The styles in menus, as many as fit into a message."""
    view = discord.ui.View(timeout=None)
    for page, shown in enumerate(menus(styles, family)):
        view.add_item(StyleMenu(request, page, shown, family))
    return view


def undo_view(request: RequestId) -> discord.ui.View:
    """The button under the answer to whoever has deleted something."""
    view = discord.ui.View(timeout=None)
    view.add_item(Undo(request))
    return view


def progress_view(request: int) -> discord.ui.View:
    """The button under a progress message."""
    view = discord.ui.View(timeout=None)
    view.add_item(CancelButton(RequestId(request)))
    return view


async def pictures_shown_by(
    message: discord.Message, client: discord.Client, studio: Studio, asker: Asker
) -> tuple[StoredPicture, ...]:
    """The pictures of ours that a message shows, in their order, as the asker may see them."""
    if not is_ours(message, client):
        return ()
    noted = await studio.gallery.in_message(asker, message.id)
    request = request_shown_by(message)
    if noted or request is None:
        return noted
    # It was posted a moment ago, and which message it is has not been noted yet.
    with contextlib.suppress(Missing):
        await studio.messages.check(request, [message.id], channel=message.channel.id)
        return await studio.gallery.of_request(asker, request)
    return ()


def request_shown_by(message: discord.Message) -> RequestId | None:
    """The request whose result this message is, read from its buttons."""
    return _named(message, _OURS)


def progress_in(message: discord.Message) -> RequestId | None:
    """The request whose progress this message shows, read from its button."""
    return _named(message, _PROGRESS)


def _named(message: discord.Message, pattern: re.Pattern[str]) -> RequestId | None:
    for row in message.components:
        for component in getattr(row, "children", ()):
            if match := pattern.fullmatch(getattr(component, "custom_id", None) or ""):
                return request_in(match[1])
    return None
