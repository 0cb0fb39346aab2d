"""/models add and /models stop: whoever runs the bot fetches a model from chat.

The one who asks alone sees how far it is.  Discord lets an answer be edited for a quarter of an
hour; what takes longer ends with a direct message.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.answers import SILENT, whisper
from bot.chat.askers import ChatHost, runs_the_bot
from bot.languages.speaking import tr
from bot.pages import additions_page
from generation.sources.faults import SourceFailed
from generation.sources.known import known_models
from generation.sources.release import Release

Interaction = discord.Interaction[Any]

log = logging.getLogger(__name__)

MOST = 25  # choices that Discord shows


@app_commands.command(name="add", description="Fetch a model (whoever runs the bot)")
@app_commands.describe(
    what="A name from the list, hf:owner/name, ms:owner/name, civitai:ID, a page"
)
async def add(interaction: Interaction, what: Range[str, 1, 300]) -> None:
    """Fetch it, and say how far it is."""
    if not runs_the_bot(interaction):
        await whisper(interaction, tr(additions_page.OWNERS_ONLY))
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    host: ChatHost = interaction.client
    progress = _Progress(interaction, what, host.progress_seconds)
    telling = asyncio.create_task(progress.tell(), name="progress of a model")
    try:
        text = additions_page.arrived(
            what, await host.additions.fetch(what, progress.planned, progress.came)
        )
    except SourceFailed as error:
        text = f"{error}"[:1900]
    except OSError as error:
        log.exception("a model could not be kept")
        why = error.strerror or type(error).__name__
        text = tr("It could not be kept here: {why}.", why=why)
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    await _tell_end(interaction, text)


@add.autocomplete("what")
async def _known(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """Models by name, for those who may add them."""
    if not runs_the_bot(interaction):
        return []
    return [
        app_commands.Choice(
            name=f"{name} · {model.size / 1e9:.0f} GB · {model.why}"[:100], value=name
        )
        for name, model in known_models().items()
        if typed.casefold() in f"{name} {model.title}".casefold()
    ][:MOST]


@app_commands.command(name="stop", description="End what /models add fetches; what came is kept")
async def stop(interaction: Interaction) -> None:
    """End it."""
    host: ChatHost = interaction.client
    if not runs_the_bot(interaction):
        text = tr(additions_page.OWNERS_ONLY)
    else:
        text = tr(additions_page.STOPPED) if host.additions.stop() else tr(additions_page.NOTHING)
    await whisper(interaction, text)


class _Progress:
    """How far a fetch is: told by its thread, shown now and then."""

    def __init__(self, interaction: Interaction, said: str, every: float) -> None:
        self._interaction, self._said, self._every = interaction, said, every
        self._releases: Sequence[Release] = ()
        self._done = 0

    def planned(self, releases: Sequence[Release]) -> None:
        self._releases = releases

    def came(self, done: int) -> None:
        self._done = done

    async def tell(self) -> None:
        """Edit the answer as long as Discord lets us."""
        shown = ""
        with contextlib.suppress(discord.HTTPException):
            while True:
                text = additions_page.coming(self._said, self._releases, self._done)
                if text != shown:
                    await self._interaction.edit_original_response(
                        content=text, allowed_mentions=SILENT
                    )
                    shown = text
                await asyncio.sleep(self._every)


async def _tell_end(interaction: Interaction, text: str) -> None:
    try:
        await interaction.edit_original_response(content=text, allowed_mentions=SILENT)
    except discord.HTTPException:
        with contextlib.suppress(discord.HTTPException):
            await interaction.user.send(text, allowed_mentions=SILENT)
