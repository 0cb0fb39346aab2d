"""The picture that a reply is about, in plain values: what it was drawn from, as people say it.

Pure.  Invariant: its words and its negative are the person's own, without what a style brought, so
that they can be changed and spoken in the same style again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from generation.families.family import FAMILIES
from generation.families.model_family import Family
from generation.families.sizes import nearest
from generation.samplers import SAMPLERS
from generation.spans import strength_on
from prompting.changing.intents import ShownPicture

WIDEST = 4.0  # width to height; beyond it no model of ours was trained


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLora:
    """A LoRA as people write it."""

    name: str
    strength: float
    expert: str | None = None  # which of two denoisers it changes alone

    @property
    def said(self) -> str:
        """How people write its strength: 0.8, 0.8:high."""
        return strength_on(self.strength, self.expert)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A picture and its settings; None where they are not known, or do not apply."""

    family: str
    prompt: str
    medium: str = "image"  # a key of generation.media.table
    negative: str = ""
    style: str | None = None  # a name of the style library
    width: int
    height: int
    steps: int | None = None
    cfg: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    denoise: float | None = None
    clip_skip: int | None = None
    seconds: float | None = None  # of a clip or a sound
    frames: int | None = None
    fps: float | None = None
    bpm: int | None = None
    seed: int = 0
    count: int = 1  # pictures that the message shows
    model: str | None = None
    loras: tuple[NamedLora, ...] = ()
    before: str | None = None  # the words before the last change
    passes: int | None = None  # in which a clip is drawn
    redraws: bool = False  # whether it began with a picture

    def shaped(self, aspect: float, area: float = 1.0) -> tuple[int, int]:
        """Width and height of that aspect, with about as many pixels; `area` times as many."""
        aspect = min(WIDEST, max(1 / WIDEST, aspect))
        pixels = self.width * self.height * area
        across, down = math.sqrt(pixels * aspect), math.sqrt(pixels / aspect)
        if (known := self.known) is not None:
            return nearest(round(across), round(down), known)
        return max(8, 8 * round(across / 8)), max(8, 8 * round(down / 8))

    @property
    def known(self) -> Family | None:
        """The family as it draws this, if that is one that is drawn here."""
        known = FAMILIES.get(self.family)
        return known.in_passes(self.passes) if known is not None else None

    def shown(self, *, models: Sequence[str] = (), loras: Sequence[str] = ()) -> ShownPicture:
        """As whoever understands replies sees it; `models` and `loras` are names that are here."""
        return ShownPicture(
            prompt=self.prompt,
            medium=self.medium,
            negative=self.negative,
            style=self.style,
            count=self.count,
            before=self.before,
            samplers=tuple(SAMPLERS),
            models=tuple(models),
            loras=(*(lora.name for lora in self.loras), *loras),
        )
