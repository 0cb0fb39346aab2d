"""How the bot answers an interaction: in time, once, and kindly when it failed.

begin(interaction, asking)     defer, submit, become the progress message
apologise(interaction, error)  the one place where a failed command or button ends
place_of(interaction)          who asks, and where the answer belongs
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Protocol

import discord

from bot import replies
from bot.apologies import apology_for, expected
from bot.shares import Person, Tiers
from bot.studio import Studio
from bot.wishes import Place
from generation.job import UserId
from storage.tickets import Request

log = logging.getLogger(__name__)

SILENT = discord.AllowedMentions.none()


class Host(Protocol):
    """What commands and buttons need of the client."""

    @property
    def studio(self) -> Studio: ...

    @property
    def moderator_permission(self) -> str: ...

    @property
    def tiers(self) -> Tiers: ...


def studio_of(interaction: discord.Interaction[Any]) -> Studio:
    """The studio that the client was built with."""
    host: Host = interaction.client
    return host.studio


def place_of(interaction: discord.Interaction[Any]) -> Place:
    """Who asks, and where the answer belongs."""
    host: Host = interaction.client
    return Place(
        owner=UserId(interaction.user.id),
        share=host.tiers.share(person(interaction.user, interaction.guild_id)),
        guild=interaction.guild_id,
        channel=interaction.channel_id or 0,
        reply_to=None,
        locale=str(interaction.locale),
    )


def person(user: discord.User | discord.Member, guild: int | None) -> Person:
    """What decides out of whose part of the device somebody is paid."""
    roles: set[str] = set()
    pending = False
    if isinstance(user, discord.Member):
        roles = {text for role in user.roles for text in (role.name, str(role.id))}
        pending = user.pending
    age = now() - user.created_at.timestamp()
    return Person(guild=guild, roles=roles, account_age=age, pending=pending)


def is_moderator(interaction: discord.Interaction[Any]) -> bool:
    """Whether the person has the permission that the owner chose for moderators."""
    host: Host = interaction.client
    return bool(getattr(interaction.permissions, host.moderator_permission))


class NoPlaceToPost(Exception):
    """The bot lacks permissions in the channel; `missing` are Discord's names for them."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(f"missing permissions: {', '.join(missing)}")
        self.missing = missing


def check_place(interaction: discord.Interaction[Any]) -> None:
    """Raise NoPlaceToPost where a result could not be posted: better said before it is drawn."""
    if interaction.guild_id is None:
        return
    mine = interaction.app_permissions
    thread = isinstance(interaction.channel, discord.Thread)
    needed = {
        "View Channel": mine.view_channel,
        "Send Messages": mine.send_messages_in_threads if thread else mine.send_messages,
        "Attach Files": mine.attach_files,
    }
    if missing := tuple(name for name, there in needed.items() if not there):
        raise NoPlaceToPost(missing)


async def begin(
    interaction: discord.Interaction[Any],
    asking: Callable[[], Coroutine[Any, Any, Request]],
    cancel_view: Callable[[int], discord.ui.View],
) -> None:
    """Acknowledge, submit, and turn the answer into the progress message."""
    if not interaction.response.is_done():
        await interaction.response.defer(thinking=True)
    check_place(interaction)
    studio = studio_of(interaction)
    if not studio.ready:
        await interaction.edit_original_response(content=replies.STARTING)
    request = await asking()
    standing = studio.standing(request.id)
    text = replies.progress(standing, now()) if standing else "🖼️"
    message = await interaction.edit_original_response(
        content=text, view=cancel_view(request.id), allowed_mentions=SILENT
    )
    await studio.say_progress_is(request.id, message.id)
    if studio.standing(request.id) is None:
        # It was finished before its progress could be shown.
        with contextlib.suppress(discord.HTTPException):
            await message.delete()


async def apologise(interaction: discord.Interaction[Any], error: BaseException) -> None:
    """Tell the person in one sentence; the log has the cause."""
    while isinstance(error, discord.app_commands.CommandInvokeError):
        error = error.original
    if expected(error) or isinstance(error, NoPlaceToPost):
        log.info("declined: %s", error)
    else:
        log.error("an interaction failed", exc_info=error)
    text = _platform_apology(error) or apology_for(error)
    with contextlib.suppress(discord.HTTPException):
        if not interaction.response.is_done():
            await interaction.response.send_message(text, ephemeral=True, allowed_mentions=SILENT)
        elif interaction.response.type is discord.InteractionResponseType.deferred_channel_message:
            await interaction.edit_original_response(
                content=text, view=None, allowed_mentions=SILENT
            )
        else:
            await interaction.followup.send(text, ephemeral=True, allowed_mentions=SILENT)


def _platform_apology(error: BaseException) -> str | None:
    match error:
        case NoPlaceToPost():
            names = ", ".join(f"*{name}*" for name in error.missing)
            return f"I may not post pictures here: I lack {names}. A moderator can grant that."
        case discord.app_commands.CommandOnCooldown():
            return f"One moment, please: try again in {error.retry_after:.0f} s."
        case discord.app_commands.CheckFailure():
            return "You are not allowed to do that here."
        case discord.app_commands.TransformerError():
            return f"I cannot read `{str(error.value)[:80]}` as {error.type.name}."
        case discord.app_commands.CommandNotFound():
            return "I no longer have that command; please restart Discord to see the present ones."
        case discord.Forbidden():
            return "I am not allowed to post here. A moderator can give me the permission."
        case discord.NotFound():
            return "That message is gone."
        case discord.DiscordServerError():
            return "Discord did not answer. Nothing is lost; please try again in a minute."
    return None


def now() -> float:
    """The time that Discord's timestamps count from."""
    return datetime.now(UTC).timestamp()
