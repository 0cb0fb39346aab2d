"""LTX-2's stock pipelines around the worker's own parts: the other side of comparisons."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from diffusers import FlowMatchEulerDiscreteScheduler
from transformers import Gemma3ForConditionalGeneration

from generation.recipe import Recipe, needed
from generation.worker.parts import Parts
from tests.given import tinymodels
from tests.given.stock_films import Frames


@cache
def _seeing(name: str) -> Any:
    """The text encoder as the stock pipelines have it, with its eyes."""
    folder = tinymodels.of(name) / "text_encoder"
    return Gemma3ForConditionalGeneration.from_pretrained(folder).eval()


def heard_pipeline(kind: str, recipe: Recipe, parts: Parts, **modules: Any) -> Any:
    """A pipeline of that kind; `modules` stand instead of the worker's."""
    import diffusers

    taken = {**parts.modules, "text_encoder": _seeing(recipe.family), **modules}
    pipe = getattr(diffusers, kind)(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
        tokenizer=parts.tokenizers["text_encoder"],
        **{name: one for name, one in taken.items() if one is not None},
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def asked(recipe: Recipe) -> dict[str, Any]:
    """What a pipeline is called with for the film of that recipe, guided by cfg alone."""
    canvas, sampling, motion = recipe.drawn_at, needed(recipe.sampling), needed(recipe.motion)
    return {
        "prompt": recipe.prompt,
        "negative_prompt": needed(recipe.words).negative_prompt,
        "width": canvas.width,
        "height": canvas.height,
        "num_frames": motion.frames,
        "frame_rate": motion.fps,
        "sigmas": list(sampling.sigmas[:-1]),
        "guidance_scale": sampling.cfg,
        "guidance_rescale": 0.0,
        "stg_scale": 0.0,
        "modality_scale": 1.0,
        **dict.fromkeys(f"audio_{what}_scale" for what in ("guidance", "stg", "modality")),
        "audio_guidance_rescale": None,
        "spatio_temporal_guidance_blocks": None,
        "use_cross_timestep": recipe.family == "ltx-2.3",
        "return_dict": False,
    }


def apart(content: bytes, recipe: Recipe) -> tuple[Frames, bytes]:
    """A film's frames, and the samples behind them."""
    canvas = recipe.drawn_at
    shape = needed(recipe.motion).frames, canvas.height, canvas.width, 3
    length = int(np.prod(shape))
    return np.frombuffer(content[:length], np.uint8).reshape(shape), content[length:]
