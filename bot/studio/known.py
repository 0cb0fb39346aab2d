"""Known messages: which of our messages shows which request, its progress, or an answer about it.

What is noted here is for the places where something was asked; no person is answered with it.

Invariant: a message counts for a request only if the database says so, or if one of them is being
shown at this very moment in the same channel, or to one person alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from storage.errors import Missing
from storage.tickets import Request, RequestId, Tickets


class KnownMessages:
    """What the database knows of messages, and what it will know in a moment."""

    def __init__(
        self, tickets: Tickets, noted: Callable[[RequestId], None] = lambda _: None
    ) -> None:
        self._tickets = tickets
        self._noted = noted  # told when the progress of a request has found its message
        self._answering: Counter[RequestId] = Counter()  # answers that are not noted yet

    @contextmanager
    def answering(self, request: RequestId) -> Iterator[Callable[[int], Awaitable[None]]]:
        """While one person alone is answered about a request; remembers by which message."""
        self._answering[request] += 1
        try:
            yield partial(self._tickets.note_answer, request)
        finally:
            self._answering[request] -= 1
            self._answering += Counter()  # forgets those at 0

    async def check(self, request: RequestId, messages: Sequence[int], channel: int) -> None:
        """Raise Missing unless one of our messages in a channel is known to be the request's.

        `messages` are it and those that it answers.
        """
        found = await self._tickets.request(request)
        # Asked first: which message it is may be noted between the two questions.
        perhaps = self._answering[request] > 0 or (
            found.origin.channel == channel and await self._tickets.is_being_shown(request)
        )
        for message in messages:
            if await self._tickets.is_shown_by(request, message):
                return
        if not perhaps:
            raise Missing("request", request)

    async def is_for_one(self, request: RequestId) -> bool:
        """Whether a request was asked for one person alone.  Raises Missing."""
        return (await self._tickets.request(request)).origin.private

    async def is_private(self, message: int) -> bool:
        """Whether a message shows what was drawn for one person alone."""
        return await self._tickets.is_private(message)

    async def say_progress_is(self, request: RequestId, message: int) -> None:
        """Remember which message shows the progress of a request."""
        await self._tickets.say_progress_is(request, message)
        self._noted(request)

    async def with_progress(self, request: RequestId) -> Request | None:
        """The request, once a message shows its progress.  Raises Missing."""
        found = await self._tickets.request(request)
        return found if found.progress_message is not None else None

    async def sending_directly(self, request: RequestId, channel: int) -> None:
        """Note, before it is tried, in which direct messages a result may be found later."""
        await self._tickets.sending_directly(request, channel)

    async def taken_away(self, messages: Sequence[int]) -> None:
        """Messages were deleted in Discord: their pictures are their owners' alone from now on."""
        await self._tickets.taken_away(messages)
