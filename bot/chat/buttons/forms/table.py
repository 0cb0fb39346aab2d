"""All forms, and the ear for what comes in."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import discord

from bot.chat.askers import ask_privately, check_welcome, studio_of
from bot.chat.buttons.forms import editing, meant, presetting, starting
from bot.chat.refusals import apologise
from storage.errors import Missing

Interaction = discord.Interaction[Any]

# By the name in its id: what is done with a form that came in, and what its id says besides.
FORMS: Mapping[str, Callable[[Interaction, str], Awaitable[None]]] = {
    "edit": editing.edited,
    "start": starting.started,
    "meant": meant.meant,
    "preset": presetting.preset_named,
}

_FORM = re.compile(r"atelier:form:([a-z-]+):(.*)")


async def form_came_in(interaction: Interaction) -> None:
    """Do what a form of ours asks for, or say why not; other forms are heard elsewhere."""
    data: Any = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    if not custom_id.startswith("atelier:"):
        return
    try:
        found = _FORM.fullmatch(custom_id)
        if found is None or found[1] not in FORMS:
            raise Missing("component", custom_id)
        check_welcome(interaction)
        shown = interaction.message
        messages, alone = studio_of(interaction).messages, shown and shown.flags.ephemeral
        if shown is not None and alone and await messages.is_private(shown.id):
            ask_privately(interaction)
        await FORMS[found[1]](interaction, found[2])
    except Exception as error:
        await apologise(interaction, error)
