"""/enhance: three different ways to say a wish, to draw, to edit, or to see more of.

The proposals live as long as the message that shows them, which only the person who asked sees;
what is drawn from one is stored with the picture.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
from discord import app_commands

from bot.chat.answers import SILENT
from bot.chat.askers import origin_of, studio_of
from bot.chat.buttons.progress import begin
from bot.chat.commands import choices, options
from bot.chat.readers import SpeaksToPresser
from bot.chat.refusals import apologise
from bot.languages.speaking import tr
from bot.pages.proposals_page import proposals
from bot.studio.phrasing import Proposed
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
    draft = Draft(words=DraftWords(prompt=wish))
    await _show(interaction, Wish(origin=origin_of(interaction), draft=draft, model=model))


async def _show(interaction: Interaction, asked: Wish) -> None:
    requests = studio_of(interaction).requests
    asked = requests.read(asked)
    await _shown(interaction, await requests.propose(asked), asked)


async def _shown(interaction: Interaction, found: Proposed, asked: Wish) -> None:
    await interaction.edit_original_response(
        content=proposals(found.words, (*asked.notes, *found.notes)),
        view=Proposals(found, asked),
        allowed_mentions=SILENT,
    )


def _saying(asked: Wish, prompt: str, negative: str) -> Wish:
    """What was asked for, in these words."""
    words = replace(asked.draft.words, prompt=prompt, negative_prompt=negative or None)
    return replace(asked, draft=replace(asked.draft, words=words))


class Proposals(SpeaksToPresser, discord.ui.View):
    """Draw one, edit one, change all by a further wish, or see others.

    `asked` is what is drawn with one of the proposals for its words.
    """

    def __init__(self, found: Proposed, asked: Wish) -> None:
        super().__init__(timeout=SECONDS)
        self.found, self.asked = found, asked
        for number, words in enumerate(found.words, 1):
            self.add_item(_Draw(self, number, words))
        for number, words in enumerate(found.words, 1):
            self.add_item(_Edit(self, number, words))
        self.add_item(_Refine(self))
        self.add_item(_More(self))

    async def draw(self, interaction: Interaction, words: Assisted, typed: str | None) -> None:
        """Queue a proposal, or what the person made of it."""
        asked = replace(self.asked, origin=origin_of(interaction))
        wish = replace(_saying(asked, words.wish, self.found.negative), words=words)
        if typed is not None:
            wish = replace(_saying(asked, typed, words.negative), assist=AssistMode.OFF, style=None)
        await begin(interaction, lambda: studio_of(interaction).requests.submit(wish))

    async def refine(self, interaction: Interaction, further: str) -> None:
        """Show the proposals as a further wish changes them, in place of these."""
        wish = _saying(self.asked, self.found.wish, "")
        again = await studio_of(interaction).requests.refine(wish, self.found, further)
        await _shown(interaction, again, self.asked)

    async def on_error(
        self, interaction: Interaction, error: Exception, _: discord.ui.Item[Any], /
    ) -> None:
        """Say why not."""
        await apologise(interaction, error)


class _Draw(discord.ui.Button[Any]):
    def __init__(self, proposals: Proposals, number: int, words: Assisted) -> None:
        super().__init__(
            label=tr("Draw {n}", n=number), emoji="🖌️", style=discord.ButtonStyle.primary, row=0
        )
        self._proposals, self._words = proposals, words

    async def callback(self, interaction: Interaction) -> None:
        await self._proposals.draw(interaction, self._words, None)


class _Edit(discord.ui.Button[Any]):
    def __init__(self, proposals: Proposals, number: int, words: Assisted) -> None:
        super().__init__(label=tr("Edit {n}", n=number), emoji="✏️", row=1)
        self._proposals, self._words = proposals, words

    async def callback(self, interaction: Interaction) -> None:
        await interaction.response.send_modal(_Editor(self._proposals, self._words))


class _Refine(discord.ui.Button[Any]):
    def __init__(self, proposals: Proposals) -> None:
        super().__init__(label=tr("Change…"), emoji="💬", row=2)
        self._proposals = proposals

    async def callback(self, interaction: Interaction) -> None:
        await interaction.response.send_modal(_Further(self._proposals))


class _More(discord.ui.Button[Any]):
    def __init__(self, proposals: Proposals) -> None:
        super().__init__(label=tr("More"), emoji="✨", row=2)
        self._proposals = proposals

    async def callback(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        found = self._proposals.found
        asked = _saying(self._proposals.asked, found.wish, found.negative)
        await _show(interaction, replace(asked, style=found.style))


class _Form(SpeaksToPresser, discord.ui.Modal):
    """A form that says why not where something is refused."""

    async def on_error(  # type: ignore[override]  # a modal's has no item, says discord.py's own
        self, interaction: Interaction, error: Exception, /
    ) -> None:
        """Say why not."""
        await apologise(interaction, error)


class _Further(_Form):
    """A further wish about all proposals."""

    def __init__(self, proposals: Proposals) -> None:
        super().__init__(title=tr("What should be different?"), timeout=SECONDS)
        self._proposals = proposals
        self.further: discord.ui.TextInput[Any] = discord.ui.TextInput(
            label=tr("Everything else stays"),
            placeholder=tr("warmer, no dog · from above · at night · as watercolor"),
            max_length=300,
        )
        self.add_item(self.further)

    async def on_submit(self, interaction: Interaction, /) -> None:
        """Show what became of the proposals."""
        await interaction.response.defer()
        await self._proposals.refine(interaction, str(self.further))


class _Editor(_Form):
    """A proposal, to be changed before it is drawn."""

    def __init__(self, proposals: Proposals, words: Assisted) -> None:
        super().__init__(title=tr("Edit the prompt"), timeout=SECONDS)
        self._proposals, self._words = proposals, words
        self.prompt: discord.ui.TextInput[Any] = discord.ui.TextInput(
            label=tr("Prompt"),
            style=discord.TextStyle.paragraph,
            default=words.prompt[:4000],
            max_length=4000,
        )
        self.add_item(self.prompt)

    async def on_submit(self, interaction: Interaction, /) -> None:
        """Draw what it became."""
        await self._proposals.draw(interaction, self._words, str(self.prompt))
