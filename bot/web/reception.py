"""The reception: what a page needs of wherever people talk with the bot.

Invariant: whoever asks from a page asks as they would in their channel at that moment.
"""

from __future__ import annotations

from typing import Protocol

from bot.studio.rights import Sight
from bot.web.links import Visitor
from storage.requests import Origin
from storage.tickets import Request


class Reception(Protocol):
    """Where people talk with the bot: a port."""

    @property
    def sight(self) -> Sight:
        """What people can do in the channels."""

    async def origin(self, visitor: Visitor) -> Origin:
        """Whoever asks from a page, as they would ask in their channel now.

        Raises CannotAsk.
        """

    async def announce(self, request: Request) -> None:
        """Show the progress of what was queued where it was asked for."""


class CannotAsk(Exception):
    """The person cannot ask in that channel; `said` tells them why."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said
