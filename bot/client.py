"""The Discord client: one command tree, one error hook, and the ear for replies.

It knows the studio and nothing below it.  Only intents that need no approval are asked for, unless
the owner switches the message content on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import discord
from discord import app_commands

from bot.announcer import Announcer
from bot.answers import SILENT, apologise
from bot.buttons import BUTTONS
from bot.commands import add_commands
from bot.commands.help import HelpMenu
from bot.listening import hear
from bot.shares import Tiers
from bot.sight import DiscordSight
from bot.studio import Studio

log = logging.getLogger(__name__)


class Tree(app_commands.CommandTree["Atelier"]):
    """The commands, with the one error hook."""

    async def on_error(
        self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError, /
    ) -> None:
        """One kind sentence for the person, the cause for the log."""
        await apologise(interaction, error)


class Atelier(discord.Client):
    """The studio in a Discord server."""

    def __init__(
        self,
        *,
        guild: int | None,
        message_content: bool,
        progress_seconds: float,
        moderator_permission: str,
        tiers: Tiers,
    ) -> None:
        intents = discord.Intents.default()
        intents.message_content = message_content
        # discord.py would keep the last thousand messages with all their parts; nobody reads them.
        super().__init__(intents=intents, allowed_mentions=SILENT, max_messages=None)
        self._guild = discord.Object(guild) if guild is not None else None
        self._studio: Studio | None = None
        self.moderator_permission = moderator_permission
        self.tiers = tiers
        self._tasks: list[asyncio.Task[None]] = []
        self.announcer = Announcer(self, progress_seconds=progress_seconds)
        self.tree = Tree(self)
        add_commands(self.tree)

    @property
    def studio(self) -> Studio:
        """The studio.  `open_for` must have been called."""
        assert self._studio is not None, "the client has no studio yet"
        return self._studio

    def open_for(self, studio: Studio) -> None:
        """Whose face this client is."""
        self._studio = studio
        studio.look_through(DiscordSight(self, self.moderator_permission))
        self.announcer.speak_for(studio)

    async def setup_hook(self) -> None:
        """Register what people can press and call, then begin to tell them things."""
        self.add_dynamic_items(*BUTTONS, HelpMenu)
        if self._guild is not None:
            # A guild's commands appear at once; global ones can take an hour.
            self.tree.copy_global_to(guild=self._guild)
        await self.tree.sync(guild=self._guild)
        self._tasks.append(asyncio.create_task(self.announcer.run(), name="announcer"))

    async def on_ready(self) -> None:
        """Discord is there."""
        self.announcer.arrived()
        log.info("here as %s; servers: %d", self.user, len(self.guilds))

    async def on_message(self, message: discord.Message) -> None:
        """Hear what is meant for us."""
        await hear(self, self.studio, self.tiers, message)

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
