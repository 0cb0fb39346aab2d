"""Telling Discord of the commands, only when they or what Discord has of them changed.

Discord counts each telling (200 new commands a day) and shows global ones anew in an hour's time.
The invariant: after `sync`, what Discord has is what is here, for one place and no other; people
never see a command twice.
"""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any

import discord
from discord import app_commands

from storage.synced import EVERYWHERE, Synced, SyncedCommands

log = logging.getLogger(__name__)

Tree = app_commands.CommandTree[Any]


async def sync(tree: Tree, guild: discord.abc.Snowflake | None, kept: SyncedCommands) -> bool:
    """Tell Discord of the tree's commands where need be; whether that was so.

    Raises HTTPException, CommandSyncFailure, TranslationError.
    """
    application = tree.client.application_id
    assert application is not None  # logged in
    before = await kept.of(application)
    place = guild.id if guild is not None else EVERYWHERE
    for other in before.keys() - {place}:
        await _take_back(tree, application, other)
        await kept.taken_back(application, other)
    digest = await _digest(tree, guild)
    known = before.get(place)
    if known is not None and known.digest == digest:
        if known.versions == await _there(tree, application, place):
            log.info("the commands are as Discord knows them")
            return False
        log.info("the commands were changed at Discord")
    await tree.sync(guild=guild)
    now = await _there(tree, application, place)
    await kept.told(application, place, Synced(digest=digest, versions=now))
    log.info("Discord was told of %d commands", len(now))
    return True


async def _digest(tree: Tree, guild: discord.abc.Snowflake | None) -> str:
    """Of what `tree.sync` sends."""
    commands = tree._get_all_commands(guild=guild)
    translator = tree.translator
    payload = [
        await command.get_translated_payload(tree, translator)
        if translator is not None
        else command.to_dict(tree)
        for command in commands
    ]
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


async def _there(tree: Tree, application: int, place: int) -> dict[int, int]:
    """The version of each command that Discord has, by its id."""
    http = tree.client.http
    if place == EVERYWHERE:
        commands = await http.get_global_commands(application)
    else:
        commands = await http.get_guild_commands(application, place)
    return {int(command["id"]): int(command.get("version", 0)) for command in commands}


async def _take_back(tree: Tree, application: int, place: int) -> None:
    """Commands of a server and global ones would stand beside each other."""
    http = tree.client.http
    try:
        if place == EVERYWHERE:
            await http.bulk_upsert_global_commands(application, payload=[])
        else:
            await http.bulk_upsert_guild_commands(application, place, payload=[])
    except (discord.NotFound, discord.Forbidden):
        log.info("the server %d is gone, and its commands with it", place)
