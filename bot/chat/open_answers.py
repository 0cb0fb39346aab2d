"""Open answers: the interactions whose answer a result may become, while their tokens live."""

from __future__ import annotations

from typing import Any

import discord

from storage.tickets import RequestId

Interaction = discord.Interaction[Any]


class OpenAnswers:
    """By the request that each has asked for."""

    def __init__(self) -> None:
        self._answers: dict[RequestId, Interaction] = {}

    def remember(self, request: RequestId, interaction: Interaction) -> None:
        """The interaction that asked for it."""
        over = [r for r, kept in self._answers.items() if kept.is_expired()]
        for each in over:
            del self._answers[each]
        self._answers[request] = interaction

    def of(self, request: RequestId) -> Interaction | None:
        """The interaction that asked for it, if its answer can still be changed."""
        interaction = self._answers.get(request)
        return None if interaction is None or interaction.is_expired() else interaction

    def forget(self, request: RequestId) -> None:
        """The result of the request is shown."""
        self._answers.pop(request, None)


def is_answer(interaction: Interaction, message: int | None) -> bool:
    """Whether the answer of the interaction is that message."""
    kind = interaction.response.type
    if kind is discord.InteractionResponseType.channel_message:
        return message is not None
    changed = kind is discord.InteractionResponseType.deferred_message_update
    return changed and interaction.message is not None and interaction.message.id == message
