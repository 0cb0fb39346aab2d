"""Modes: how models and LoRAs that were taught to draw in few steps are drawn with, as data.

A mode is named by a card (`mode = "lightning"`), by the base model that CivitAI says
(`base = "SDXL Lightning"`), or by what a file's header says of itself; never by a file's name.  It
is a draft's settings, which count where a person says none.  Invariant: what a mode says of a flow
and of added noise stands in its one row.

Sources: the cards of LCM, Lightning, Hyper-SD, DMD2, TCD and lightx2v; ComfyUI's templates for
Turbo, FLUX and Qwen-Image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from generation.draft import Draft, DraftSampling
from generation.draft_spans import DraftExperts
from generation.names import sampler_title, scheduler_title


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A way to draw in few steps."""

    name: str
    title: str
    usual: DraftSampling  # of models that see added noise
    flow: DraftSampling  # of flows
    bases: tuple[str, ...] = ()  # what CivitAI calls base models of the kind, in lower case
    words: tuple[str, ...] = ()  # what headers call it beside its name, in lower case
    strength: float = 1.0  # of a LoRA of a flow that brings it


def _few(sampler: str, scheduler: str, steps: int, **more: float) -> DraftSampling:
    return DraftSampling(sampler=sampler, scheduler=scheduler, steps=steps, **({"cfg": 1.0} | more))


# sgm_uniform is "trailing": the steps that these were taught at.
_MODES = (
    Mode(
        name="lcm",
        title="LCM",
        usual=_few("lcm", "sgm_uniform", 4),
        flow=_few("lcm", "simple", 4),
        bases=("sd 1.5 lcm", "sdxl 1.0 lcm"),
        words=("lcm-lora", "latent consistency"),
    ),
    Mode(
        name="turbo",
        title="Turbo",
        usual=_few("euler_ancestral", "sgm_uniform", 4),
        flow=_few("euler", "simple", 8),
        bases=("sdxl turbo", "sd 2.1 turbo"),
        words=("sd-turbo", "sdxl-turbo", "flux turbo", "turbo-alpha"),
    ),
    Mode(
        name="lightning",
        title="Lightning",
        usual=_few("euler", "sgm_uniform", 4),
        # Taught under exp(ln 3) at every size.
        flow=_few("euler", "simple", 4, shift=3.0),
        bases=("sdxl lightning",),
    ),
    Mode(
        name="hyper",
        title="Hyper",
        usual=_few("ddim", "sgm_uniform", 8),
        flow=_few("euler", "simple", 8),
        bases=("sd 1.5 hyper", "sdxl hyper"),
        words=("hyper-sd", "hyper-sdxl", "hyper-flux"),
        strength=0.125,
    ),
    Mode(
        name="dmd2",
        title="DMD2",
        usual=_few("lcm", "sgm_uniform", 4),
        flow=_few("lcm", "simple", 4),
        words=("dmd",),
    ),
    Mode(
        name="tcd",
        title="TCD",
        # Its own sampler with gamma 0 is this one.
        usual=_few("ddim", "sgm_uniform", 4),
        flow=_few("euler", "simple", 4),
        words=("trajectory consistency",),
    ),
    Mode(
        name="lightx2v",
        title="lightx2v",
        usual=_few("euler", "sgm_uniform", 4),
        flow=_few("euler", "simple", 4, shift=5.0),
        words=("step distill", "self-forcing", "causvid"),
    ),
)
MODES: Mapping[str, Mode] = {mode.name: mode for mode in _MODES}

_SAYS = (
    *("modelspec.title", "modelspec.description", "modelspec.usage_hint", "modelspec.tags"),
    *("modelspec.architecture", "modelspec.implementation", "ss_training_comment", "base_model"),
)
_STEPS = re.compile(r"(?<!\d)(\d{1,2})[ -]?steps?\b")
_MOST_STEPS = 16  # of a mode; more are no few
_READ = 2000  # characters of what a header says


@dataclass(frozen=True, slots=True, kw_only=True)
class Distilled:
    """A mode, and the steps that its file was taught for, where it says so."""

    mode: Mode
    steps: int | None = None

    def usual(self, *, flows: bool) -> Draft:
        """What it says of a family."""
        settings = self.mode.flow if flows else self.mode.usual
        if self.steps is not None:
            settings = replace(settings, steps=self.steps)
        # Of a model with two denoisers both were taught.
        return Draft(sampling=settings, experts=DraftExperts(cfg=settings.cfg))

    def strength(self, *, flows: bool) -> float:
        """That of a LoRA."""
        return self.mode.strength if flows else 1.0


def of_base(said: str) -> Distilled | None:
    """The mode of a base model as CivitAI calls it."""
    plain = " ".join(said.casefold().split())
    return next((Distilled(mode=mode) for mode in _MODES if plain in mode.bases), None)


def of_header(metadata: Mapping[str, str]) -> Distilled | None:
    """The mode that a header says, together with a number of steps; a word alone tells nothing.

    ("Lightning" may be the weather.)
    """
    for key in _SAYS:
        said = " ".join(metadata.get(key, "")[:_READ].casefold().replace("_", " ").split())
        if not said:
            continue
        if (base := of_base(said)) is not None:
            return base
        steps = _STEPS.search(said)
        if steps is None or not 0 < int(steps[1]) <= _MOST_STEPS:
            continue
        for mode in _MODES:
            if any(_holds(said, word) for word in (mode.name, *mode.words)):
                return Distilled(mode=mode, steps=int(steps[1]))
    return None


def _holds(said: str, word: str) -> bool:
    return re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", said) is not None


def in_words(title: str, said: DraftSampling) -> str:
    """A mode and what is drawn with, as people read it."""
    return f"{title}: " + ", ".join(
        part
        for part in (
            f"{said.steps} step{'' if said.steps == 1 else 's'}" if said.steps else "",
            f"cfg {said.cfg:g}" if said.cfg is not None else "",
            sampler_title(said.sampler) if said.sampler else "",
            scheduler_title(said.scheduler) if said.scheduler else "",
            f"shift {said.shift:g}" if said.shift is not None else "",
        )
        if part
    )
