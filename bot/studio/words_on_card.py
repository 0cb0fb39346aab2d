"""Where the language model is: what the owner decided, and what follows for the pictures' card.

The invariant: bytes that the language model is to have on a card are bytes that no worker there
takes, and where it is on no card the pictures have all of it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.dispatch.meter import Meter
from bot.dispatch.seats import WorkerSeat
from bot.dispatch.shared_card import LoadedOnCard, SharedCard
from generation.fleet.local_seats import NOTHING_LEFT, Leave, is_on_card
from prompting.errors import Unreadable
from prompting.writers.ggufile import read_header
from prompting.writers.ladder import WriterConfig
from prompting.writers.llama import Device
from prompting.writers.writer import Writer

log = logging.getLogger(__name__)

# What llama.cpp takes of a card beside weights and cache: a context of the driver, and buffers.
BESIDE_BYTES = 700 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The setting `assist_device`, read."""

    kind: str  # "cpu", "gpu" or "idle"
    card: int = 0

    @classmethod
    def of(cls, setting: str) -> Place:
        """`setting` is valid: "cpu", "gpu", "idle:1"."""
        kind, _, card = setting.partition(":")
        return cls(kind=kind, card=int(card or 0))

    @property
    def device(self) -> Device:
        """What the language model's process is told."""
        return "cpu" if self.kind == "cpu" else "gpu"

    def leave(self, config: WriterConfig) -> Leave:
        """What workers leave of the card for the model beside them."""
        if self.kind != "gpu" or not config.model:
            return NOTHING_LEFT
        return Leave(card=self.card, size=bytes_on_card(config))

    def seats(self, seats: Sequence[WorkerSeat]) -> tuple[WorkerSeat, ...]:
        """Those whose workers draw on the card; one of another machine has no device here."""
        return tuple(
            seat for seat in seats if is_on_card(getattr(seat.worker, "device", ""), self.card)
        )

    def shared(self, config: WriterConfig) -> SharedCard | None:
        """The card as the language model is to see it; None where it is on none."""
        if self.kind == "cpu" or not config.model:
            return None
        return SharedCard(only_idle=self.kind == "idle", size=bytes_on_card(config))


def bytes_on_card(config: WriterConfig) -> int:
    """What the configured GGUF takes of a card; 0 where the file cannot be looked at yet."""
    if config.device == "cpu" or config.model.startswith("hub:"):
        return 0
    try:
        header = read_header(Path(config.model))
        layers = header.whole(f"{header.text('general.architecture')}.block_count", 0)
    except (Unreadable, OSError) as error:
        log.warning("no room on the card is kept for %s: %s", config.model, error)
        return 0
    there = layers + 1 if config.gpu_layers is None else config.gpu_layers
    here = min(1.0, there / (layers + 1))
    weights = header.size_bytes + header.cache_bytes(config.context)
    return int(here * weights) + BESIDE_BYTES


def share(card: SharedCard | None, seats: Sequence[WorkerSeat], meter: Meter) -> None:
    """Tell the card who draws on it, where the language model is on one."""
    if card is not None:
        card.shared_with(seats, meter)


def guard(card: SharedCard | None, writer: Writer) -> Writer:
    """The writer, asked only when it may have the card."""
    if card is None or not isinstance(writer, LoadedOnCard):
        return writer
    return card.guarded(writer)
