"""The command line as an audience: it asks, is told how far it is, and waits for the end.

    console = ConsoleAudience(app.studio)
    async with app.at_work(console):
        outcome = await console.draw(wish, on_progress)

Invariant: what belongs to somebody on Discord stays in the outbox until the bot is there again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.dispatch.audience import Outcome, Progress, Shown
from bot.studio import shares
from bot.studio.studio import Studio
from bot.studio.wishes import Wish
from generation.errors import RenderFailed
from generation.job import UserId
from generation.picture import Comparison, Fingerprint, compare
from generation.reasons import error_of
from generation.recipe import Recipe
from storage.pictures import StoredPicture
from storage.requests import Origin
from storage.tickets import RequestId

# Who draws from the command line: no Discord id is as small.
CONSOLE = UserId(0)
CHANNEL = 0  # where it asks

OnProgress = Callable[[Progress], None]


def console() -> Origin:
    """The command line, as somebody who asks."""
    return Origin(
        owner=CONSOLE,
        share=shares.CONSOLE,
        guild=None,
        channel=CHANNEL,
        reply_to=None,
        locale="en-US",
    )


class Elsewhere(Exception):
    """The command line cannot deliver this: somebody on Discord waits for it."""


class ConsoleAudience:
    """Outcomes are awaited, progress goes to a function."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._outcomes: dict[RequestId, asyncio.Future[Outcome]] = {}
        self._watched: dict[RequestId, OnProgress] = {}

    async def draw(self, wish: Wish, on_progress: OnProgress) -> Outcome:
        """Draw a wish, through the same queue and worker as everybody."""
        request = await self._studio.requests.submit(wish)
        return await self.awaited(request.id, on_progress)

    async def reproduce(
        self, recipe: Recipe, before: Fingerprint, on_progress: OnProgress
    ) -> tuple[Comparison, StoredPicture | None, Outcome]:
        """Draw a recipe again and compare it with what it was."""
        request = await self._studio.requests.queue_up(console(), (recipe,), words=recipe.prompt)
        outcome = await self.awaited(request.id, on_progress)
        if not outcome.pictures:
            raise_reason(outcome)
        again = outcome.pictures[0]
        return compare(before, again.fingerprint), again, outcome

    async def outcome(self, request: RequestId) -> Outcome:
        """Wait for the end of a request."""
        return await self._promised(request)

    async def awaited(self, request: RequestId, on_progress: OnProgress) -> Outcome:
        """Wait for the end of a request, and be told how far it is."""
        self._watched[request] = on_progress
        self.changed(request)
        return await self.outcome(request)

    # -- what the studio tells -------------------------------------------------------------

    def changed(self, request: RequestId) -> None:
        """Tell whoever watches."""
        on_progress = self._watched.get(request)
        progress = self._studio.open_requests.standing(request) if on_progress else None
        if on_progress is not None and progress is not None:
            on_progress(progress)

    async def deliver(self, outcome: Outcome, *, perhaps_posted: bool) -> Shown | None:  # noqa: ARG002  # a console shows it again without harm
        """Hand the outcome to whoever awaits it."""
        if outcome.request.origin.channel != CHANNEL:
            # Drawn because it was waiting; it stays in the outbox until the bot is back there.
            raise Elsewhere(f"request {outcome.request.id} belongs to Discord")
        promised = self._promised(outcome.request.id)
        if not promised.done():  # else it was handed over, and the note of it failed
            promised.set_result(outcome)
        return None

    async def conclude(self, outcome: Outcome, shown: Shown | None, *, held: str = "") -> None:
        """A console shows no progress message."""

    def may_post(self, channel: int) -> bool:
        """Only here."""
        return channel == CHANNEL

    def _promised(self, request: RequestId) -> asyncio.Future[Outcome]:
        if request not in self._outcomes:
            self._outcomes[request] = asyncio.get_running_loop().create_future()
        return self._outcomes[request]


def raise_reason(outcome: Outcome) -> None:
    """Raise what a request without pictures ended with."""
    for ticket in outcome.tickets:
        if ticket.reason is not None and (error := error_of(ticket.reason)) is not None:
            raise error
    raise RenderFailed("it ended without a picture")
