"""The card of a model: what its owner says of it, in TOML beside the weights.

    family = "starter"         a key of generation.families; else it is told from the weights
    title = "Starter"          what people read; else the name of the file
    kind = "checkpoint"        only for a file whose tensors do not tell

A card is no part of a model's digest: it decides no pixel.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from generation.anatomy import KINDS, Anatomy
from generation.errors import UnusableWeights
from generation.families import FAMILIES

CARD = "atelier.toml"


def read_card(path: Path, name: str) -> dict[str, str]:
    """What the card says; empty without one.  Raises UnusableWeights when it cannot be read."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UnusableWeights(name, f"its card {CARD} is not readable: {error}"[:200]) from error
    card: dict[str, str] = {key: data[key] for key in ("family", "kind", "title") if key in data}
    for key, value in card.items():
        if not isinstance(value, str) or not value:
            raise UnusableWeights(name, f"its card {CARD} gives no text as {key}")
    return card


def as_carded(anatomy: Anatomy, card: Mapping[str, str], name: str) -> Anatomy:
    """The anatomy, corrected by what the card says."""
    family = card.get("family", anatomy.family)
    if "family" in card and family not in FAMILIES:
        raise UnusableWeights(name, f"its family {family!r:.40} is none of {', '.join(FAMILIES)}")
    kind = card.get("kind", anatomy.kind)
    for known in KINDS:
        if kind == known:
            return Anatomy(kind=known, family=family)
    raise UnusableWeights(name, f"its kind {kind!r:.40} is none of {', '.join(KINDS)}")
