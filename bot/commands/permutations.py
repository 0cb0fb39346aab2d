"""A prompt that stands for several pictures, `{red, blue} cat`: said what it costs, then asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord

from bot import replies
from bot.answers import accepted, apologise, begin, studio_of, whisper
from bot.buttons import progress_view
from bot.wishes import Wish
from prompting import wildcards
from storage.tickets import Request

Interaction = discord.Interaction[Any]

MOST = 32  # requests of one command
SECONDS = 840.0  # the answer's token lives for 15 minutes


async def ask_for_all(interaction: Interaction, wish: Wish) -> None:
    """Name the number and the cost, and draw all of them only when told to.  Raises TooMany."""
    prompts = wildcards.permutations(wish.draft.prompt, limit=MOST)
    wishes = tuple(replace(wish, draft=replace(wish.draft, prompt=prompt)) for prompt in prompts)
    studio = studio_of(interaction)

    async def predicting() -> float:
        return sum([await studio.predicted(each) for each in wishes])

    seconds = await accepted(interaction, predicting())
    count = len(wishes) * (wish.count or 1)
    await whisper(
        interaction,
        replies.permutations_page(count, seconds),
        view=_Confirmation(interaction.user.id, wishes),
    )


class _Confirmation(discord.ui.View):
    """Yes or no, from the person who asked."""

    def __init__(self, person: int, wishes: tuple[Wish, ...]) -> None:
        super().__init__(timeout=SECONDS)
        self._person, self._wishes = person, wishes

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Others may look."""
        return interaction.user.id == self._person

    @discord.ui.button(label="Draw all", emoji="🖌️", style=discord.ButtonStyle.primary)
    async def yes(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Queue all of them; the first one's progress is shown."""
        studio = studio_of(interaction)
        self.stop()
        await interaction.response.defer()
        first, *others = self._wishes

        async def asking() -> Request:
            request = await studio.submit(first)
            for wish in others:
                await studio.submit(wish)
            return request

        await begin(interaction, asking, progress_view)
        await interaction.edit_original_response(content="They are queued.", view=None)

    @discord.ui.button(label="No", style=discord.ButtonStyle.secondary)
    async def no(self, interaction: Interaction, _: discord.ui.Button[Any]) -> None:
        """Forget it."""
        self.stop()
        await interaction.response.edit_message(content="Nothing was queued.", view=None)

    async def on_error(
        self, interaction: Interaction, error: Exception, _: discord.ui.Item[Any], /
    ) -> None:
        """Say why not."""
        await apologise(interaction, error)
