"""How far "subtle" and "strong" go, with the built-in model and its judge.

python -m pytest tests/test_vary_strength.py -s -m slow     the table of docs/changing.md
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bot.studio.reshaping import ON_THE_ARC, Distance
from generation.media.colour import apart
from generation.recipe import Recipe, Variation
from tests.given.starter_pictures import drawn, parents, seen

COUNT = int(os.environ.get("VARIED", "60"))
VISIBLE = 5.0  # mean delta E of a whole picture: two that lie side by side are told apart


def upon(recipe: Recipe, strength: float) -> Recipe:
    further = Variation(seed=recipe.seed + 1_000_000, strength=strength)
    return replace(recipe, variations=(further,))


def kept(before: Sequence[Image.Image], after: Sequence[Image.Image]) -> dict[str, float]:
    """Shares of the pictures that show the same, and that look another."""
    pairs = list(zip(seen(before), seen(after), strict=True))
    away = [float(apart(one, two).mean()) for one, two in zip(before, after, strict=True)]

    def share(*kinds: str) -> float:
        return float(np.mean([all(a[kind] == b[kind] for kind in kinds) for a, b in pairs]))

    return {
        "object and colour": share("object", "colour"),
        "all four": share("object", "colour", "background", "style"),
        "another to see": float(np.mean([far >= VISIBLE for far in away])),
        "delta E": float(np.median(away)),
    }


@pytest.mark.slow
def test_subtle_keeps_object_and_colour_and_strong_goes_further() -> None:
    recipes = parents(COUNT)
    before = [drawn(recipe) for recipe in recipes]
    found = {}
    print(f"\n{COUNT} pictures\n| strength | object and colour | all four | another | delta E |")
    for named, strength in ON_THE_ARC.items():
        found[named] = kept(before, [drawn(upon(recipe, strength)) for recipe in recipes])
        shares = " | ".join(f"{value:.2f}" for value in found[named].values())
        print(f"| {named}, {strength} | {shares} |", flush=True)
    subtle, strong = (found[named] for named in (Distance.SUBTLE, Distance.STRONG))
    assert subtle["object and colour"] >= 0.95
    assert strong["another to see"] > subtle["another to see"]
