"""Audiences for tests: one that need not do anything, and one that notes what it is told."""

from __future__ import annotations

from bot.app import App
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


def listen(app: App, memo: Memo) -> Memo:
    """The memo, as the audience of all that is drawn there."""
    app.relay.audience = memo
    return memo
