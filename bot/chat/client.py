"""The Discord client: one command tree, one error hook, and the ear for replies.

It knows the studio and nothing below it.  Only intents that need no approval are asked for, unless
the owner switches the message content on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection
from typing import Any

import discord
from discord import app_commands

from bot.chat.announcer import Announcer
from bot.chat.answers import SILENT
from bot.chat.askers import check_welcome, is_marked
from bot.chat.buttons.forms.table import form_came_in
from bot.chat.buttons.table import BUTTONS
from bot.chat.commands.help import HelpMenu
from bot.chat.commands.tree import add_commands
from bot.chat.listening import hear
from bot.chat.localising import Localiser
from bot.chat.readers import speak_to
from bot.chat.refusals import apologise
from bot.chat.seen import SeenUploads
from bot.chat.sight import DiscordSight
from bot.chat.syncing import sync
from bot.chat.weekly import WeeklyPoster
from bot.studio.additions import Additions
from bot.studio.servers import Blocked
from bot.studio.shares import Tiers
from bot.studio.studio import Studio
from bot.web.server import WebPages
from storage.synced import SyncedCommands
from storage.tickets import RequestId

log = logging.getLogger(__name__)

FOR_EVERYBODY = ("help", "privacy", "server")  # the last asks who they are by itself
REMEMBERED = 1000  # messages; what they asked for is remembered by the database


class Tree(app_commands.CommandTree["Atelier"]):
    """The commands, with the one error hook."""

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Everybody is answered in their language; who is blocked in a server is told so."""
        await speak_to(interaction)
        data: Any = interaction.data or {}
        try:
            if data.get("name") not in FOR_EVERYBODY:
                check_welcome(interaction)
        except Blocked as blocked:
            if interaction.type is discord.InteractionType.autocomplete:
                await interaction.response.autocomplete([])
            else:
                await apologise(interaction, blocked)
            return False
        return True

    async def on_error(
        self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError, /
    ) -> None:
        """One kind sentence for the person, the cause for the log."""
        await apologise(interaction, error)


class Atelier(discord.Client):
    """The studio in a Discord server."""

    def __init__(
        self,
        studio: Studio,
        *,
        guild: int | None,
        message_content: bool,
        progress_seconds: float,
        moderator_permission: str,
        tiers: Tiers,
        additions: Additions,
        synced: SyncedCommands,
        owners: Collection[int] = (),
        direct_messages: bool = True,
        user_installs: bool = False,
        web: WebPages | None = None,
        **connection: Any,
    ) -> None:
        intents = discord.Intents.default()
        intents.message_content = message_content
        # discord.py would keep the last thousand messages with all their parts; nobody reads them.
        super().__init__(intents=intents, allowed_mentions=SILENT, max_messages=None, **connection)
        self._guild = discord.Object(guild) if guild is not None else None
        self.studio = studio
        self.moderator_permission = moderator_permission
        self.tiers = tiers
        self.additions, self.owners = additions, owners
        self.web = web
        self._synced = synced
        self.progress_seconds = progress_seconds
        self.seen = SeenUploads()
        self._heard: dict[int, None] = {}  # messages, the oldest first
        self._tasks: list[asyncio.Task[None]] = []
        self.announcer = Announcer(self, studio, progress_seconds=progress_seconds)
        self.weekly = WeeklyPoster(self, studio)
        self._sight = DiscordSight(self, moderator_permission)
        studio.safety.is_marked = self._is_marked
        studio.gallery.look_through(self._sight)
        studio.gallery_pages.look_through(self._sight)
        self.tree = Tree(
            self,
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=direct_messages, private_channel=user_installs
            ),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=user_installs),
        )
        add_commands(self.tree)

    def remember_answer(self, request: RequestId, interaction: discord.Interaction[Any]) -> None:
        """The interaction that made a request: its result may become the answer."""
        self.announcer.answers.remember(request, interaction)

    def _is_marked(self, channel: int) -> bool:
        return is_marked(self.get_channel(channel))

    async def setup_hook(self) -> None:
        """Register what people can press and call, then begin to tell them things."""
        self.add_dynamic_items(*BUTTONS, HelpMenu)
        if self._guild is not None:
            # A guild's commands appear at once; global ones can take an hour.
            self.tree.copy_global_to(guild=self._guild)
        await self.tree.set_translator(Localiser())
        await sync(self.tree, self._guild, self._synced)
        self._tasks.append(asyncio.create_task(self.announcer.run(), name="announcer"))
        self._tasks.append(asyncio.create_task(self.weekly.run(), name="weekly"))
        self._tasks.append(asyncio.create_task(self.studio.changes.prepare(), name="languages"))

    async def on_ready(self) -> None:
        """Discord is there."""
        self.announcer.arrived()
        log.info("here as %s; servers: %d", self.user, len(self.guilds))

    # What is drawn and had no place to be shown may have one now.

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """We are there, or there again."""
        self.studio.delivery.reconsider(guild=guild.id)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """The server is back from an outage."""
        self.studio.delivery.reconsider(guild=guild.id)

    async def on_guild_update(self, _: discord.Guild, after: discord.Guild) -> None:
        """The server may take larger files now."""
        self.studio.delivery.reconsider(guild=after.id)

    async def on_guild_channel_create(self, channel: discord.abc.GuildChannel) -> None:
        """Also said of one that we may see from now on."""
        self.studio.delivery.reconsider(guild=channel.guild.id)

    async def on_guild_channel_update(
        self, _: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        """The channel's permissions may be others."""
        self.studio.delivery.reconsider(guild=after.guild.id)

    async def on_guild_role_update(self, _: discord.Role, after: discord.Role) -> None:
        """The role may be ours."""
        self.studio.delivery.reconsider(guild=after.guild.id)

    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """The role may have forbidden something."""
        self.studio.delivery.reconsider(guild=role.guild.id)

    async def on_member_update(self, _: discord.Member, after: discord.Member) -> None:
        """We may have other roles; of others we need not know."""
        if after == after.guild.me:
            self.studio.delivery.reconsider(guild=after.guild.id)

    async def on_thread_join(self, thread: discord.Thread) -> None:
        """We may write in it."""
        self.studio.delivery.reconsider(guild=thread.guild.id)

    async def on_thread_update(self, _: discord.Thread, after: discord.Thread) -> None:
        """The thread may be open again."""
        self.studio.delivery.reconsider(guild=after.guild.id)

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """What was shown in it is its owners' alone."""
        self._sight.forget_thread(event.thread_id)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Hear the forms; and whoever asks for anything is asked about, too."""
        if interaction.type is not discord.InteractionType.autocomplete:
            self.studio.delivery.reconsider(owner=interaction.user.id)
            await self.studio.readers.hear(interaction.user.id, str(interaction.locale))
        if interaction.type is discord.InteractionType.modal_submit:
            await speak_to(interaction)
            await form_came_in(interaction)

    async def on_message(self, message: discord.Message) -> None:
        """Hear what is meant for us.  After a gap Discord may say again what it said before."""
        if message.id in self._heard:
            return
        self._heard[message.id] = None
        if len(self._heard) > REMEMBERED:
            del self._heard[next(iter(self._heard))]
        await hear(self, self.studio, self.tiers, message)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        """Somebody took a message away."""
        await self.studio.messages.taken_away([event.message_id])

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        """Somebody took many away."""
        await self.studio.messages.taken_away(sorted(event.message_ids))

    async def on_error(self, event_method: str, /, *_: Any, **__: Any) -> None:
        """An event that failed goes to the log; the connection goes on."""
        log.exception("the event %s failed", event_method)

    async def close(self) -> None:
        """Stop telling, then leave."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        self._tasks.clear()
        await super().close()


class ShardedAtelier(Atelier, discord.AutoShardedClient):
    """The studio in more servers than one connection may have: Discord wants several from 2,500 on.

    `shard_count`: None for as many as Discord advises.
    """
