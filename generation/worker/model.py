"""A loaded checkpoint: its parts, the engine that draws with them, and where its numbers are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from generation.families.architecture import Architecture, Trained
from generation.recipe import Sha256
from generation.worker.codecs.previews import Previewer, fitted
from generation.worker.engines.engine import Engine
from generation.worker.parts import Parts
from generation.worker.residence import Residences


@dataclass(eq=False, slots=True, kw_only=True)
class Model:
    """A loaded checkpoint, shared by all jobs and changed by none (its adapters aside)."""

    architecture: Architecture
    engine: Engine
    parts: Parts
    trained: Trained  # what its files say
    residence: Residences
    previewer: Previewer | None = None
    adapters: dict[Sha256, Any] = field(default_factory=dict)  # LoRAs at hand, by digest
    hooks: list[Any] = field(default_factory=list)  # what those that are on hang by
    users: int = 0  # jobs that draw with it or are paused with it

    @property
    def bytes(self) -> int:
        """The size of all weights."""
        return self.residence.bytes

    @property
    def scale(self) -> int:
        """Pixels of a latent pixel's side."""
        return self.engine.scale(self.parts)

    @property
    def denoiser(self) -> Any:
        """The network that is called in every step."""
        return self.parts[self.architecture.denoiser.name]

    @property
    def device(self) -> torch.device:
        """Where it draws."""
        found: torch.device = self.denoiser.device
        return found

    def fit_previewer(self) -> Previewer:
        """What makes its previews; fitted when it is first on the device."""
        if self.previewer is None:
            self.previewer = fitted(
                lambda pixels: self.engine.encode(self.parts, pixels, None), self.scale
            )
        return self.previewer
