"""What must be loaded for a recipe, as one text: the same for recipes that share it.

    "fp16 <checkpoint> <component> ... vae:<vae> upscaler:<upscaler> controlnet:<net> ..."
                                                                 its precision, then digests

Queue, seats and workers tell models apart by it.  The invariant: recipes of one key are drawn with
the same weights in the same precision, their LoRAs and embeddings aside, so whoever is warm for one
is warm for all of them.
"""

from __future__ import annotations

from typing import NewType

from generation.recipe import Recipe, Sha256, Weights

ModelKey = NewType("ModelKey", str)

_VAE, _UPSCALER, _CONTROLNET = "vae:", "upscaler:", "controlnet:"
# What keys look like, as a regular expression.
_BESIDE = "".join(f"( {name}[0-9a-f]{{64}})?" for name in (_VAE, _UPSCALER))
FORM = rf"(fp32|fp16|bf16)( [0-9a-f]{{64}}){{1,32}}{_BESIDE}( {_CONTROLNET}[0-9a-f]{{64}}){{0,32}}"


def model_key(recipe: Recipe) -> ModelKey:
    """What drawing a recipe needs."""
    files = [weights.sha256 for weights in (recipe.checkpoint, *recipe.parts_apart)]
    vae = [] if recipe.vae is None else [_VAE + recipe.vae.sha256]
    larger = recipe.enlarging.upscaler if recipe.enlarging is not None else None
    upscaler = [] if larger is None else [_UPSCALER + larger.sha256]
    steering = [_CONTROLNET + weights.sha256 for weights in recipe.controlnets]
    return ModelKey(" ".join([recipe.precision, *files, *vae, *upscaler, *steering]))


def key_of(alone: Weights) -> ModelKey:
    """What weights need that no recipe names; in which precision they run, is the worker's."""
    return ModelKey(f"fp32 {alone.sha256}")


def weights_of(key: ModelKey) -> tuple[Sha256, ...]:
    """The digests of its weights, the checkpoint's first."""
    return tuple(Sha256(digest.rpartition(":")[2]) for digest in key.split(" ")[1:])
