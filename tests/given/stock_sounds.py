"""The stock pipelines of sounds, around the worker's own parts: the other side of comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from generation.media.sounds import content_of
from generation.recipe import Recipe, needed
from generation.sigmas import expand
from generation.spans import Sound
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded
from tests.given.builders import changed, levels_of

Samples = NDArray[np.int16]  # (frames, channels)


def a_sound_of(architecture: str, **changes: Any) -> Recipe:
    """A recipe of the tiny model of that architecture, of half a second."""
    base = loaded.recipe_of(architecture)
    steps, sampler = changes.get("steps", 3), changes.get("sampler", "euler")
    noise = levels_of(base.family, 1, steps)
    given: dict[str, Any] = {
        "sampler": sampler,
        "scheduler": "even",
        "sigmas": expand(sampler, "even", steps=steps, denoise=1.0, noise=noise),
        "steps": steps,
        "cfg": 1.0,
        "prompt": "a red cat",
        "syntax": "plain",
    }
    return changed(base, **given | changes)


def noise_of(recipe: Recipe, model: Model) -> torch.Tensor:
    """The worker's first draw."""
    shape = model.engine.noise_shape(model.parts, recipe)
    return torch.randn(shape, generator=torch.Generator().manual_seed(recipe.seed))


def made(recipe: Recipe, model: Model, *inputs: bytes) -> Samples:
    """The worker's sound."""
    sound = needed(recipe.sound)
    content = render(recipe, inputs, model, on_step=lambda *_: None).content
    return np.frombuffer(content, "<i2").reshape(sound.samples, sound.channels)


def of_stock(samples: torch.Tensor, sound: Sound) -> Samples:
    """What a pipeline made, (channels, frames) in -1 to 1, in whole numbers and as long."""
    content = content_of(samples.detach().float().numpy())
    return np.frombuffer(content, "<i2").reshape(-1, sound.channels)[: sound.samples]
