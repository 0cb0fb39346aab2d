"""Progress: a request from when it is accepted, and the button that ends it.

begin(interaction, asking)     submit, then show the progress to all

Invariant: nothing public is said before the wish is accepted; what is refused is seen by the asker
alone (`bot.chat.refusals`).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import discord

from bot.chat.answers import SILENT, accepted, now, whisper, whisper_about
from bot.chat.askers import ChatHost, asker_of, is_private, studio_of
from bot.chat.buttons.request_button import RequestButton
from bot.chat.places import check_place
from bot.languages.speaking import mark
from bot.pages import replies
from bot.studio.studio import Studio
from storage.tickets import Request, RequestId

log = logging.getLogger(__name__)

Interaction = discord.Interaction[Any]


async def begin(
    interaction: Interaction, asking: Callable[[], Coroutine[Any, Any, Request]]
) -> None:
    """Submit, and show the progress to all once the wish is accepted."""
    if not is_private(interaction):
        check_place(interaction)
    studio = studio_of(interaction)
    request = await accepted(interaction, asking())
    host: ChatHost = interaction.client
    host.remember_answer(request.id, interaction)
    if request.origin.private:
        await _show_alone(interaction, request.id)
        return
    message = await _show(interaction, request.id, progress_text(studio, request.id))
    if message is not None:
        await studio.messages.say_progress_is(request.id, message.id)


def progress_text(studio: Studio, request: RequestId) -> str:
    """How a request stands that has just been queued."""
    standing = studio.open_requests.standing(request)
    return replies.progress(standing, now()) if standing else "🖼️"


async def _show_alone(interaction: Interaction, request: RequestId) -> None:
    """The progress of a request for the one who asks; there its result will be."""
    studio = studio_of(interaction)
    text, view = progress_text(studio, request), progress_view(request)
    with studio.messages.answering(request):
        shown = await whisper(interaction, text, view=view)
        await studio.messages.say_progress_is(request, shown)


async def _show(
    interaction: Interaction, request: RequestId, text: str
) -> discord.PartialMessage | None:
    """The progress of a request where all see it: the answer, or an ordinary message."""
    view = progress_view(request)
    channel: discord.PartialMessageable = interaction.client.get_partial_messageable(
        interaction.channel_id or 0, guild_id=interaction.guild_id
    )
    if not interaction.response.is_done():
        # The request is queued: whatever is wrong with the answer, an ordinary message does.
        with contextlib.suppress(discord.HTTPException):
            sent = await interaction.response.send_message(text, view=view, allowed_mentions=SILENT)
            return channel.get_partial_message(sent.message_id or 0)
    answered = interaction.message
    if _changes_its_message(interaction) and answered and not answered.flags.ephemeral:
        with contextlib.suppress(discord.HTTPException):
            await interaction.edit_original_response(
                content=text, view=view, allowed_mentions=SILENT
            )
            return channel.get_partial_message(answered.id)
    try:
        posted = await channel.send(text, view=view, allowed_mentions=SILENT)
    except discord.HTTPException as error:
        log.warning("progress is shown to the asker alone: %s", error)
        with contextlib.suppress(discord.HTTPException):
            await whisper_about(interaction, request, text, view)
        return None
    with contextlib.suppress(discord.HTTPException):
        if not _changes_its_message(interaction):
            await interaction.delete_original_response()
    return channel.get_partial_message(posted.id)


def _changes_its_message(interaction: Interaction) -> bool:
    """Whether a button was acknowledged without an answer of its own."""
    return interaction.response.type is discord.InteractionResponseType.deferred_message_update


class CancelButton(RequestButton, template=r"atelier:cancel:(?P<request>.*)"):
    """✋, under a progress message."""

    label, emoji, action = mark("Cancel"), "✋", "cancel"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """End the request."""
        await interaction.response.defer()
        message = interaction.message
        open_ = await studio.requests.cancel(self.request, by=asker_of(interaction))
        if not open_ and message is not None and not message.flags.ephemeral:
            # It was left behind by a crash or a refusal; now it ends as the request did.
            await studio.messages.say_progress_is(self.request, message.id)


def progress_view(request: RequestId) -> discord.ui.View:
    """The button under a progress message."""
    view = discord.ui.View(timeout=None)
    view.add_item(CancelButton(request))
    return view
