"""Who is told besides Discord, and the relay that lets the audience be chosen after the studio.

The invariant: what belongs to somebody on Discord stays in the outbox until the bot is there again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bot.dispatch.audience import Audience, Outcome, Shown
from bot.studio import shares
from generation.job import UserId
from storage.requests import Origin
from storage.tickets import RequestId

# Who draws from the command line: no Discord id is as small.
CONSOLE = UserId(0)
HERE = 0  # its channel


def console() -> Origin:
    """The place of the command line."""
    return Origin(
        owner=CONSOLE,
        share=shares.CONSOLE,
        guild=None,
        channel=HERE,
        reply_to=None,
        locale="en-US",
    )


class Elsewhere(Exception):
    """The command line cannot deliver this: somebody on Discord waits for it."""


class Console:
    """The audience of the command line: outcomes are awaited, progress goes to a function."""

    def __init__(self) -> None:
        self._outcomes: dict[RequestId, asyncio.Future[Outcome]] = {}
        self.on_change: Callable[[RequestId], None] = lambda _: None

    def changed(self, request: RequestId) -> None:
        """Pass it on."""
        self.on_change(request)

    async def deliver(self, outcome: Outcome, *, perhaps_posted: bool) -> Shown | None:  # noqa: ARG002  # a console shows it again without harm
        """Hand the outcome to whoever awaits it."""
        if outcome.request.origin.channel != HERE:
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
        return channel == HERE

    async def outcome(self, request: RequestId) -> Outcome:
        """Wait for the end of a request."""
        return await self._promised(request)

    def _promised(self, request: RequestId) -> asyncio.Future[Outcome]:
        if request not in self._outcomes:
            self._outcomes[request] = asyncio.get_running_loop().create_future()
        return self._outcomes[request]


class Relay:
    """Lets the audience be chosen after the studio is built."""

    def __init__(self, audience: Audience) -> None:
        self.audience = audience

    def changed(self, request: RequestId) -> None:
        """Pass it on."""
        self.audience.changed(request)

    async def deliver(self, outcome: Outcome, *, perhaps_posted: bool) -> Shown | None:
        """Pass it on."""
        return await self.audience.deliver(outcome, perhaps_posted=perhaps_posted)

    async def conclude(self, outcome: Outcome, shown: Shown | None, *, held: str = "") -> None:
        """Pass it on."""
        await self.audience.conclude(outcome, shown, held=held)

    def may_post(self, channel: int) -> bool:
        """Pass it on."""
        return self.audience.may_post(channel)
