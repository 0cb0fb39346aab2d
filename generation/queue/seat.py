"""What the queue must know of a device to choose its next job."""

from __future__ import annotations

from collections.abc import Collection
from typing import NewType, Protocol

from generation.model_key import ModelKey

SeatId = NewType("SeatId", str)


class Seat(Protocol):
    """One device; it draws one job at a time and may hold others parked at a step boundary."""

    @property
    def id(self) -> SeatId:
        """The seat's name."""

    def is_warm(self, model: ModelKey) -> bool:
        """Whether these weights can draw at once."""

    def swap_seconds(self, model: ModelKey) -> float:
        """Predicted seconds until they could; 0.0 when they are warm."""

    def can_draw(self, model: ModelKey) -> bool:
        """Whether they fit into its memory."""

    def holds(self, models: Collection[ModelKey]) -> bool:
        """Whether all of them fit at once, so that no swap would ever be needed."""
