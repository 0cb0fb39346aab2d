"""The card of a model: what its owner says of it, in TOML beside the weights.

    family = "starter"         a key of generation.families.family; else it is told from the weights
    title = "Starter"          what people read; else the name of the file
    kind = "checkpoint"        only for a file whose tensors do not tell
    prediction = "v_prediction"    of a checkpoint that does not say it of itself, or "epsilon"
    noise = "scaled-linear-zsnr"   the same: trained to zero terminal SNR; or "scaled-linear"
    vae = "fine-vae"           the VAE that is used with a checkpoint unless somebody names one
    components = ["t5xxl"]     which files are its text encoders (or its VAE), of a checkpoint that
                               lacks them, where several could be: by their names
    dialect = "pony"           of a checkpoint: how it wants to be spoken to, where that is not as
                               its family is: pony, illustrious, noobai, ... (docs/prompting.md)
    trigger = "m40z1d4n"       of a LoRA: what it listens to, where its header does not tell; commas
    mode = "lightning"         of a checkpoint or LoRA that draws in few steps: generation.modes
    base = "SDXL Lightning"    the same, as CivitAI calls its base model; others say nothing
    strength = 0.125           of a LoRA, where nobody names one
    expert = "high"            of a LoRA: which of two denoisers it is for, where its name does not
                               tell; or "low"
    licence = "apache-2.0"     told, and decides nothing: so are source (where it was fetched),
                               preview (a picture's address) and base_model (what it is made of)
    steps = 4                  what is usual for a checkpoint, unless somebody says otherwise: any
    cfg = 1.0                  setting of a draft by its name, such as sampler, width or negative;
    sampler = "lcm"            for a LoRA, as long as it is on: how to sample, and no other

A card is no part of a model's digest: what decides pixels goes into each recipe.  A key that is
not written here is an error, so that no wish of an owner is dropped without a word.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from generation.bounds import NOISES_OF_CARDS
from generation.catalog.loras.triggers import split_triggers
from generation.catalog.recognition import KINDS, Anatomy
from generation.draft import (
    SECTIONS,
    UNSAID,
    Checkpoint,
    Draft,
    check_settings,
    draft_of,
    named,
    usual_of,
)
from generation.errors import NoSuchName, Unacceptable, UnknownWeights, UnusableWeights
from generation.families.architecture import Architecture, Stage
from generation.families.family import FAMILIES
from generation.layers import filled
from generation.modes import MODES, Distilled, of_base
from generation.names import USUAL
from generation.parameters import (
    PARAMETERS,
    PROMPT,
    AmountParameter,
    Parameter,
    TextParameter,
)
from generation.recipe import MAX_STRENGTH, PREDICTIONS
from generation.spans import EXPERTS
from generation.tasks import PARTS

CARD = "atelier.toml"
_KNOWN: dict[str, tuple[str, ...]] = {
    "family": tuple(FAMILIES),
    "kind": KINDS,
    "prediction": PREDICTIONS,
    "noise": NOISES_OF_CARDS,
    "mode": tuple(MODES),
    "expert": EXPERTS,
}
_TEXTS = (
    *("family", "kind", "title", "prediction", "noise", "vae", "trigger", "dialect"),
    *("mode", "base", "expert"),
    *("licence", "source", "base_model", "preview"),
)
_SETTINGS = {
    row.name: row for row in PARAMETERS.values() if row.section in SECTIONS and row is not PROMPT
}
_COMPONENTS = "components"
# wan2.2_lightx2v_4steps_high_noise, style-LowNoise
_NOISE_NAMED = re.compile(r"(?<![a-z])(high|low)[ _.-]?noise(?![a-z])", re.IGNORECASE)
KEYS = (*_TEXTS, _COMPONENTS, "strength", *_SETTINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What an owner says of a model."""

    family: str | None = None
    title: str | None = None
    kind: str | None = None
    prediction: str | None = None
    noise: str | None = None
    vae: str | None = None
    trigger: str | None = None
    dialect: str | None = None
    components: tuple[str, ...] = ()
    mode: str | None = None
    base: str | None = None
    licence: str | None = None
    source: str | None = None
    base_model: str | None = None
    preview: str | None = None
    strength: float | None = None
    expert: str | None = None
    usual: Draft = UNSAID

    @property
    def of_checkpoints(self) -> tuple[str, ...]:
        """The keys that it has and that only a checkpoint can have."""
        keys = ("noise", "prediction", "vae", "dialect")
        told = [key for key in keys if getattr(self, key) is not None]
        told += ["components"] if self.components else []
        return tuple(told)

    @property
    def distilled(self) -> Distilled | None:
        """The mode that it names."""
        if self.mode is not None:
            return Distilled(mode=MODES[self.mode])
        return of_base(self.base) if self.base is not None else None

    def check_usual_of(self, kind: str, name: str) -> None:
        """Raise UnusableWeights for settings that a file of that kind cannot have."""
        sampling = replace(UNSAID, sampling=self.usual.sampling)
        if kind not in ("checkpoint", "lora", *PARTS) and (self.usual != UNSAID or self.mode):
            raise UnusableWeights(
                name, "its card says usual settings, and it is no checkpoint or LoRA"
            )
        if kind in ("lora", *PARTS) and self.usual != sampling:
            title = "LoRA" if kind == "lora" else f"{kind} module"
            told = f"its card says of a {title} more than how to sample with it"
            raise UnusableWeights(name, told)
        if kind != "lora" and self.strength is not None:
            raise UnusableWeights(name, "its card says strength, and it is no LoRA")
        if kind != "lora" and self.expert is not None:
            raise UnusableWeights(name, "its card says expert, and it is no LoRA")


def read_card(path: Path, name: str) -> Card:
    """What the card says; nothing without one.  Raises UnusableWeights when it cannot be read."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Card()
    except (OSError, ValueError) as error:
        raise UnusableWeights(name, f"its card {CARD} is not readable: {error}"[:200]) from error
    unknown = sorted(data.keys() - set(KEYS))
    if unknown:
        raise UnusableWeights(
            name, f"its card {CARD} says {unknown[0]:.40}; what is known: {', '.join(KEYS)}"
        )
    texts = {key: data[key] for key in _TEXTS if key in data}
    for key, value in texts.items():
        if not isinstance(value, str) or not value:
            raise UnusableWeights(name, f"its card {CARD} gives no text as {key}")
    for key, known in _KNOWN.items():
        if data.get(key, known[0]) not in known:
            raise UnusableWeights(
                name, f"its card's {key} {data[key]!r:.40} is none of {', '.join(known)}"
            )
    return Card(
        **texts,
        components=_components(data, name),
        strength=_strength(data, name),
        usual=_usual(data, name),
    )


def _components(data: Mapping[str, object], name: str) -> tuple[str, ...]:
    """The names of components.  Raises UnusableWeights."""
    said = data.get(_COMPONENTS, [])
    names = said if isinstance(said, list) else [said]
    if not all(isinstance(one, str) and one for one in names):
        raise UnusableWeights(name, f"its card {CARD} gives no names as {_COMPONENTS}")
    return tuple(names)


def _strength(data: Mapping[str, object], name: str) -> float | None:
    said = data.get("strength")
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float) or abs(said) > MAX_STRENGTH:
        raise UnusableWeights(
            name, f"its card's strength is no number from {-MAX_STRENGTH:g} to {MAX_STRENGTH:g}"
        )
    return float(said)


def _usual(data: Mapping[str, object], name: str) -> Draft:
    """The settings of a card as a draft.  Raises UnusableWeights."""
    said = {key: data[key] for key in _SETTINGS if key in data}
    for key, value in said.items():
        kind, what = _kind_of(_SETTINGS[key])
        if not isinstance(value, kind) or isinstance(value, bool):
            raise UnusableWeights(name, f"its card {CARD} gives no {what} as {key}")
    draft = draft_of(said)
    try:
        sampling = named(draft.sampling)
    except NoSuchName as error:
        unknown = f"{error.name!r:.40}, which is none"
        raise UnusableWeights(name, f"its card names the {error.kind} {unknown}") from error
    scheduler = sampling.scheduler if sampling.scheduler != USUAL else None
    return replace(draft, sampling=replace(sampling, scheduler=scheduler))


def _kind_of(row: Parameter) -> tuple[type | tuple[type, ...], str]:
    match row:
        case TextParameter():
            return str, "text"
        case AmountParameter():
            return (int, float), "number"
        case _:
            return int, "whole number"


def check_usual(model: Checkpoint) -> None:
    """Raise UnusableWeights where what a card says is usual cannot be drawn with the model."""
    try:
        check_settings(usual_of(model), model)
    except Unacceptable as error:
        name = model.weights.name
        raise UnusableWeights(name, f"its card's settings are refused: {error}"[:200]) from error


def as_carded(anatomy: Anatomy, card: Card, name: str) -> Anatomy:
    """The anatomy, corrected by what the card says."""
    family = card.family or anatomy.family
    if anatomy.kind == "checkpoint":
        built, called = FAMILIES[anatomy.family].architecture, FAMILIES[family].architecture
        if built is not called:
            raise UnusableWeights(name, f"its card says {family}, its tensors {anatomy.family}")
        if built.noise.prediction == "flow" and (card.prediction or card.noise):
            said = "prediction" if card.prediction else "noise"
            title = FAMILIES[family].title
            raise UnusableWeights(name, f"its card says {said}, and {title} has its own")
        if built.by_prediction:
            anatomy = _of_prediction(anatomy, built, card, name)
            family = card.family or anatomy.family
    elif told := card.of_checkpoints:
        raise UnusableWeights(name, f"its card says {told[0]}, and it is no checkpoint")
    if anatomy.kind == "vae" and card.family:
        built = FAMILIES[card.family].architecture
        if built.name not in anatomy.built:
            raise UnusableWeights(name, f"its card says {family}, whose VAE has other tensors")
    card.check_usual_of(anatomy.kind, name)
    kind = card.kind or anatomy.kind
    if kind != anatomy.kind:
        raise UnusableWeights(name, f"its card calls it a {kind}, and it is a {anatomy.kind}")
    if card.trigger and kind != "lora":
        raise UnusableWeights(name, "its card says trigger, and it is no LoRA")
    return replace(
        anatomy,
        family=family,
        triggers=split_triggers(card.trigger) if card.trigger else anatomy.triggers,
        prediction=card.prediction or anatomy.prediction,
        noise=card.noise or anatomy.noise,
        vae=card.vae,
        dialect=card.dialect or anatomy.dialect,
        components=card.components,
        expert=card.expert or (_in_name(name) if kind == "lora" and _paired(family) else None),
        **_usually(anatomy, card, family),
    )


def _paired(family: str) -> bool:
    """Whether models of the family may have two denoisers."""
    return family in FAMILIES and bool(FAMILIES[family].architecture.at(Stage.REFINE))


def _in_name(name: str) -> str | None:
    """Which of two denoisers a LoRA is for, as people call those that come in pairs.

    Their tensors and heads are alike, so that nothing else tells.
    """
    said = {found[1].casefold() for found in _NOISE_NAMED.finditer(name)}
    return said.pop() if len(said) == 1 else None


def _usually(anatomy: Anatomy, card: Card, family: str) -> dict[str, Any]:
    """How it is drawn with: as its card says, then as its mode does."""
    found, usual, strength = card.distilled or anatomy.distilled, card.usual, 1.0
    if found is not None and family in FAMILIES:
        flows = FAMILIES[family].flows
        usual = filled(Draft, [("card", usual), ("mode", found.usual(flows=flows))]).value
        strength = found.strength(flows=flows) if anatomy.kind == "lora" else 1.0
    return {
        "distilled": found,
        "usual": usual,
        "strength": strength if card.strength is None else card.strength,
    }


def _of_prediction(anatomy: Anatomy, built: Architecture, card: Card, name: str) -> Anatomy:
    """With the family of what it predicts: as it says itself, or else as its card does."""
    carded = card.prediction or built.predicts(card.family or "")
    # Those that are made for something else come of those that predict the noise.
    made = "epsilon" if anatomy.channels in built.purposes else None
    predicts = card.prediction or anatomy.says or carded or made
    if predicts is None:
        choices = " or ".join(
            f'"{what}" for {FAMILIES[family].title}' for what, family in built.by_prediction.items()
        )
        raise UnknownWeights(
            name, f"nothing in it tells what it predicts: its card may, as prediction = {choices}"
        )
    said = anatomy.prediction if anatomy.says is not None else predicts
    return replace(
        anatomy, family=built.by_prediction.get(predicts, anatomy.family), prediction=said
    )
