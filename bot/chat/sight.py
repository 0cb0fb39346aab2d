"""Sight: what a person can do in a channel, asked of Discord at the moment of the question.

Without the members intent nobody tells us when somebody leaves or loses a role, so the member is
fetched by id each time.  Invariant: what cannot be found gives no right; only where Discord does
not answer at all is its error passed on.
"""

from __future__ import annotations

import logging

import discord

from bot.studio.rights import NO_ACCESS, Access

log = logging.getLogger(__name__)

Place = discord.abc.GuildChannel | discord.Thread


class DiscordSight:
    """The rights of members, as Discord computes them."""

    def __init__(self, client: discord.Client, moderator_permission: str) -> None:
        self._client, self._moderator_permission = client, moderator_permission

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
