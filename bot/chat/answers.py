"""How the bot answers an interaction: in time, and the asker alone.

accepted(interaction, work)    what work returns, with the asker told in time that it goes on
whisper(interaction, text)     an answer that the asker alone sees

Invariant: Discord lets an answer be public or private once and for ever, so nothing public is said
before the wish is accepted (`bot.chat.buttons.progress`).
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import discord

from bot.chat.askers import asker_of, studio_of
from bot.chat.uploads import Attached
from bot.languages.speaking import tr
from bot.pages import replies
from bot.pages.elsewhere_page import elsewhere
from bot.pages.lineage_page import lineage_page
from bot.pages.recipe_page import recipe_page
from storage.pictures import StoredPicture
from storage.tickets import RequestId

log = logging.getLogger(__name__)

SILENT = discord.AllowedMentions.none()


# Most wishes are accepted or refused within it, and a person does not wonder yet; Discord waits
# three seconds for a first answer.
QUICK_SECONDS = 0.35

T = TypeVar("T")


async def accepted(interaction: discord.Interaction[Any], work: Coroutine[Any, Any, T]) -> T:
    """What the work returns.  Where it takes long, the asker alone sees that it goes on."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=QUICK_SECONDS)
        if not task.done():
            await _say_it_goes_on(interaction)
        return await task
    finally:
        task.cancel()


async def _say_it_goes_on(interaction: discord.Interaction[Any]) -> None:
    # The wish is worth more than this sign of life.
    with contextlib.suppress(discord.HTTPException):
        if not interaction.response.is_done():
            await interaction.response.defer(ephemeral=True, thinking=True)
        if not studio_of(interaction).device.known:
            await interaction.edit_original_response(content=tr(replies.STARTING))


async def whisper(
    interaction: discord.Interaction[Any],
    text: str,
    *,
    view: discord.ui.View | None = None,
    files: Attached = (),
) -> int:
    """Answer the asker alone, or in the answer that was promised.  Returns the message's id."""
    sent_files = [discord.File(io.BytesIO(data), filename=name) for name, data in files]
    shown: dict[str, Any] = {"allowed_mentions": SILENT}
    if not interaction.response.is_done():
        shown |= {"view": view} if view else {}
        sent = await interaction.response.send_message(
            text, files=sent_files, ephemeral=True, **shown
        )
        return sent.message_id or 0
    if interaction.response.type is discord.InteractionResponseType.deferred_channel_message:
        edited = await interaction.edit_original_response(
            content=text, attachments=sent_files, view=view, **shown
        )
        return edited.id
    shown |= {"view": view} if view else {}
    said = await interaction.followup.send(
        text, files=sent_files, ephemeral=True, wait=True, **shown
    )
    return int(said.id)


async def whisper_about(
    interaction: discord.Interaction[Any],
    request: RequestId,
    text: str,
    view: discord.ui.View,
    *,
    files: Attached = (),
) -> None:
    """Answer the asker alone with components about a request."""
    with studio_of(interaction).messages.answering(request) as note:
        await note(await whisper(interaction, text, view=view, files=files))


async def whisper_recipes(
    interaction: discord.Interaction[Any], pictures: Sequence[StoredPicture]
) -> None:
    """What decides the pixels of each and how it came about, for the asker alone.

    The asker was promised an answer.
    """
    studio, asker = studio_of(interaction), asker_of(interaction)
    for picture in pictures:
        text, file = recipe_page(picture)
        lineage = lineage_page(await studio.gallery.lineage(asker, picture))
        if lineage and len(text) + len(lineage) < replies.MAX_CONTENT:
            text, lineage = f"{text}\n{lineage}", ""
        folder = studio.offers.folder_of(picture.recipe.checkpoint) is not None
        told, others = elsewhere(picture, folder=folder)
        if len(text) + len(told) < replies.MAX_CONTENT:
            text, told = f"{text}\n{told}", ""
        named = (*((file,) if file else ()), *others)
        files = [discord.File(io.BytesIO(data), filename=name) for name, data in named]
        parts: dict[str, Any] = {"ephemeral": True, "allowed_mentions": SILENT}
        await interaction.followup.send(text, files=files, **parts)
        for more in filter(None, (told, lineage)):
            await interaction.followup.send(more, **parts)


def now() -> float:
    """The time that Discord's timestamps count from."""
    return datetime.now(UTC).timestamp()
