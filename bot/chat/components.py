"""Which pressed components are believed: those in our own messages, about what they are known for.

Anybody with a bot of their own can post a button that is called like one of ours, and a menu of a
message shows it to us.  Invariant: an id in a component counts only in a message that we wrote and
that the database knows for that request: its result, its progress, or an answer about it.
"""

from __future__ import annotations

from typing import Any

import discord

from bot.chat.askers import ask_privately
from bot.studio.studio import Studio
from storage.errors import Missing
from storage.ids import number_in
from storage.tickets import RequestId

Interaction = discord.Interaction[Any]

NEVER = RequestId(0)  # the id of no request


def request_in(text: str) -> RequestId:
    """The request that a part of a custom id names; NEVER for what is no number of ours."""
    return RequestId(number_in(text) or NEVER)


async def check_pressed(interaction: Interaction, studio: Studio, request: RequestId) -> None:
    """Raise Missing unless the component stands in a message of ours about the request."""
    message = interaction.message
    if message is None or not is_ours(message, interaction.client):
        raise Missing("request", request)
    if message.flags.ephemeral and await studio.messages.is_for_one(request):
        ask_privately(interaction)  # what is made of it is not for others, either
    known = [message.id, *_answered_by(message)]
    await studio.messages.check(request, known, channel=interaction.channel_id or 0)


def is_ours(message: discord.Message, client: discord.Client) -> bool:
    """Whether the bot itself wrote it."""
    return client.user is not None and message.author.id == client.user.id


def _answered_by(message: discord.Message) -> list[int]:
    """The messages whose buttons an answer that one person alone sees came from."""
    about = message.interaction_metadata
    if about is None or not message.flags.ephemeral:
        return []
    ids = (about.interacted_message_id, about.original_response_message_id)
    return [number for number in ids if number is not None]
