"""Sight: what a person can do in a channel, asked of Discord at the moment of the question.

Without the members intent nobody tells us when somebody leaves or loses a role, so the member is
fetched by id each time.  Invariant: what cannot be found gives no right; only where Discord does
not answer at all is its error passed on.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection

import discord

from bot.studio.channel_views import NONE, Channels
from bot.studio.rights import NO_ACCESS, Access

log = logging.getLogger(__name__)

LOOKED_UP = 40  # threads that are asked for one by one, for one question
REMEMBERED = 2000  # threads that are archived

Place = discord.abc.GuildChannel | discord.Thread


class DiscordSight:
    """The rights of members, as Discord computes them."""

    def __init__(self, client: discord.Client, moderator_permission: str) -> None:
        self._client, self._moderator_permission = client, moderator_permission
        # Of a thread that nobody has open: neither its kind nor its parent ever changes.
        self._archived: dict[int, discord.Thread] = {}

    async def access(self, person: int, guild: int, channel: int) -> Access:
        """What a person can do in a channel of that server.  Raises DiscordServerError."""
        place = await self._place(guild, channel)
        if place is None:
            return NO_ACCESS
        try:
            member = await place.guild.fetch_member(person)
            return await self._access(member, place)
        except (discord.NotFound, discord.Forbidden):
            return NO_ACCESS  # no member of that server, or not of that private thread

    async def viewed_by(self, person: int, guild: int, channels: Collection[int]) -> Channels:
        """Those that a person can view now.  Raises DiscordServerError."""
        server = self._client.get_guild(guild)
        if server is None or not channels:
            return NONE
        try:
            member = await server.fetch_member(person)
        except (discord.NotFound, discord.Forbidden):
            return NONE
        seen = set()
        for place in await self._places(server, channels):
            with contextlib.suppress(discord.NotFound, discord.Forbidden):
                if (await self._access(member, place)).views:
                    seen.add(place.id)
        return frozenset(seen)

    async def viewed_by_all(self, channel: int, guild: int, channels: Collection[int]) -> Channels:
        """Those that everybody can view who can view `channel`, which is one of them if asked for.

        Another channel is such a one where the whole server may view it and nobody is kept out.
        """
        server = self._client.get_guild(guild)
        if server is None:
            return NONE
        others = [number for number in channels if number != channel]
        found = {place.id for place in await self._places(server, others) if _open_to_all(place)}
        return frozenset(found | ({channel} & set(channels)))

    async def for_adults(self, channels: Collection[int]) -> Channels:
        """Those that are marked as age-restricted, and threads in them."""
        found: set[int] = set()
        for number in channels:
            place = self._client.get_channel(number) or self._archived.get(number)
            if isinstance(place, Place) and _is_for_adults(place):
                found.add(number)
        return frozenset(found)

    def forget_thread(self, thread: int) -> None:
        """Somebody deleted it."""
        self._archived.pop(thread, None)

    async def _places(self, server: discord.Guild, channels: Collection[int]) -> list[Place]:
        """Those of the channels that are there; the newest threads first, and not all of many."""
        found: list[Place] = []
        looked_up = 0
        for number in sorted(channels, reverse=True):
            known: Place | None = server.get_channel_or_thread(number)
            known = known or self._archived.get(number)
            if known is None and looked_up < LOOKED_UP:
                looked_up += 1
                known = await self._place(server.id, number)
                if isinstance(known, discord.Thread):
                    self._archived[number] = known
                    if len(self._archived) > REMEMBERED:
                        del self._archived[next(iter(self._archived))]
            if known is not None and known.guild.id == server.id:
                found.append(known)
        return found

    async def _place(self, guild: int, channel: int) -> Place | None:
        if self._client.get_guild(guild) is None:
            return None
        place = self._client.get_channel(channel)
        if place is None:
            # A thread that is archived is in nobody's cache.
            try:
                place = await self._client.fetch_channel(channel)
            except (discord.NotFound, discord.Forbidden, discord.InvalidData):
                return None
        if isinstance(place, discord.abc.PrivateChannel) or place.guild.id != guild:
            return None
        return place

    async def _access(self, member: discord.Member, place: Place) -> Access:
        if isinstance(place, discord.Thread) and place.parent is None:
            return NO_ACCESS
        may = place.permissions_for(member)
        if not may.view_channel:
            return NO_ACCESS
        if isinstance(place, discord.Thread) and place.is_private() and not may.manage_threads:
            await place.fetch_member(member.id)
        return Access(views=True, moderates=bool(getattr(may, self._moderator_permission)))


def _open_to_all(place: Place) -> bool:
    """Whether every member of the server can view it."""
    if isinstance(place, discord.Thread):
        return not place.is_private() and place.parent is not None and _open_to_all(place.parent)
    kept_out = any(rule.view_channel is False for rule in place.overwrites.values())
    return not kept_out and place.permissions_for(place.guild.default_role).view_channel


def _is_for_adults(place: Place) -> bool:
    if isinstance(place, discord.Thread):
        return place.parent is not None and place.parent.is_nsfw()
    return bool(getattr(place, "nsfw", False))
