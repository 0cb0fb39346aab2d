"""What was asked for and has no effect, or another one than it says: noted, never dropped.

Pure; the sentences are in `bot.studio.notes`.  A picture that is as it was asked for has none.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.studio import notes
from bot.studio.wishes import SEEDS, Wish
from generation import names
from generation.recipe import MAX_SEED, Recipe


def ignored(wish: Wish, recipe: Recipe) -> Iterator[str]:
    """The notes on a wish and the first recipe that came of it."""
    asked = wish.draft
    if asked.denoise is not None and not asked.inputs:
        yield notes.denoise_without_a_picture(asked.denoise)
    if wish.seed is not None and wish.seed > MAX_SEED:
        yield notes.folded_seed(wish.seed, wish.seed % SEEDS)
    if asked.negative_prompt and asked.negative_prompt.strip() and recipe.cfg == 1.0:
        yield notes.negative_without_guidance()
    if wish.size is not None and (asked.width is not None or asked.height is not None):
        yield notes.size_said_twice(recipe.width, recipe.height)
    if asked.steps is not None and asked.steps != recipe.steps:
        yield notes.other_steps(asked.steps, recipe.steps, recipe.scheduler)
    if asked.sampler is not None and asked.scheduler is not None:
        brought = names.sampler(asked.sampler).scheduler
        if brought is not None and brought != recipe.scheduler:
            yield notes.scheduler_said_twice(asked.sampler, recipe.scheduler)
