"""What Discord itself shows of our commands: names, descriptions and choices in every language."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation as At

from bot.languages.clauses import prepare
from bot.languages.speaking import ENGLISH, language_for, name_of, speaking_to, tr

NAMES = (At.command_name, At.group_name, At.parameter_name)


class Localiser(app_commands.Translator):
    """Asked for every text of every command in every locale, when the commands are registered."""

    async def load(self) -> None:
        """Read the files before anybody asks."""
        await asyncio.to_thread(prepare)

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContext[Any, Any],
    ) -> str | None:
        """The text in that locale; None where it has none of its own."""
        if language_for(str(locale)) == ENGLISH:
            return None
        with speaking_to(str(locale)):
            named = context.location in NAMES and not _is_menu(context)
            said = name_of(string.message) if named else tr(string.message)
        return said if said != string.message else None


def _is_menu(context: app_commands.TranslationContext[Any, Any]) -> bool:
    """Whether it is a right-click menu's name, which is words like any others."""
    return isinstance(context.data, app_commands.ContextMenu)
