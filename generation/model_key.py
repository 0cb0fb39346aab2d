"""What must be loaded for a recipe, as one text: the same for recipes that share it.

    "fp16 <checkpoint> <component> ... vae:<vae>"      its precision, then digests

Queue, seats and workers tell models apart by it.  The invariant: recipes of one key are drawn with
the same weights in the same precision, their adapters aside, so whoever is warm for one is warm for
all of them.
"""

from __future__ import annotations

from typing import NewType

from generation.recipe import Recipe, Sha256

ModelKey = NewType("ModelKey", str)

_VAE = "vae:"
# What keys look like, as a regular expression.
FORM = rf"(fp32|fp16|bf16)( [0-9a-f]{{64}}){{1,32}}( {_VAE}[0-9a-f]{{64}})?"


def model_key(recipe: Recipe) -> ModelKey:
    """What drawing a recipe needs."""
    files = [weights.sha256 for weights in (recipe.checkpoint, *recipe.components)]
    vae = [] if recipe.vae is None else [_VAE + recipe.vae.sha256]
    return ModelKey(" ".join([recipe.precision, *files, *vae]))


def weights_of(key: ModelKey) -> tuple[Sha256, ...]:
    """The digests of its weights, the checkpoint's first."""
    return tuple(Sha256(digest.removeprefix(_VAE)) for digest in key.split(" ")[1:])
