"""A captioner: a network that says what a picture shows, loaded from a folder.

The invariant: the same files and the same picture give the same words; nothing is drawn from a
generator, and no code of a folder's is run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL import Image

from generation.families.architecture import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Captioned:
    """What a captioner said; no words: it cannot tell."""

    words: str
    sure: float  # 0 to 1: how likely it holds its own words


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionerAtHand:
    """A captioner whose numbers are on a device."""

    folder: Path
    module: Any
    device: torch.device
    dtype: torch.dtype


class Captioner(Protocol):
    """How networks of one model_type are built, and asked."""

    @property
    def network(self) -> Network:
        """The class that they are of."""

    def build(self, config: Path) -> Any:
        """What the class is built from, by the folder's config.json.  Raises UnusableWeights."""

    def describe(self, it: CaptionerAtHand, picture: Image.Image) -> Captioned:
        """What the picture, RGB and upright, shows."""


def network_of_transformers(module: str, name: str) -> Network:
    """A class of transformers, of which a folder has the numbers under the class's own names."""
    return Network(
        module=f"transformers.models.{module}",
        name=name,
        weights="model",
        tensors=lambda _: None,
        settings=None,
    )
