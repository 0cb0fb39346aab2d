"""Who decides for whom: for oneself, for a channel, for a server.

a person's own      the person
a channel's         its moderators, and the server's admins; of a direct message, both in it
a server's          its admins
"""

from __future__ import annotations

from typing import Any

import discord

from bot.chat.askers import is_admin, is_moderator
from bot.chat.refusals import AdminsOnly, ModeratorsOnly
from storage.people import Level


def decides(interaction: discord.Interaction[Any], level: Level) -> bool:
    """Whether the person decides there."""
    if level is Level.PERSON or (level is Level.CHANNEL and interaction.guild_id is None):
        return True
    return is_admin(interaction) or (level is Level.CHANNEL and is_moderator(interaction))


def check_decides(interaction: discord.Interaction[Any], level: Level) -> None:
    """Raise AdminsOnly, or ModeratorsOnly, for anybody else."""
    if not decides(interaction, level):
        raise AdminsOnly if level is Level.SERVER else ModeratorsOnly
