"""/enhance: three different ways to say a wish, to draw, to edit, or to see more of.

The proposals live as long as the message that shows them, which only the person who asked sees;
what is drawn from one is stored with the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands

from bot.chat.answers import SILENT
from bot.chat.askers import origin_of, studio_of
from bot.chat.buttons.progress import begin
from bot.chat.commands import choices, options
from bot.chat.refusals import apologise
from bot.pages.proposals_page import proposals
from bot.studio.wishes import Wish
from generation.draft import Draft, DraftWords
from prompting.assist import Assisted
from storage.people import AssistMode

Interaction = discord.Interaction[Any]

SECONDS = 840.0  # an ephemeral message can be answered for 15 minutes


@app_commands.command(
    name="enhance",
    description="Three better ways to say your wish, to choose from before it is drawn",
)
@app_commands.describe(wish="What you want to see", model="Which model would draw it")
@choices.offered
async def enhance(interaction: Interaction, wish: options.Prompt, model: str | None = None) -> None:
    """Find words and show them to the one who asks."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    await _show(interaction, wish, model)


async def _show(interaction: Interaction, wish: str, model: str | None) -> None:
    found = await studio_of(interaction).requests.propose(_wished(interaction, wish, model))
    await interaction.edit_original_response(
        content=proposals(found.words, found.notes),
        view=Proposals(wish, model, found.words),
        allowed_mentions=SILENT,
    )


def _wished(interaction: Interaction, wish: str, model: str | None) -> Wish:
    draft = Draft(words=DraftWords(prompt=wish))
    return Wish(origin=origin_of(interaction), draft=draft, model=model)


class Proposals(discord.ui.View):
    """Draw one, edit one, or see others."""

    def __init__(self, wish: str, model: str | None, found: Sequence[Assisted]) -> None:
        super().__init__(timeout=SECONDS)
        self.wish, self.model = wish, model
        for number, words in enumerate(found, 1):
            self.add_item(_Draw(self, number, words))
        for number, words in enumerate(found, 1):
            self.add_item(_Edit(self, number, words))
        self.add_item(_More(self))

    async def draw(self, interaction: Interaction, words: Assisted, typed: str | None) -> None:
        """Queue a proposal, or what the person made of it."""
        wish = _wished(interaction, self.wish, self.model)
        if typed is None:
            wish = replace(wish, words=words)
        else:
            own = DraftWords(prompt=typed, negative_prompt=words.negative or None)
            wish = replace(wish, draft=Draft(words=own), assist=AssistMode.OFF)
        await begin(interaction, lambda: studio_of(interaction).requests.submit(wish))

    async def on_error(
        self, interaction: Interaction, error: Exception, _: discord.ui.Item[Any], /
    ) -> None:
        """Say why not."""
        await apologise(interaction, error)


class _Draw(discord.ui.Button[Any]):
    def __init__(self, proposals: Proposals, number: int, words: Assisted) -> None:
        super().__init__(
            label=f"Draw {number}", emoji="🖌️", style=discord.ButtonStyle.primary, row=0
        )
        self._proposals, self._words = proposals, words

    async def callback(self, interaction: Interaction) -> None:
        await self._proposals.draw(interaction, self._words, None)


class _Edit(discord.ui.Button[Any]):
    def __init__(self, proposals: Proposals, number: int, words: Assisted) -> None:
        super().__init__(label=f"Edit {number}", emoji="✏️", row=1)
        self._proposals, self._words = proposals, words

    async def callback(self, interaction: Interaction) -> None:
        await interaction.response.send_modal(_Editor(self._proposals, self._words))


class _More(discord.ui.Button[Any]):
    def __init__(self, proposals: Proposals) -> None:
        super().__init__(label="More", emoji="✨", row=2)
        self._proposals = proposals

    async def callback(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        await _show(interaction, self._proposals.wish, self._proposals.model)


class _Editor(discord.ui.Modal, title="Edit the prompt"):
    """A proposal, to be changed before it is drawn."""

    def __init__(self, proposals: Proposals, words: Assisted) -> None:
        super().__init__(timeout=SECONDS)
        self._proposals, self._words = proposals, words
        self.prompt: discord.ui.TextInput[Any] = discord.ui.TextInput(
            label="Prompt",
            style=discord.TextStyle.paragraph,
            default=words.prompt[:4000],
            max_length=4000,
        )
        self.add_item(self.prompt)

    async def on_submit(self, interaction: Interaction, /) -> None:
        """Draw what it became."""
        await self._proposals.draw(interaction, self._words, str(self.prompt))

    async def on_error(  # type: ignore[override]  # a modal's has no item, says discord.py's own
        self, interaction: Interaction, error: Exception, /
    ) -> None:
        """Say why not."""
        await apologise(interaction, error)
