"""Saying something in the channel to whoever wrote a message there, or to them alone.

Invariant: what cannot be said where it was asked is said to the author, or shown by a sign.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import discord

from bot.chat.answers import SILENT
from bot.chat.places import READ_HISTORY, lacking
from bot.chat.uploads import Attached
from bot.languages.speaking import tr
from bot.pages.whereabouts import permissions

log = logging.getLogger(__name__)


async def say(
    message: discord.Message,
    text: str,
    view: discord.ui.View | None = None,
    files: Attached = (),
) -> discord.Message | None:
    """Answer a message: with a reference, else without, else its author alone."""
    parts: dict[str, Any] = {"allowed_mentions": SILENT} | ({"view": view} if view else {})
    reference = message.to_reference(fail_if_not_exists=False)
    try:
        if READ_HISTORY not in lacking(message.channel):
            with contextlib.suppress(discord.Forbidden, discord.NotFound):
                return await message.channel.send(
                    text, reference=reference, **parts, **_attached(files)
                )
        return await message.channel.send(text, **parts, **_attached(files))
    except discord.HTTPException as error:
        log.warning("not answered in channel %d: %s", message.channel.id, error)
    if view is None:
        where = f"<#{message.channel.id}>"
        await say_alone(
            message, tr("About your message in {where}: {text}", where=where, text=text)
        )
    return None


def _attached(files: Attached) -> dict[str, Any]:
    """The files as discord.py sends them, once."""
    sent = [discord.File(io.BytesIO(data), filename=name) for name, data in files]
    return {"files": sent} if sent else {}


async def say_elsewhere(message: discord.Message, missing: Sequence[str]) -> None:
    """Where not even words can be posted: to the author alone, or with a sign."""
    names = permissions(missing)
    where = f"<#{message.channel.id}>"
    await say_alone(
        message,
        tr(
            "You asked me for a picture in {where}, but I lack {permissions} there, so I drew "
            "nothing. A moderator can grant that.",
            where=where,
            permissions=names,
        ),
    )


async def say_alone(message: discord.Message, text: str) -> None:
    try:
        await message.author.send(text, allowed_mentions=SILENT)
    except discord.HTTPException:
        with contextlib.suppress(discord.HTTPException):
            await message.add_reaction("🔇")


@contextlib.asynccontextmanager
async def typing_in(channel: discord.abc.Messageable) -> AsyncIterator[None]:
    """A courtesy: the wish does not depend on it."""
    async with contextlib.AsyncExitStack() as stack:
        with contextlib.suppress(discord.HTTPException):
            await stack.enter_async_context(channel.typing())
        yield
