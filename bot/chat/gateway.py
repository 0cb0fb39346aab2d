"""The way into the real Discord: log in, stay, and say in a sentence why it was not possible."""

from __future__ import annotations

import asyncio
import logging
from types import MappingProxyType

import aiohttp
import discord

from bot.settings import Secret

log = logging.getLogger(__name__)

SPARE = 1  # beginnings that are left for whoever mends something by hand

# Why Discord closes for good.  After any other code discord.py comes again, and resumes.
_FINAL = MappingProxyType(
    {
        4004: "Discord does not take this token any more. Copy a new one from the developer portal "
        "(Bot, Reset Token) into DISCORD_TOKEN.",
        4010: "Discord knows no such shard. Set shards = 0 in the settings: as many as it advises.",
        4011: "The bot is in more servers than one connection may have. Set shards = 0 in the "
        "settings: as many as Discord advises.",
        4012: "Discord no longer speaks this version of its protocol. Update the program.",
        4013: "Discord knows no such intents. Update the program.",
    }
)


class CannotJoin(Exception):
    """Discord does not let us in; the text says why and what to do."""


async def join(client: discord.Client, token: Secret) -> None:
    """Be on Discord until cancelled.  Raises CannotJoin."""
    try:
        async with client:
            await client.login(token.reveal())
            await _wait_for_a_beginning(client)
            await client.connect()
    except discord.LoginFailure as error:
        raise CannotJoin(
            "Discord does not know this token. Copy it again from the developer portal "
            "(Bot, Reset Token) into DISCORD_TOKEN."
        ) from error
    except discord.PrivilegedIntentsRequired as error:
        raise CannotJoin(
            "message_content is switched on here, but not in Discord's developer portal "
            "(Bot, Message Content Intent). Switch it on there, or off here."
        ) from error
    except discord.ConnectionClosed as error:
        why = _FINAL.get(error.code, "Start the bot again; if it stays so, look at the log.")
        raise CannotJoin(f"Discord closed the connection ({error.code}). {why}") from error
    except (discord.GatewayNotFound, aiohttp.ClientConnectionError, OSError) as error:
        raise CannotJoin("Discord cannot be reached from here. Is there a network?") from error
    except discord.HTTPException as error:
        raise CannotJoin(f"Discord refused: {error.text or error.status}.") from error


async def _wait_for_a_beginning(client: discord.Client) -> None:
    """Not begin more often than Discord allows, a thousand times a day: it would take the token.

    Whoever restarts a bot in a loop gets there in an hour; it waits then until it may.
    """
    advised, _, limits = await client.http.get_bot_gateway()
    shards = client.shard_count or (advised if _is_sharded(client) else 1)
    if advised > shards:
        log.warning("Discord advises %d shards, here are %d: see `shards`", advised, shards)
    if limits["remaining"] < shards + SPARE:
        seconds = limits["reset_after"] / 1000
        log.warning(
            "Discord lets the bot begin %d times more; waiting %.0f s until it counts anew",
            limits["remaining"],
            seconds,
        )
        await asyncio.sleep(seconds)


def _is_sharded(client: discord.Client) -> bool:
    return isinstance(client, discord.AutoShardedClient)
