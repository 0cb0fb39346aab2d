"""How well words fit a picture, as a value and as columns; and in which order pictures are shown.

The invariant: a picture has one score or none, and whoever lists pictures of a request lists them
`BEST_FIRST`: so that a place in a message means one picture, wherever it is read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from generation.recipe import Sha256, Weights

# Of pictures p and their tickets t.  Without scores it is the order of the recipes.
BEST_FIRST = "p.score IS NULL, p.score DESC, t.ordinal"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureScore:
    """How well the wish's words say what the picture shows."""

    value: float
    scorer: Weights


def scorer_text(scorer: Weights | None) -> str | None:
    """The scorer as a column holds it."""
    if scorer is None:
        return None
    return json.dumps({"name": scorer.name, "sha256": scorer.sha256})


def scorer_in(text: str | None) -> Weights | None:
    """What `scorer_text` wrote."""
    if text is None:
        return None
    said = json.loads(text)
    return Weights(name=str(said["name"]), sha256=Sha256(str(said["sha256"])))
