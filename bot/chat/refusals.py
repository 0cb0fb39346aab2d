"""Refusals: the one place where a failed command or button ends.

Invariant: what is refused is seen by the asker alone, with what was typed.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import discord

from bot.chat.answers import whisper
from bot.chat.places import NoPlaceToPost
from bot.languages.speaking import name_of, tr
from bot.pages import replies
from bot.pages.apologies import apology_for, expected
from bot.pages.quoting import code
from bot.pages.whereabouts import permissions
from bot.telemetry.logs import wordless
from storage.errors import AskedBefore

log = logging.getLogger(__name__)


class AdminsOnly(discord.app_commands.CheckFailure):
    """What was asked is for those who may manage the server."""


class ModeratorsOnly(discord.app_commands.CheckFailure):
    """What was asked is for those who moderate the channel."""


ACKNOWLEDGED = 40060  # Discord's code: somebody, we ourselves, has answered it


async def apologise(interaction: discord.Interaction[Any], error: BaseException) -> None:
    """Tell the person in one sentence, and give back what they typed; the log has the cause."""
    while isinstance(error, discord.app_commands.CommandInvokeError):
        error = error.original
    if isinstance(error, AskedBefore) or getattr(error, "code", None) == ACKNOWLEDGED:
        log.info("Discord said it twice: %s", error)
        return
    typed, platform = typed_in(interaction), place_apology(error)
    if expected(error) or isinstance(error, NoPlaceToPost):
        log.info("declined: %s", error)
    elif isinstance(error, discord.app_commands.AppCommandError):
        log.info("declined: %s", type(error).__name__)  # its text quotes what was typed
    else:
        log.error("an interaction failed", exc_info=wordless(error, typed))
    text, file = replies.with_what_was_typed(platform or apology_for(error), typed)
    with contextlib.suppress(discord.HTTPException):
        await whisper(interaction, text, files=(file,) if file else ())


def typed_in(interaction: discord.Interaction[Any]) -> str:
    """What a person typed into a command or a form, to be typed again; "" for a button."""
    data: Any = interaction.data or {}
    if interaction.type is discord.InteractionType.modal_submit:
        return "\n".join(_fields(data.get("components", ())))
    options = [o for o in data.get("options", ()) if o["type"] in _TYPED and "value" in o]
    if not options:
        return ""
    said = " ".join(f"{name_of(option['name'])}: {option['value']}" for option in options)
    return f"/{name_of(data['name'])} {said}"


_TYPED = frozenset(
    kind.value
    for kind in (
        discord.AppCommandOptionType.string,
        discord.AppCommandOptionType.integer,
        discord.AppCommandOptionType.number,
        discord.AppCommandOptionType.boolean,
    )
)


def _fields(components: Any) -> list[str]:
    """What stands in the fields of a form, in their order."""
    found: list[str] = []
    for part in components:
        inner = part.get("components") or filter(None, [part.get("component")])
        found += _fields(inner) or ([part["value"]] if part.get("value") else [])
    return found


def place_apology(error: BaseException) -> str | None:
    """The sentence for an error of the platform, or of the place; None for any other."""
    match error:
        case NoPlaceToPost():
            return tr(
                "I may not post pictures here: I lack {permissions}. A moderator can grant that.",
                permissions=permissions(error.missing),
            )
        case discord.app_commands.CommandOnCooldown():
            return tr("One moment, please: try again in {n} s.", n=f"{error.retry_after:.0f}")
        case AdminsOnly():
            return tr(
                "That is for this server's admins: whoever has the permission *Manage Server*."
            )
        case ModeratorsOnly():
            return tr("That is for those who moderate this channel, and for the server's admins.")
        case discord.app_commands.CheckFailure():
            return tr("You are not allowed to do that here.")
        case discord.app_commands.TransformerError():
            what = code(str(error.value), 80)
            return tr("I cannot read {what} as {kind}.", what=what, kind=error.type.name)
        case discord.app_commands.CommandNotFound():
            return tr(
                "I no longer have that command; please restart Discord to see the present ones."
            )
        case discord.Forbidden():
            return tr("I am not allowed to post here. A moderator can give me the permission.")
        case discord.NotFound():
            return tr("That message is gone.")
        case discord.DiscordServerError():
            return tr("Discord did not answer. Nothing is lost; please try again in a minute.")
    return None
