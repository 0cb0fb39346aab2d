"""diffusers' pipelines of films, around the worker's own parts: the other side of comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from generation.recipe import Recipe, needed
from generation.sigmas import expand
from generation.spans import Motion
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded
from tests.given.builders import changed, levels_of
from tests.given.stock_flows import pipeline

Frames = NDArray[np.uint8]

WIDTH, HEIGHT, FRAMES = 96, 64, 9

__all__ = [
    "FRAMES",
    "HEIGHT",
    "WIDTH",
    "a_clip",
    "a_film",
    "asked",
    "differing",
    "drawn",
    "noise_of",
    "pipeline",
]


def a_film(architecture: str, **changes: Any) -> Recipe:
    """A recipe of the tiny model of that architecture, guided by a negative prompt."""
    base = loaded.recipe_of(architecture)
    sampler, scheduler = changes.get("sampler", "euler"), changes.get("scheduler", "simple")
    noise = levels_of(base.family, WIDTH * HEIGHT, 4)
    sigmas = expand(sampler, scheduler, steps=4, denoise=1.0, noise=noise)
    given: dict[str, Any] = {
        "sampler": sampler,
        "scheduler": scheduler,
        "sigmas": sigmas,
        "steps": len(sigmas) - 1,
        "cfg": 4.0,
        "prompt": "a red cat",
        "negative_prompt": "dog",
        "syntax": "plain",
        "width": WIDTH,
        "height": HEIGHT,
        "motion": Motion(frames=FRAMES, fps=8.0, piece=None, overlap=None),
    }
    return changed(base, **given | changes)


def noise_of(recipe: Recipe, model: Model) -> torch.Tensor:
    """The worker's first draw."""
    shape = model.engine.noise_shape(model.parts, recipe)
    return torch.randn(shape, generator=torch.Generator().manual_seed(recipe.seed))


def asked(model: Model, recipe: Recipe) -> dict[str, Any]:
    """What a stock pipeline is called with for the film of that recipe, guided against "dog"."""
    sampling, canvas = needed(recipe.sampling), needed(recipe.canvas)
    return {
        "prompt": recipe.prompt,
        "negative_prompt": "dog",
        "width": canvas.width,
        "height": canvas.height,
        "num_frames": needed(recipe.motion).frames,
        "guidance_scale": sampling.cfg,
        "num_inference_steps": sampling.steps,
        "latents": noise_of(recipe, model),
    }


def drawn(recipe: Recipe, model: Model, *inputs: bytes) -> Frames:
    """The worker's film."""
    content = render(recipe, inputs, model, on_step=lambda *_: None).content
    canvas, motion = needed(recipe.canvas), needed(recipe.motion)
    shape = motion.frames, canvas.height, canvas.width, 3
    return np.frombuffer(content, np.uint8).reshape(shape)


def a_clip(frames: int, width: int = WIDTH, height: int = HEIGHT) -> Frames:
    """A clip that turns from blue to red, to be drawn over or gone on from."""
    colours = [(9 * n, 90, 200 - 9 * n) for n in range(frames)]
    return np.stack([np.full((height, width, 3), colour, np.uint8) for colour in colours])


def differing(ours: Frames, theirs: Any) -> int:
    """How many values are others than those of the pipeline's frames, which lie in 0 to 1."""
    other = (torch.from_numpy(np.asarray(theirs)) * 255).round().to(torch.uint8).numpy()
    return int(np.count_nonzero(ours != other))
