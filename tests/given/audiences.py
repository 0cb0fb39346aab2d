"""Audiences for tests: those that need not do anything, and one that notes what it is told."""

from __future__ import annotations

from bot.dispatch.audience import Outcome, Shown, Undeliverable
from storage.tickets import RequestId


class Quiet:
    """An audience that watches nothing, has no progress messages, and may post everywhere."""

    def changed(self, request: RequestId) -> None:
        """Nobody looks."""

    async def conclude(self, outcome: Outcome, shown: Shown | None, *, held: str = "") -> None:
        """There is no progress message."""

    def may_post(self, channel: int) -> bool:  # noqa: ARG002  # everywhere
        return True


class Content(Quiet):
    """An audience that takes every result, and shows it nowhere."""

    async def deliver(self, outcome: Outcome, *, perhaps_posted: bool) -> Shown | None:
        """Taken."""


class Memo(Quiet):
    """An audience that notes what it is told; `broken` deliveries fail first."""

    def __init__(self, broken: int = 0, closed: bool = False) -> None:
        self.outcomes: list[Outcome] = []
        self.perhaps: list[bool] = []
        self.broken, self.closed = broken, closed

    async def deliver(self, outcome: Outcome, *, perhaps_posted: bool) -> Shown | None:
        self.perhaps.append(perhaps_posted)
        if self.closed:
            raise Undeliverable("gone", "the channel is gone")
        if self.broken:
            self.broken -= 1
            raise ConnectionError("Discord is away")
        self.outcomes.append(outcome)
        return Shown(message=1000 + outcome.request.id, channel=outcome.request.origin.channel)
