"""A prompt that stands for several pictures, `{red, blue} cat`: said what it costs, then asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord

from bot.chat.answers import accepted, whisper
from bot.chat.askers import studio_of
from bot.chat.buttons.confirming import confirmation_view
from bot.pages import replies
from bot.studio.requests import MOST_PICTURES
from bot.studio.wishes import Wish
from prompting import wildcards

Interaction = discord.Interaction[Any]


async def ask_for_all(interaction: Interaction, wish: Wish) -> None:
    """Name the number and the cost, and draw all of them only when told to.  Raises TooMany."""
    words = wish.draft.words.prompt or ""
    prompts = wildcards.permutations(words, limit=MOST_PICTURES)
    drafts = (
        replace(wish.draft, words=replace(wish.draft.words, prompt=prompt)) for prompt in prompts
    )
    wishes = tuple(replace(wish, draft=draft) for draft in drafts)
    confirming = studio_of(interaction).confirming
    priced = await accepted(interaction, confirming.price(wishes, words=words))
    page = replies.permutations_page(priced.pictures, priced.seconds)
    await whisper(interaction, page, view=confirmation_view(priced))
