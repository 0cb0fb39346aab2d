"""People with roles in the simulated Discord, and what they are allowed by them."""

from __future__ import annotations

from typing import Any

import discord

from bot.sandbox.person import SimulatedPerson
from tests.given.discord_world import World


def give_role(here: World, person: SimulatedPerson, name: str, **permissions: bool) -> Any:
    """Give a person a new role of that name; simcord's handle of it."""
    guild = here.env.guild_handle
    role = guild.create_role(name, permissions=discord.Permissions(**permissions))
    here.env.backend.add_member_role(guild.id, person.id, role.id)
    return role


def make_admin(here: World, person: SimulatedPerson) -> None:
    """Let a person manage the server."""
    give_role(here, person, "Admins", manage_guild=True)
