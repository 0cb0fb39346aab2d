"""A prompt that stands for several pictures, `{red, blue} cat`: said what it costs, then asked."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import discord

from bot.chat.answers import accepted, whisper
from bot.chat.askers import studio_of
from bot.chat.buttons.progress import begin
from bot.chat.readers import SpeaksToPresser
from bot.chat.refusals import apologise
from bot.languages.speaking import tr
from bot.pages import replies
from bot.studio.requests import MOST_PICTURES
from bot.studio.wishes import Wish
from prompting import wildcards
from prompting.errors import TooMany

Interaction = discord.Interaction[Any]

SECONDS = 840.0  # the answer's token lives for 15 minutes


async def ask_for_all(interaction: Interaction, wish: Wish) -> None:
    """Name the number and the cost, and draw all of them only when told to.  Raises TooMany."""
    words = wish.draft.words.prompt or ""
    prompts = wildcards.permutations(words, limit=MOST_PICTURES)
    drafts = (
        replace(wish.draft, words=replace(wish.draft.words, prompt=prompt)) for prompt in prompts
    )
    wishes = tuple(replace(wish, draft=draft) for draft in drafts)
    studio = studio_of(interaction)

    async def predicting() -> list[tuple[int, float]]:
        return [await studio.requests.predicted(each) for each in wishes]

    predicted = await accepted(interaction, predicting())
    count = sum(pictures for pictures, _ in predicted)
    if count > MOST_PICTURES:
        raise TooMany("pictures", count, MOST_PICTURES)
    await whisper(
        interaction,
        replies.permutations_page(count, sum(seconds for _, seconds in predicted)),
        view=_Confirmation(interaction.user.id, wishes, words),
    )


class _Confirmation(SpeaksToPresser, discord.ui.View):
    """Yes or no, from the person who asked."""

    def __init__(self, person: int, wishes: tuple[Wish, ...], words: str) -> None:
        super().__init__(timeout=SECONDS)
        self._person, self._wishes, self._words = person, wishes, words
        self.yes.label, self.no.label = tr("Draw all"), tr("No")

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Others may look."""
        return interaction.user.id == self._person and await super().interaction_check(interaction)

    @discord.ui.button(emoji="🖌️", style=discord.ButtonStyle.primary)
    async def yes(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Queue all of them, as one request."""
        asked = studio_of(interaction).requests
        self.stop()
        await interaction.response.defer()
        await begin(interaction, lambda: asked.submit_all(self._wishes, words=self._words))
        await interaction.edit_original_response(content=tr("They are queued."), view=None)

    @discord.ui.button(style=discord.ButtonStyle.secondary)
    async def no(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Forget it."""
        self.stop()
        await interaction.response.edit_message(content=tr("Nothing was queued."), view=None)

    async def on_error(
        self, interaction: Interaction, error: Exception, _: discord.ui.Item[Any], /
    ) -> None:
        """Say why not: nothing was queued, and the page has nothing more to offer."""
        with contextlib.suppress(discord.HTTPException):
            await interaction.edit_original_response(content=tr("Nothing was queued."), view=None)
        await apologise(interaction, error)
