"""/queue and /cancel: who waits for what, and ending it."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands

from bot.chat.answers import SILENT
from bot.chat.askers import asker_of, studio_of
from bot.chat.buttons.waiting_line import queue_text, queue_view
from bot.chat.commands import choices
from bot.languages.speaking import tr, trn
from generation.errors import OutOfRange
from storage.ids import number_in
from storage.tickets import RequestId

Interaction = discord.Interaction[Any]


@app_commands.command(name="queue", description="Who waits for what, how long, and why")
async def queue(interaction: Interaction) -> None:
    """The waiting line, for the one who asks."""
    view = queue_view()
    await interaction.response.send_message(
        await queue_text(interaction), view=view, ephemeral=True, allowed_mentions=SILENT
    )
    # discord.py would watch it for 15 minutes; its button is heard without that.
    view.stop()


@app_commands.command(name="cancel", description="End your waiting and running requests")
@app_commands.describe(request="Which one; all of yours when left out")
@app_commands.autocomplete(request=choices.requests)
async def cancel(interaction: Interaction, request: str | None = None) -> None:
    """End one request, or all of one's own."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    studio = studio_of(interaction)
    if request is not None:
        number = number_in(request.strip().removeprefix("#"))
        if number is None:
            raise OutOfRange("request", request, "one from the list")
        chosen = [RequestId(number)]
    else:
        mine = (s for s in studio.open_requests.standings() if s.owner == interaction.user.id)
        chosen = [s.request for s in mine]
    ended = [await studio.requests.cancel(each, by=asker_of(interaction)) for each in chosen]
    if any(ended):
        text = trn("Cancelled {n} request.", "Cancelled {n} requests.", sum(ended))
    elif request is not None:
        text = tr("That one has ended already.")
    else:
        text = tr("Nothing of yours is waiting.")
    await interaction.edit_original_response(content=text)
