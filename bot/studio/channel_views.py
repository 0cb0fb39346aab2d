"""Channel views: which channels of a server people can view, asked for many at once: a port.

Invariant: what cannot be found is viewed by nobody.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

Channels = frozenset[int]

NONE: Channels = frozenset()


class ChannelViews(Protocol):
    """Whoever knows the channels."""

    async def viewed_by(self, person: int, guild: int, channels: Collection[int]) -> Channels:
        """Those that a person can view at this moment."""

    async def viewed_by_all(self, channel: int, guild: int, channels: Collection[int]) -> Channels:
        """Those that everybody can view who can view `channel`, which is one of them."""

    async def for_adults(self, channels: Collection[int]) -> Channels:
        """Those that Discord keeps for adults (NSFW)."""


class NoViews:
    """Where there are no channels, such as on the command line."""

    async def viewed_by(self, person: int, guild: int, channels: Collection[int]) -> Channels:  # noqa: ARG002
        """None."""
        return NONE

    async def viewed_by_all(self, channel: int, guild: int, channels: Collection[int]) -> Channels:  # noqa: ARG002
        """None."""
        return NONE

    async def for_adults(self, channels: Collection[int]) -> Channels:  # noqa: ARG002
        """None."""
        return NONE
