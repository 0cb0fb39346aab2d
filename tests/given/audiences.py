"""What an audience in a test need not do itself."""

from __future__ import annotations

from bot.dispatch.audience import Outcome, Shown
from storage.tickets import RequestId


class Quiet:
    """An audience that watches nothing, has no progress messages, and may post everywhere."""

    def changed(self, request: RequestId) -> None:
        """Nobody looks."""

    async def conclude(self, outcome: Outcome, shown: Shown | None, *, held: str = "") -> None:
        """There is no progress message."""

    def may_post(self, channel: int) -> bool:  # noqa: ARG002  # everywhere
        return True
