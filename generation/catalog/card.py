"""The card of a model: what its owner says of it, in TOML beside the weights.

    family = "starter"         a key of generation.families.family; else it is told from the weights
    title = "Starter"          what people read; else the name of the file
    kind = "checkpoint"        only for a file whose tensors do not tell
    prediction = "v_prediction"    of a checkpoint that does not say it of itself, or "epsilon"
    noise = "scaled-linear-zsnr"   the same: trained to zero terminal SNR; or "scaled-linear"
    vae = "fine-vae"           the VAE that is used with a checkpoint unless somebody names one

A card is no part of a model's digest: what decides pixels goes into each recipe.  A key that is
not written here is an error, so that no wish of an owner is dropped without a word.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from generation.catalog.recognition import KINDS, Anatomy
from generation.errors import UnknownWeights, UnusableWeights
from generation.families.architecture import Architecture
from generation.families.family import FAMILIES
from generation.recipe import NOISES_OF_CARDS, PREDICTIONS

CARD = "atelier.toml"
_KNOWN: dict[str, tuple[str, ...]] = {
    "family": tuple(FAMILIES),
    "kind": KINDS,
    "prediction": PREDICTIONS,
    "noise": NOISES_OF_CARDS,
}
KEYS = ("family", "kind", "title", "prediction", "noise", "vae")


def read_card(path: Path, name: str) -> dict[str, str]:
    """What the card says; empty without one.  Raises UnusableWeights when it cannot be read."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UnusableWeights(name, f"its card {CARD} is not readable: {error}"[:200]) from error
    unknown = sorted(data.keys() - set(KEYS))
    if unknown:
        raise UnusableWeights(
            name, f"its card {CARD} says {unknown[0]:.40}; what is known: {', '.join(KEYS)}"
        )
    for key, value in data.items():
        if not isinstance(value, str) or not value:
            raise UnusableWeights(name, f"its card {CARD} gives no text as {key}")
    for key, known in _KNOWN.items():
        if data.get(key, known[0]) not in known:
            raise UnusableWeights(
                name, f"its card's {key} {data[key]!r:.40} is none of {', '.join(known)}"
            )
    return data


def as_carded(anatomy: Anatomy, card: Mapping[str, str], name: str) -> Anatomy:
    """The anatomy, corrected by what the card says."""
    family = card.get("family", anatomy.family)
    if anatomy.kind == "checkpoint":
        built, called = FAMILIES[anatomy.family].architecture, FAMILIES[family].architecture
        if built is not called:
            raise UnusableWeights(name, f"its card says {family}, its tensors {anatomy.family}")
        if built.by_prediction:
            anatomy = _of_prediction(anatomy, built, card, name)
            family = card.get("family", anatomy.family)
    elif told := sorted(card.keys() & {"prediction", "noise", "vae"}):
        raise UnusableWeights(name, f"its card says {told[0]}, and it is no checkpoint")
    kind = card.get("kind", anatomy.kind)
    if kind != anatomy.kind:
        raise UnusableWeights(name, f"its card calls it a {kind}, and it is a {anatomy.kind}")
    return replace(
        anatomy,
        family=family,
        prediction=card.get("prediction", anatomy.prediction),
        noise=card.get("noise", anatomy.noise),
        vae=card.get("vae"),
    )


def _of_prediction(
    anatomy: Anatomy, built: Architecture, card: Mapping[str, str], name: str
) -> Anatomy:
    """With the family of what it predicts: as it says itself, or else as its card does."""
    carded = card.get("prediction") or built.predicts(card.get("family", ""))
    # Those that are made for something else come of those that predict the noise.
    made = "epsilon" if anatomy.channels in built.purposes else None
    predicts = card.get("prediction") or anatomy.says or carded or made
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
