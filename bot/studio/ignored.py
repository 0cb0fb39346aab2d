"""What was asked for and has no effect, or another one than it says: noted, never dropped.

Pure; the sentences are in `bot.studio.notes`.  A picture that is as it was asked for has none.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.studio import notes
from bot.studio.wishes import SEEDS, Wish
from generation import names
from generation.draft import DraftCanvas, DraftSampling, DraftWords
from generation.recipe import MAX_SEED, Recipe, Sampling


def ignored(wish: Wish, recipe: Recipe) -> Iterator[str]:
    """The notes on a wish and the first recipe that came of it."""
    words, canvas, asked = wish.draft.words, wish.draft.canvas, wish.draft.sampling
    if asked.denoise is not None and not wish.draft.inputs:
        yield notes.denoise_without_a_picture(asked.denoise)
    if wish.best_of is not None and wish.count not in (None, wish.best_of):
        yield notes.counted_twice(wish.best_of)
    if wish.seed is not None and wish.seed > MAX_SEED:
        yield notes.folded_seed(wish.seed, wish.seed % SEEDS)
    if wish.size is not None and canvas != DraftCanvas() and recipe.canvas is not None:
        yield notes.size_said_twice(recipe.canvas.width, recipe.canvas.height)
    if recipe.sampling is not None:
        yield from _in_sampling(words, asked, recipe.sampling)


def _in_sampling(words: DraftWords, asked: DraftSampling, drawn: Sampling) -> Iterator[str]:
    if words.negative_prompt and words.negative_prompt.strip() and not drawn.guided:
        yield notes.negative_without_guidance()
    if asked.steps is not None and asked.steps != drawn.steps:
        yield notes.other_steps(asked.steps, drawn.steps, drawn.scheduler)
    if asked.sampler is not None and asked.scheduler is not None:
        brought = names.sampler(asked.sampler).scheduler
        if brought is not None and brought != drawn.scheduler:
            yield notes.scheduler_said_twice(asked.sampler, drawn.scheduler)
