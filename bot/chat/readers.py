"""In which language an interaction or a message is answered; said once, where it comes in.

Invariant: what people press or send is heard in a task of its own, which speaks to them to its end.
"""

from __future__ import annotations

from typing import Any

import discord

from bot.chat.askers import studio_of
from bot.languages.speaking import speak
from bot.studio.studio import Studio


async def speak_to(interaction: discord.Interaction[Any]) -> None:
    """From here on, in the language of whoever asks."""
    locale, server = str(interaction.locale), _of_server(interaction.guild)
    readers = studio_of(interaction).readers
    speak(await readers.language(interaction.user.id, locale=locale, server=server))


async def speak_to_author(message: discord.Message, studio: Studio) -> None:
    """From here on, in the language of whoever wrote, as far as they ever told it."""
    server = _of_server(message.guild)
    speak(await studio.readers.language(message.author.id, locale=None, server=server))


def _of_server(guild: discord.Guild | None) -> str | None:
    return str(guild.preferred_locale) if guild is not None else None


class SpeaksToPresser:
    """A view, a form or a component that answers in the language of whoever uses it."""

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """Whoever may see it may use it, and is answered as they read."""
        await speak_to(interaction)
        return True
