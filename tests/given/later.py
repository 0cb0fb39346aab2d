"""What a later version of this program may call a recipe: one with more, one with less."""

from __future__ import annotations

from dataclasses import dataclass, field

from generation.picture import Environment
from generation.recipe import Adapter, Recipe, Sampling
from generation.spelling import FLAT


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterAdapter(Adapter):
    """One with optional fields more."""

    decay: float | None
    layers: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterSampling(Sampling):
    """One with an optional field more."""

    churn: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hologram:
    """A section that no recipe has yet."""

    frames: int
    fps: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterRecipe(Recipe):
    """What a later version of this program may call a recipe."""

    adapters: tuple[LaterAdapter, ...]
    sampling: LaterSampling | None = field(metadata=FLAT)
    hologram: Hologram | None
    tiles: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterEnvironment(Environment):
    """One with a fact more, which machines may or may not have."""

    quantiser: str | None
