"""Telling Discord of the commands, only when they or what Discord has of them changed.

Discord counts each telling (200 new commands a day) and shows global ones anew in an hour's time.
The invariant: after `sync`, what Discord has is what is here, for one place and no other; people
never see a command twice.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from typing import Any

import discord
from discord import app_commands

from storage.synced import EVERYWHERE, Synced, SyncedCommands

log = logging.getLogger(__name__)

INVALID_FORM = 50035  # Discord's code for a body that it does not take

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
    payload = await _payload(tree, guild)
    digest = _digest(payload)
    known = before.get(place)
    if known is not None and known.digest == digest:
        if known.versions == await _there(tree, application, place):
            log.info("the commands are as Discord knows them")
            return False
        log.info("the commands were changed at Discord")
    now = await _tell(tree, application, guild, payload)
    await kept.told(application, place, Synced(digest=digest, versions=now))
    log.info("Discord was told of %d commands", len(now))
    return True


async def _payload(tree: Tree, guild: discord.abc.Snowflake | None) -> list[Any]:
    """All commands, as Discord is told of them."""
    translator = tree.translator
    return [
        await command.get_translated_payload(tree, translator)
        if translator is not None
        else command.to_dict(tree)
        for command in tree._get_all_commands(guild=guild)
    ]


def _digest(payload: list[Any]) -> str:
    text = json.dumps(payload, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


async def _tell(
    tree: Tree, application: int, guild: discord.abc.Snowflake | None, payload: list[Any]
) -> dict[int, int]:
    """What `tree.sync` does, with the payload that is here already: texts by the ten thousand."""
    http = tree.client.http
    try:
        if guild is None:
            told = await http.bulk_upsert_global_commands(application, payload)
        else:
            told = await http.bulk_upsert_guild_commands(application, guild.id, payload)
    except discord.HTTPException as error:
        if error.status == 400 and error.code == INVALID_FORM:
            raise app_commands.CommandSyncFailure(
                error, tree._get_all_commands(guild=guild)
            ) from None
        raise
    return _versions(told)


async def _there(tree: Tree, application: int, place: int) -> dict[int, int]:
    """The version of each command that Discord has, by its id."""
    http = tree.client.http
    if place == EVERYWHERE:
        commands = await http.get_global_commands(application)
    else:
        commands = await http.get_guild_commands(application, place)
    return _versions(commands)


def _versions(commands: Iterable[Any]) -> dict[int, int]:
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
