"""Askers: who asks by an interaction or a message, where, and of which studio."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

import discord

from bot.chat.places import places_around
from bot.chat.seen import SeenUploads
from bot.languages.speaking import spoken
from bot.studio.additions import Additions
from bot.studio.rights import Asker
from bot.studio.servers import Blocked, Servers
from bot.studio.shares import Requester, Tiers
from bot.studio.studio import Studio
from bot.web.links import Visitor
from bot.web.server import WebPages
from generation.job import Share, UserId
from storage.requests import Circumstances, Origin
from storage.tickets import RequestId


class ChatHost(Protocol):
    """What commands and buttons need of the client."""

    @property
    def studio(self) -> Studio: ...

    @property
    def moderator_permission(self) -> str: ...

    @property
    def tiers(self) -> Tiers: ...

    @property
    def owners(self) -> Collection[int]: ...

    @property
    def additions(self) -> Additions: ...

    @property
    def web(self) -> WebPages | None: ...

    @property
    def progress_seconds(self) -> float: ...

    @property
    def seen(self) -> SeenUploads: ...

    def remember_answer(
        self, request: RequestId, interaction: discord.Interaction[Any]
    ) -> None: ...


def studio_of(interaction: discord.Interaction[Any]) -> Studio:
    """The studio that the client was built with."""
    host: ChatHost = interaction.client
    return host.studio


def origin_of(interaction: discord.Interaction[Any]) -> Origin:
    """Who asks, and where the answer belongs."""
    host: ChatHost = interaction.client
    return Origin(
        owner=UserId(interaction.user.id),
        share=share_of(interaction.user, interaction.guild_id, host.tiers, host.studio.servers),
        guild=interaction.guild_id,
        channel=interaction.channel_id or 0,
        reply_to=None,
        locale=spoken(),
        source=interaction.id,
        seen=circumstances(interaction.user, interaction.channel),
        private=is_private(interaction),
    )


PRIVATE = "private"  # among the extras of an interaction


def ask_privately(interaction: discord.Interaction[Any], *, asked: bool = True) -> None:
    """Whatever this interaction asks for is for the one who asks alone, if that is `asked`."""
    interaction.extras[PRIVATE] = asked


def is_private(interaction: discord.Interaction[Any]) -> bool:
    """Whether it asks for something that nobody else is to see; in direct messages all is so."""
    asked = interaction.guild_id is not None and bool(interaction.extras.get(PRIVATE))
    return asked or is_away(interaction)


def is_away(interaction: discord.Interaction[Any]) -> bool:
    """Whether somebody brought the bot along to a place that it is no part of."""
    brought = interaction.is_user_integration() and not interaction.is_guild_integration()
    return brought and not interaction.context.dm_channel


def origin_of_message(message: discord.Message, tiers: Tiers, servers: Servers) -> Origin:
    """The same of a message."""
    guild = message.guild.id if message.guild else None
    return Origin(
        owner=UserId(message.author.id),
        share=share_of(message.author, guild, tiers, servers),
        guild=guild,
        channel=message.channel.id,
        reply_to=message.id,
        locale=spoken(),
        source=message.id,
        seen=circumstances(message.author, message.channel),
    )


def share_of(
    user: discord.User | discord.Member, guild: int | None, tiers: Tiers, servers: Servers
) -> Share:
    """Out of whose part of the device somebody is paid who asks there."""
    roles = user.roles if isinstance(user, discord.Member) else ()
    decided = servers.rules(guild).weight(user.id, [role.id for role in roles])
    return tiers.share(requester(user, guild), decided=decided)


def circumstances(user: discord.User | discord.Member, place: object) -> Circumstances:
    """What a server's rules go by: somebody's roles, and what a place lies in."""
    roles = user.roles if isinstance(user, discord.Member) else ()
    return Circumstances(
        roles=frozenset(role.id for role in roles),
        within=places_around(place),
        marked=is_marked(place),
    )


def is_marked(place: object) -> bool:
    """Whether Discord shows a channel, or what a thread is of, to adults only."""
    parent = place.parent if isinstance(place, discord.Thread) else None
    outer = parent if parent is not None else place
    return isinstance(outer, _MARKABLE) and outer.is_nsfw()


_MARKABLE = (
    discord.TextChannel,
    discord.ForumChannel,
    discord.VoiceChannel,
    discord.StageChannel,
)


def asker_of(interaction: discord.Interaction[Any]) -> Asker:
    """Who asks, for `bot.studio.rights`."""
    return Asker(id=UserId(interaction.user.id), guild=interaction.guild_id)


def visitor_of(interaction: discord.Interaction[Any]) -> Visitor:
    """Who asks for a link to a page of ours."""
    return Visitor(
        person=UserId(interaction.user.id),
        guild=interaction.guild_id,
        channel=interaction.channel_id or 0,
        locale=spoken(),
        source=interaction.id,
        private=is_private(interaction),
    )


def web_of(interaction: discord.Interaction[Any]) -> WebPages | None:
    """The bot's own pages, where they are served."""
    host: ChatHost = interaction.client
    return host.web if host.web is not None and host.web.address is not None else None


def requester(user: discord.User | discord.Member, guild: int | None) -> Requester:
    """What decides out of whose part of the device somebody is paid."""
    roles: set[str] = set()
    pending = False
    if isinstance(user, discord.Member):
        roles = {text for role in user.roles for text in (role.name, str(role.id))}
        pending = user.pending
    age = (discord.utils.utcnow() - user.created_at).total_seconds()
    return Requester(guild=guild, roles=roles, account_age=age, pending=pending)


def check_welcome(interaction: discord.Interaction[Any]) -> None:
    """Raise Blocked where the server's admins let the person ask for nothing."""
    if studio_of(interaction).servers.rules(interaction.guild_id).blocks(interaction.user.id):
        raise Blocked


def runs_the_bot(interaction: discord.Interaction[Any]) -> bool:
    """Whether the settings name them, or Discord does as the application's owner or in its team."""
    host: ChatHost = interaction.client
    user = interaction.user.id
    if user in host.owners:
        return True
    application = interaction.client.application
    if application is None:
        return False
    if application.team is not None:
        return any(one.id == user and one.role in TEAM for one in application.team.members)
    return bool(application.owner.id == user)


def is_admin(interaction: discord.Interaction[Any]) -> bool:
    """Whether the person decides what is allowed in the server."""
    return interaction.permissions.manage_guild or runs_the_bot(interaction)


TEAM = frozenset({discord.TeamMemberRole.admin, discord.TeamMemberRole.developer})


def is_moderator(interaction: discord.Interaction[Any]) -> bool:
    """Whether the person has the permission that the owner chose for moderators."""
    host: ChatHost = interaction.client
    return bool(getattr(interaction.permissions, host.moderator_permission))
