"""What words about a picture come to, in answer to a command or a form.

a picture is drawn    its progress, for all to see, as for everybody
anything else         a sentence, for whoever asked
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import discord

from bot.chat.answers import accepted, whisper
from bot.chat.buttons.progress import begin
from bot.chat.places import check_place
from bot.languages.speaking import tr
from bot.pages import replies
from bot.pages.lineage_page import named
from bot.pages.quoting import quoted
from bot.studio.changing import Answer, Remarked, ShownAgain, Underway
from storage.tickets import Request

Interaction = discord.Interaction[Any]


async def carry_out(
    interaction: Interaction, asking: Callable[[], Coroutine[Any, Any, Sequence[Answer]]]
) -> None:
    """Show what it comes to once it is accepted."""
    check_place(interaction)
    answers = await accepted(interaction, asking())
    for answer in answers:
        if isinstance(answer, Underway):
            drawn = answer.request

            async def accepted_already(request: Request = drawn) -> Request:
                return request

            await begin(interaction, accepted_already)
            return
    text = "\n".join(map(_said, answers))
    await whisper(interaction, replies.whole(text) or tr(replies.NOTHING_TO_CHANGE))


def _said(answer: Answer) -> str:
    match answer:
        case Remarked():
            return quoted(answer.text, 1800) or tr(replies.NOTHING_TO_CHANGE)
        case ShownAgain():
            return f"{answer.text} {named(answer.picture)}"
    return tr(replies.DELETE_BY_BUTTON)
