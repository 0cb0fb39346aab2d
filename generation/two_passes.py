"""A film in two passes: drawn at half its sides, its latents enlarged, and drawn on at all of them.

    words -> noise --sampling--> latents of half the sides -> twice the sides --second--> the film

A picture that the film begins with is held whole in the second.

Pure.  The invariant: each pass is a recipe of its own that differs from the whole one in its size,
its sampling, its LoRAs and what is held alone, so that whatever knows a recipe of one pass knows
how to draw it.
"""

from __future__ import annotations

from dataclasses import replace

from generation.errors import NoEnlarger
from generation.families.architecture import Architecture, Stage
from generation.recipe import Adapter, Canvas, Recipe, Weights, needed
from generation.spans import EXPERTS, TWICE


def passes(recipe: Recipe) -> tuple[Recipe, ...]:
    """The recipe of each pass; of a recipe of one pass itself."""
    if recipe.second is None:
        return (recipe,)
    sampling, second = needed(recipe.sampling), recipe.second
    drawn_on = replace(
        sampling,
        sampler=second.sampler,
        sigmas=second.sigmas,
        steps=second.steps,
        cfg=second.cfg,
    )
    first, last = EXPERTS
    small, motion = smaller(needed(recipe.canvas)), needed(recipe.motion)
    return (
        replace(recipe, canvas=small, adapters=_on(recipe, first), second=None),
        replace(
            recipe,
            sampling=drawn_on,
            variations=(),
            motion=replace(motion, held=None),
            adapters=_on(recipe, last),
            second=None,
        ),
    )


def _on(recipe: Recipe, turn: str) -> tuple[Adapter, ...]:
    mine = (one for one in recipe.adapters if one.expert in (None, turn))
    return tuple(replace(one, expert=None) for one in mine)


def lacking(model: str, built: Architecture) -> NoEnlarger:
    """What is said of a model of that architecture that has nothing to enlarge its latents."""
    [part] = built.at(Stage.ENLARGE)
    return NoEnlarger(model, part.usual_file({}))


def with_enlarger(components: tuple[Weights, ...], enlarger: Weights) -> tuple[Weights, ...]:
    """The components of a recipe in two passes: what enlarges between them is the last."""
    return (*components, enlarger)


def without_enlarger(recipe: Recipe) -> tuple[tuple[Weights, ...], Weights | None]:
    """The components that it would have in one pass, and what enlarges between its two."""
    if recipe.second is None or not recipe.components:
        return recipe.components, None
    return recipe.components[:-1], recipe.components[-1]


def smaller(canvas: Canvas) -> Canvas:
    """The size of the first pass."""
    return Canvas(width=canvas.width // TWICE, height=canvas.height // TWICE)
