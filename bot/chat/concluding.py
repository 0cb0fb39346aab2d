"""Concluding: a progress message goes, or tells what became of its request.

Invariant: what Discord surely refuses is tried in the next way; whatever else happens is raised,
and done again, it changes nothing.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import discord

from bot.chat.answers import SILENT, now
from bot.chat.open_answers import OpenAnswers, is_answer
from bot.chat.places import LOOK_BACK, channel_of, lacking
from bot.chat.shown import progress_in
from bot.dispatch.audience import Outcome, Shown
from bot.pages import replies, whereabouts
from bot.studio.ladder import Refusal, refusal
from storage.tickets import Request

log = logging.getLogger(__name__)

Interaction = discord.Interaction[Any]


class ProgressMessages:
    """Those of finished requests."""

    def __init__(self, client: discord.Client, answers: OpenAnswers) -> None:
        self._client, self._answers = client, answers
        self._began = now()  # what was asked before was asked in another life

    async def conclude(self, outcome: Outcome, shown: Shown | None, held: str) -> None:
        """Let the progress message end."""
        request = await self._with_progress(outcome.request)
        if request.progress_message is None or (
            shown is not None and shown.message == request.progress_message
        ):
            pass
        elif held:
            await self._retell(
                request, whereabouts.held(request, reason(self._client, request, held))
            )
        elif shown is None:
            await self._retell(request, replies.cancelled(request.words))
        elif shown.channel != request.origin.channel:
            why = reason(self._client, request, Refusal.CLOSED)
            await self._retell(request, whereabouts.sent_directly(request, why))
        else:
            await self._drop(request)
        if not held:
            self._answers.forget(request.id)

    async def _with_progress(self, request: Request) -> Request:
        """The request with its progress message.

        An earlier life may have died between posting and noting it; then it is looked for.
        """
        if request.origin.private:
            return request  # in no history
        if request.progress_message is not None or request.created >= self._began:
            return request
        with contextlib.suppress(discord.Forbidden, discord.NotFound):
            async for message in channel_of(self._client, request.origin.channel).history(
                limit=LOOK_BACK
            ):
                if message.author == self._client.user and progress_in(message) == request.id:
                    return replace(request, progress_message=message.id)
        return request

    async def say_it_waits(self, request: Request) -> None:
        """Discord does not answer: if it takes an edit, say so.  A courtesy, raises nothing."""
        try:
            if request.progress_message is not None:
                await self._retell(request, whereabouts.waiting(request))
        except Exception as error:
            log.info("the progress of request %d says nothing new: %s", request.id, error)

    async def _retell(self, request: Request, text: str) -> None:
        """Let the progress message say this; where that is refused, take it away."""
        edit: dict[str, Any] = {
            "content": text,
            "attachments": [],
            "view": None,
            "allowed_mentions": SILENT,
        }
        if request.origin.private:
            await self._retell_alone(request, edit)
            return
        message, answer = progress_of(self._client, self._answers, request)
        if await _done(message.edit(**edit)):
            return
        if answer is None or not await _done(answer.edit_original_response(**edit)):
            await _done(message.delete())

    async def _retell_alone(self, request: Request, edit: dict[str, Any]) -> None:
        answer = self._answers.of(request.id)
        if answer is not None and request.progress_message is not None:
            await _done(answer.followup.edit_message(request.progress_message, **edit))

    async def _drop(self, request: Request) -> None:
        """Take the progress message away; where that is refused, let it say that all is done."""
        message, answer = progress_of(self._client, self._answers, request)
        if await _done(message.delete()):
            return
        if answer is None or not await _done(answer.delete_original_response()):
            await self._retell(request, whereabouts.elsewhere(request))


def progress_of(
    client: discord.Client, answers: OpenAnswers, request: Request
) -> tuple[discord.PartialMessage, Interaction | None]:
    """The progress message, and the interaction whose answer it is, if its token lives."""
    assert request.progress_message is not None
    channel = channel_of(client, request.origin.channel)
    message = channel.get_partial_message(request.progress_message)
    answer = answers.of(request.id)
    ours = answer is not None and is_answer(answer, request.progress_message)
    return message, answer if ours else None


def reason(client: discord.Client, request: Request, why: str | None) -> str:
    """Why a result is not where it was asked for."""
    missing = lacking(client.get_channel(request.origin.channel))
    return whereabouts.reason(why or Refusal.CLOSED, missing)


async def _done(asking: Coroutine[Any, Any, object]) -> bool:
    """Whether Discord did it, or what it is about is gone; raises where nothing is sure."""
    try:
        await asking
    except discord.NotFound:
        return True
    except discord.HTTPException as error:
        if refusal(error.status, error.code) is None:
            raise
        return False
    return True
