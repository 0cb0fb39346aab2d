"""A Discord with a server, a channel and a person, on a port of this machine, and real discord.py.

async with on_the_wire() as there:             # discord.py speaks to it until the block ends
    await there.mention("a red flower")
    result = await there.sees(lambda message: message["attachments"])
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import discord
import yarl
from aiohttp import web
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.given.wire.api import Api
from tests.given.wire.sessions import Gateway

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.wire.token"  # of no bot that is
APPLICATION, GUILD, CHANNEL, ANN = 700, 800 << 22, 900, 1000

Json = dict[str, Any]
Hears = Callable[[Json], object]


def _user(number: int, name: str, *, bot: bool = False) -> Json:
    about: Json = {"id": str(number), "username": name, "discriminator": "0", "avatar": None}
    return about | {"bot": bot, "global_name": name, "public_flags": 0}


BOT = _user(APPLICATION, "Atelier", bot=True)
PERSON = _user(ANN, "ann")
PLACE: Json = {"id": str(CHANNEL), "type": 0, "name": "studio", "position": 0, "nsfw": False}
PLACE |= {"guild_id": str(GUILD), "permission_overwrites": [], "parent_id": None}
EVERYONE: Json = {"id": str(GUILD), "name": "@everyone", "permissions": str((1 << 53) - 1)}
EVERYONE |= {"color": 0, "hoist": False, "position": 0, "managed": False, "mentionable": False}
MEMBER: Json = {"roles": [], "joined_at": "2020-01-01T00:00:00+00:00", "deaf": False, "mute": False}
MEMBER |= {"flags": 0, "nick": None, "avatar": None}


def a_guild(number: int = GUILD, place: Json = PLACE) -> Json:
    """A server as GUILD_CREATE has it."""
    about: Json = {"id": str(number), "name": "The House", "owner_id": str(ANN), "icon": None}
    about |= {
        "roles": [EVERYONE | {"id": str(number)}],
        "emojis": [],
        "stickers": [],
        "features": [],
    }
    about |= {
        "channels": [place],
        "features": [],
        "threads": [],
        "voice_states": [],
        "presences": [],
    }
    about |= {"members": [MEMBER | {"user": BOT}], "member_count": 2, "premium_tier": 0}
    about |= {"preferred_locale": "en-US", "unavailable": False, "large": False, "nsfw_level": 0}
    about |= {"verification_level": 0, "default_message_notifications": 0, "mfa_level": 0}
    return about | {"explicit_content_filter": 0, "system_channel_flags": 0, "afk_timeout": 60}


@dataclass(slots=True, kw_only=True)
class WireDiscord:
    """The two halves of Discord, and a person who is there."""

    gateway: Gateway
    api: Api
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(5000))

    async def mention(self, words: str) -> int:
        """Ann speaks to the bot.  Returns the message's number."""
        number = next(self._numbers)
        about: Json = {"id": str(number << 22), "channel_id": str(CHANNEL), "guild_id": str(GUILD)}
        about |= {"author": PERSON, "member": MEMBER, "content": f"<@{APPLICATION}> {words}"}
        about |= {"timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": None, "tts": False}
        about |= {
            "mention_everyone": False,
            "mentions": [BOT],
            "mention_roles": [],
            "pinned": False,
        }
        about |= {
            "attachments": [],
            "embeds": [],
            "components": [],
            "type": 0,
            "flags": 0,
            "pinned": False,
        }
        await self.gateway.dispatch("MESSAGE_CREATE", about)
        return number << 22

    async def command(self, name: str, **options: Any) -> str:
        """Ann calls a command.  Returns the interaction's token."""
        number = next(self._numbers)
        token = f"token-{number}"
        chosen = [{"name": key, "type": 3, "value": value} for key, value in options.items()]
        data = {"id": "1", "name": name, "type": 1, "options": chosen}
        about: Json = {"id": str(number << 22), "application_id": str(APPLICATION), "type": 2}
        about |= {"token": token, "version": 1, "data": data, "guild_id": str(GUILD)}
        about |= {"channel_id": str(CHANNEL), "channel": PLACE, "locale": "en-US"}
        about |= {"member": MEMBER | {"user": PERSON, "permissions": str((1 << 53) - 1)}}
        about |= {
            "app_permissions": str((1 << 53) - 1),
            "guild_locale": "en-US",
            "entitlements": [],
        }
        about |= {"authorizing_integration_owners": {"0": str(GUILD)}, "context": 0}
        await self.gateway.dispatch(
            "INTERACTION_CREATE", about | {"attachment_size_limit": 10 << 20}
        )
        return token

    async def sees(self, wanted: Hears) -> Json:
        """Wait for a message.  Raises TimeoutError."""
        return (await self.see(wanted, 1))[0]

    async def see(self, wanted: Hears, count: int) -> list[Json]:
        """Wait for so many messages.  Raises TimeoutError."""
        async with asyncio.timeout(30):
            while len(found := [m for m in self.api.messages.values() if wanted(m)]) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return found


@asynccontextmanager
async def on_the_wire(**gateway: Any) -> AsyncIterator[WireDiscord]:
    """A Discord of one's own.  What discord.py takes for Discord's addresses is put back after."""
    ready: Json = {"v": 10, "user": BOT, "application": {"id": str(APPLICATION), "flags": 0}}
    here = WireDiscord(
        gateway=Gateway(**({"token": TOKEN, "ready": ready, "guilds": [a_guild()]} | gateway)),
        api=Api(application=APPLICATION, me=BOT, channels={CHANNEL: PLACE}),
    )
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_get("/", here.gateway.serve)
    app.router.add_route("*", "/api/v10/{rest:.*}", here.api.serve)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    here.gateway.address = here.api.gateway_address = f"ws://127.0.0.1:{port}/"
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE = f"http://127.0.0.1:{port}/api/v10"
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(here.gateway.address)
    try:
        yield here
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before
        await runner.cleanup()


@asynccontextmanager
async def connected(client: discord.Client) -> AsyncIterator[asyncio.Task[None]]:
    """The client on the wire, as `python -m bot` joins, until the block ends."""
    from bot.chat.gateway import join
    from bot.settings import Secret

    joining = asyncio.create_task(join(client, Secret(TOKEN)))
    ready = asyncio.create_task(_ready(client))
    try:
        await asyncio.wait({joining, ready}, return_when=asyncio.FIRST_COMPLETED, timeout=30)
        yield joining
    finally:
        ready.cancel()
        joining.cancel()
        await asyncio.gather(joining, ready, return_exceptions=True)


async def _ready(client: discord.Client) -> None:
    while client.loop is discord.utils.MISSING or not client.is_ready():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
