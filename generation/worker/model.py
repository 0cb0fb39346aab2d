"""A loaded checkpoint: its parts, and the engine that draws with them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from generation.families.architecture import Architecture, Purpose, Stage, Trained
from generation.recipe import Sha256
from generation.tasks import IMAGE, VIDEO
from generation.worker.codecs.previews import Previewer, fitted
from generation.worker.engines.engine import Engine
from generation.worker.parts import Parts
from generation.worker.residence import Residence, Residences


@dataclass(frozen=True, slots=True, kw_only=True)
class PartKey:
    """What makes two parts the same one."""

    file: Sha256  # that has its numbers
    part: str
    dtype: torch.dtype  # of the recipes that it draws


@dataclass(eq=False, slots=True, kw_only=True)
class LoadedPart:
    """A network at hand, shared by all models that have it."""

    key: PartKey
    stage: Stage
    module: Any
    tokenizer: Any | None
    residence: Residence
    unpacking_bytes: int = 0  # of its packed layer that takes most while it is at work
    users: int = 0  # jobs that draw with it or are paused with it
    hooks: list[Any] = field(default_factory=list)  # what the adapters that are on hang by

    @property
    def bytes(self) -> int:
        """The size of its weights."""
        return self.residence.bytes


@dataclass(eq=False, slots=True, kw_only=True)
class Model:
    """A loaded checkpoint, shared by all jobs and changed by none (its adapters aside)."""

    architecture: Architecture
    engine: Engine
    loaded: tuple[LoadedPart, ...]  # in the order of the architecture's parts
    trained: Trained  # what its files say
    files: tuple[Path, ...]  # that have its numbers
    parts: Parts = field(init=False)
    previewer: Previewer | None = None
    adapters: dict[Hashable, Any] = field(default_factory=dict)  # at hand, each by its place

    def __post_init__(self) -> None:
        tokenizers = {part.key.part: part.tokenizer for part in self.loaded}
        self.parts = Parts(
            modules={part.key.part: part.module for part in self.loaded},
            tokenizers={name: each for name, each in tokenizers.items() if each is not None},
        )

    @property
    def residence(self) -> Residences:
        """Where all of its parts are."""
        return Residences([part.residence for part in self.loaded])

    @property
    def bytes(self) -> int:
        """The size of all weights."""
        return sum(part.bytes for part in self.loaded)

    def at(self, stage: Stage) -> tuple[LoadedPart, ...]:
        """The parts that a stage needs."""
        return tuple(part for part in self.loaded if part.stage is stage)

    @property
    def scale(self) -> int:
        """Pixels of a latent pixel's side."""
        return self.engine.scale(self.parts)

    @property
    def denoiser(self) -> Any:
        """The network that is called in every step."""
        return self.parts[self.architecture.denoiser.name]

    @property
    def purpose(self) -> Purpose | None:
        """What it is made for, where it does not draw from words or over a picture."""
        config = self.parts.configs[self.architecture.denoiser.name]
        return self.architecture.purposes.get(self.architecture.channels(config) or 0)

    @property
    def device(self) -> torch.device:
        """Where it draws."""
        found: torch.device = self.denoiser.device
        return found

    @property
    def draws_pixels(self) -> bool:
        """Whether there is a picture to see of its latents."""
        return self.architecture.medium in (IMAGE, VIDEO)

    def fit_previewer(self) -> Previewer:
        """What makes its previews; fitted when it is first on the device."""
        if self.previewer is None:
            self.previewer = fitted(
                lambda pixels: self.engine.encode(self.parts, pixels, None), self.scale
            )
        return self.previewer
