"""Places: channels to write to, and whether a result could be posted there.

One list of permissions for commands, buttons, mentions and replies alike.
"""

from __future__ import annotations

from typing import Any

import discord

from bot.languages.speaking import mark


class NoPlaceToPost(Exception):
    """The bot lacks permissions in the channel; `missing` are Discord's names for them."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(f"missing permissions: {', '.join(missing)}")
        self.missing = missing


Channel = discord.TextChannel | discord.Thread | discord.VoiceChannel | discord.PartialMessageable

LOOK_BACK = 100  # messages that are searched for one that an earlier life may have posted


def channel_of(client: discord.Client, channel: int) -> Channel:
    """A channel to write to, known or not."""
    known = client.get_channel(channel)
    if isinstance(known, (discord.TextChannel, discord.Thread, discord.VoiceChannel)):
        return known
    # A thread or a DM may be unknown to a fresh cache and still be writable.
    return client.get_partial_messageable(channel)


def places_around(place: object) -> tuple[int, ...]:
    """The ids of a channel, of what it is a thread or a post of, and of its category."""
    numbers = (getattr(place, name, None) for name in ("id", "parent_id", "category_id"))
    return tuple(number for number in numbers if isinstance(number, int))


def check_place(interaction: discord.Interaction[Any]) -> None:
    """Raise NoPlaceToPost where the result of a command or a button could not be posted."""
    if interaction.guild_id is None:
        return
    if missing := _missing(interaction.app_permissions, interaction.channel):
        raise NoPlaceToPost(missing)


def lacking(channel: object) -> tuple[str, ...]:
    """The permissions that we lack there; empty where none is known to be missing."""
    if not isinstance(channel, (discord.abc.GuildChannel, discord.Thread)):
        return ()
    me: discord.Member | None = channel.guild.me
    if me is None:
        return ()
    try:
        mine = channel.permissions_for(me)
    except discord.ClientException:
        return ()  # a thread whose parent is not known here
    return _missing(mine, channel)


def may_speak(channel: object) -> bool:
    """Whether words at least can be posted there, as far as is known."""
    return not {VIEW, *_SENDING} & set(lacking(channel))


# Discord's names of them, as its English has them.
VIEW, SEND = mark("View Channel"), mark("Send Messages")
SEND_IN_THREADS, MANAGE_THREADS = mark("Send Messages in Threads"), mark("Manage Threads")
ATTACH, READ_HISTORY = mark("Attach Files"), mark("Read Message History")
_SENDING = (SEND, SEND_IN_THREADS, MANAGE_THREADS)


def _missing(mine: discord.Permissions, channel: object) -> tuple[str, ...]:
    thread = channel if isinstance(channel, discord.Thread) else None
    if thread is not None:
        sending, may_send = SEND_IN_THREADS, mine.send_messages_in_threads
    else:
        sending, may_send = SEND, mine.send_messages
    needed = {
        VIEW: mine.view_channel,
        sending: may_send,
        ATTACH: mine.attach_files,
        READ_HISTORY: mine.read_message_history,
        # In a locked thread only those who manage threads write.
        MANAGE_THREADS: thread is None or not thread.locked or mine.manage_threads,
    }
    return tuple(name for name, there in needed.items() if not there)
