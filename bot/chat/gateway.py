"""The way into the real Discord: log in, stay, and say in a sentence why it was not possible."""

from __future__ import annotations

import aiohttp
import discord

from bot.settings import Secret


class CannotJoin(Exception):
    """Discord does not let us in; the text says why and what to do."""


async def join(client: discord.Client, token: Secret) -> None:
    """Be on Discord until cancelled.  Raises CannotJoin."""
    try:
        async with client:
            await client.start(token.reveal())
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
    except (discord.GatewayNotFound, aiohttp.ClientConnectionError, OSError) as error:
        raise CannotJoin("Discord cannot be reached from here. Is there a network?") from error
    except discord.HTTPException as error:
        raise CannotJoin(f"Discord refused: {error.text or error.status}.") from error
