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
    now = await _tell(tree, application, place, payload)
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


async def _tell(tree: Tree, application: int, place: int, payload: list[Any]) -> dict[int, int]:
    """What `tree.sync` does, with the payload that is here already: texts by the ten thousand."""
    try:
        return _versions(await _put(tree, application, place, payload))
    except discord.HTTPException as error:
        if error.status == 400 and error.code == INVALID_FORM:
            guild = None if place == EVERYWHERE else discord.Object(place)
            raise app_commands.CommandSyncFailure(
                error, tree._get_all_commands(guild=guild)
            ) from None
        raise


async def _put(tree: Tree, application: int, place: int, payload: list[Any]) -> list[Any]:
    """These are all commands of the place from now on; what Discord says of them."""
    http = tree.client.http
    if place == EVERYWHERE:
        told: list[Any] = await http.bulk_upsert_global_commands(application, payload)
    else:
        told = await http.bulk_upsert_guild_commands(application, place, payload)
    return told


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
    try:
        await _put(tree, application, place, [])
    except (discord.NotFound, discord.Forbidden):
        log.info("the server %d is gone, and its commands with it", place)
