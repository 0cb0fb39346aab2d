"""A reply to pictures of ours: what it comes to is shown in the channel.

    a picture is drawn        its progress, as for everybody
    one is shown once more    after "undo", or when one of several was chosen
    something is said         a question back, an answer, why not
    one is taken away         with a minute to bring it back
    nothing                   a sign that it was heard

Invariant: a message that shows a picture once more is remembered for it, so a reply to that message
is about that picture.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import discord

from bot.chat.buttons.deleting import undo_view
from bot.chat.buttons.progress import progress_text, progress_view
from bot.chat.buttons.result import result_view
from bot.chat.saying import say
from bot.chat.showing_again import show_again, take_away
from bot.languages.speaking import tr
from bot.pages import replies
from bot.pages.quoting import quoted
from bot.studio.changing import Answer, Remarked, ShownAgain, ToDelete, Underway
from bot.studio.rights import Asker
from bot.studio.studio import Studio
from storage.requests import Origin
from storage.tickets import RequestId

HEARD = "💛"  # the sign


async def show_answers(
    client: discord.Client,
    message: discord.Message,
    answers: Sequence[Answer],
    studio: Studio,
    origin: Origin,
) -> None:
    """Show what a message came to, in the order in which it said it."""
    for answer in answers:
        match answer:
            case Underway():
                await show_progress(message, answer.request.id, studio)
            case Remarked(text=""):
                with contextlib.suppress(discord.HTTPException):
                    await message.add_reaction(HEARD)
            case Remarked():
                await say(message, replies.whole(quoted(answer.text, 1800)))
            case ShownAgain():
                await _show_again(message, answer, studio, origin)
            case ToDelete():
                ours = _answered_of_ours(client, message)
                until = await take_away(client, ours, answer.request.id, studio, Asker.of(origin))
                await _say_deleted(message, answer.request.id, until, studio)


def _answered_of_ours(client: discord.Client, message: discord.Message) -> discord.Message | None:
    """The message that was answered, where we wrote it."""
    answered = message.reference.resolved if message.reference is not None else None
    if isinstance(answered, discord.Message) and answered.author == client.user:
        return answered
    return None


async def show_progress(message: discord.Message, request: RequestId, studio: Studio) -> None:
    """The progress of what was queued for a message."""
    text = progress_text(studio, request)
    progress = await say(message, text, view=progress_view(request))
    if progress is not None:
        await studio.messages.say_progress_is(request, progress.id)


async def _show_again(
    message: discord.Message, answer: ShownAgain, studio: Studio, origin: Origin
) -> None:
    picture, reach = answer.picture, studio.offers.reach
    view = result_view(picture.request, (picture,), alone=True, reach=reach)
    await show_again(message, answer.picture.id, answer.text, view, studio, Asker.of(origin))


async def _say_deleted(
    message: discord.Message, request: RequestId, until: float | None, studio: Studio
) -> None:
    """As the button says it, with the one that brings it back."""
    if until is None:
        await say(message, tr(replies.DELETED_BEFORE))
        return
    with studio.messages.answering(request) as note:
        posted = await say(message, replies.deleted(until), view=undo_view(request))
        if posted is not None:
            await note(posted.id)
