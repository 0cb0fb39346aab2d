"""diffusers' pipelines of flows, around the worker's own parts: the other side of comparisons.

They walk the recipe's sigmas.  Guidance is given as each pipeline means it, by the test.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from generation.media.photos import load
from generation.recipe import Recipe, needed
from generation.sigmas import expand
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded
from tests.given.builders import changed, levels_of
from tests.given.partly import a_mask_on_the_grid, masked, white_in
from tests.given.plain_diffusers import forced
from tests.given.worker_process import a_photo, redrawing

Pixels = NDArray[np.uint8]

WIDTH, HEIGHT = 96, 64
PHOTO = a_photo()
MASK = a_mask_on_the_grid(WIDTH, HEIGHT, (32, 16, 64, 48))  # whole tokens of 16 pixels


def a_flow(architecture: str, **changes: Any) -> Recipe:
    """A recipe of the tiny model of that architecture, guided by a negative prompt."""
    base = loaded.recipe_of(architecture)
    sampler, scheduler = changes.get("sampler", "euler"), changes.get("scheduler", "simple")
    noise = levels_of(base.family, WIDTH * HEIGHT, 4)
    sigmas = expand(sampler, scheduler, steps=4, denoise=1.0, noise=noise)
    given = {
        "sampler": sampler,
        "scheduler": scheduler,
        "sigmas": sigmas,
        "steps": len(sigmas) - 1,
        "prompt": "a red cat",
        "negative_prompt": "dog",
        "syntax": "plain",
        "width": WIDTH,
        "height": HEIGHT,
    }
    return changed(base, **given | changes)


def over_a_photo(recipe: Recipe) -> Recipe:
    return redrawing(recipe, PHOTO)


def of_a_part(recipe: Recipe) -> Recipe:
    return masked(recipe, PHOTO, MASK, blur=0.0, denoise=0.6, steps=4)


def photo() -> Any:
    """The picture that is drawn over, as the pipelines are given it."""
    return load(PHOTO, width=WIDTH, height=HEIGHT, fit="cover")


def mask() -> Any:
    return load(MASK, width=WIDTH, height=HEIGHT, fit="cover").convert("L")


def noise_of(recipe: Recipe, *shape: int) -> torch.Tensor:
    """The worker's first draw."""
    return torch.randn((1, *shape), generator=torch.Generator().manual_seed(recipe.seed))


def pipeline(model: Model, name: str, recipe: Recipe, *, before: int = 0, **more: Any) -> Any:
    """The pipeline of that name; `before`: steps that it passes over, and `more` its settings."""
    import diffusers

    sigmas = needed(recipe.sampling).sigmas
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0)
    parts: dict[str, Any] = dict(model.parts.modules)
    for encoder, tokenizer in model.parts.tokenizers.items():
        parts[encoder.replace("text_encoder", "tokenizer")] = tokenizer
    walked = forced(scheduler, [sigmas[0]] * before + list(sigmas))
    found = getattr(diffusers, name)(scheduler=walked, **parts, **more)
    found.set_progress_bar_config(disable=True)
    return found


def drawn(recipe: Recipe, model: Model, *inputs: bytes) -> Pixels:
    """The worker's picture."""
    content = render(recipe, inputs, model, on_step=lambda *_: None).content
    canvas = needed(recipe.canvas)
    return np.frombuffer(content, np.uint8).reshape(canvas.height, canvas.width, 3)


def decoded(model: Model, latents: torch.Tensor) -> Pixels:
    """The pixels of whole latents, by the worker, wherever their numbers lie in memory."""
    with torch.inference_mode():
        content = model.engine.decode(model.parts, latents.contiguous()).content
    return np.frombuffer(content, np.uint8).reshape(HEIGHT, WIDTH, 3)


def differing(ours: Pixels, theirs: Any, recipe: Recipe | None = None) -> int:
    """How many values are others; with a recipe of a part, of those inside its mask."""
    other = np.asarray(theirs)
    if recipe is None:
        return int(np.count_nonzero(ours != other))
    area = white_in(MASK, recipe)
    return int(np.count_nonzero(ours[area] != other[area]))
