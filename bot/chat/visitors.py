"""Visitors: whoever comes from one of the bot's own pages, as the person in their channel.

Invariant: what is asked from a page is asked as if it were typed there now: by a member who sees
the channel, out of that member's part of the device, where a result can be posted.
"""

from __future__ import annotations

import contextlib
import logging

import discord

from bot.chat.answers import SILENT
from bot.chat.askers import circumstances, share_of
from bot.chat.buttons.progress import progress_text, progress_view
from bot.chat.places import channel_of, lacking
from bot.chat.sight import DiscordSight
from bot.languages.speaking import tr
from bot.studio.shares import Tiers
from bot.studio.studio import Studio
from bot.web.links import Visitor
from bot.web.reception import CannotAsk
from storage.requests import Origin
from storage.tickets import Request

log = logging.getLogger(__name__)


class Visitors:
    """The reception of the bot's own pages, on Discord."""

    def __init__(
        self, client: discord.Client, studio: Studio, tiers: Tiers, moderator_permission: str
    ) -> None:
        self._client, self._studio, self._tiers = client, studio, tiers
        self.sight = DiscordSight(client, moderator_permission)

    async def origin(self, visitor: Visitor) -> Origin:
        """Who asks, and where the answer belongs.  Raises CannotAsk, or DiscordServerError."""
        user = await self._user(visitor)
        return Origin(
            owner=visitor.person,
            share=share_of(user, visitor.guild, self._tiers, self._studio.servers),
            guild=visitor.guild,
            channel=visitor.channel,
            reply_to=None,
            locale=visitor.locale,
            source=visitor.source,
            seen=circumstances(user, self._client.get_channel(visitor.channel)),
            private=visitor.private,
        )

    async def announce(self, request: Request) -> None:
        """Show its progress in the channel, as for a command; what is private has none there."""
        if request.origin.private:
            return
        channel = channel_of(self._client, request.origin.channel)
        text = progress_text(self._studio, request.id)
        # It is queued: what is wrong with the message is no reason to say that it is not.
        with contextlib.suppress(discord.HTTPException):
            posted = await channel.send(
                text, view=progress_view(request.id), allowed_mentions=SILENT
            )
            await self._studio.messages.say_progress_is(request.id, posted.id)

    async def _user(self, visitor: Visitor) -> discord.User | discord.Member:
        guild = self._client.get_guild(visitor.guild) if visitor.guild is not None else None
        if visitor.guild is None or (guild is None and visitor.private):  # brought along there
            return await self._client.fetch_user(visitor.person)
        access = await self.sight.access(visitor.person, visitor.guild, visitor.channel)
        if guild is None or not access.views:
            raise CannotAsk(
                tr("You do not see that channel any more, so nothing of yours can be posted there.")
            )
        missing = lacking(self._client.get_channel(visitor.channel))
        if missing and not visitor.private:
            raise CannotAsk(
                tr(
                    "I may not post pictures there: I lack {names}. A moderator can grant that.",
                    names=", ".join(missing),
                )
            )
        return await guild.fetch_member(visitor.person)
