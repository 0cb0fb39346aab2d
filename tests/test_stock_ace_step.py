"""The claim that ACE-Step's sounds are those of the stock pipeline, sample for sample."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from generation.errors import OutOfRange
from generation.recipe import Recipe, needed
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import changed
from tests.given.stock_sounds import a_sound_of, made, noise_of, of_stock

NAME = "ace-step"


def sung(recipe: Recipe, **changes: Any) -> Recipe:
    return replace(recipe, sound=replace(needed(recipe.sound), **changes))


def pipeline(model: Model) -> Any:
    parts = dict(model.parts.modules)
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0)
    tokenizer = model.parts.tokenizers["text_encoder"]
    found = diffusers.AceStepPipeline(scheduler=scheduler, tokenizer=tokenizer, **parts)
    found.set_progress_bar_config(disable=True)
    return found


def by_stock(recipe: Recipe, model: Model, **given: Any) -> Any:
    sampling, sound = needed(recipe.sampling), needed(recipe.sound)
    audios = pipeline(model)(
        prompt=recipe.prompt,
        lyrics=sound.lyrics or "",
        audio_duration=sound.seconds,
        guidance_scale=sampling.cfg,
        timesteps=list(sampling.sigmas[:-1]),
        num_inference_steps=sampling.steps,
        bpm=sound.bpm,
        keyscale=sound.key,
        timesignature=sound.meter,
        latents=noise_of(recipe, model),
        **given,
    ).audios
    return of_stock(audios[0], sound)


@pytest.mark.parametrize("cfg", [1.0, 5.0])
@pytest.mark.parametrize("lyrics", [None, "[verse]\nsoft notes\nin the morning"])
def test_text_to_audio_has_no_differing_sample(cfg: float, lyrics: str | None) -> None:
    recipe = sung(a_sound_of(NAME, cfg=cfg), lyrics=lyrics)
    model = loaded.model(NAME)
    assert np.array_equal(made(recipe, model), by_stock(recipe, model))


def test_its_measure_key_and_length_are_told_as_the_stock_pipeline_tells_them() -> None:
    told = {"bpm": 120, "key": "C major", "meter": "4", "seconds": 0.63}
    recipe, model = sung(a_sound_of(NAME), **told), loaded.model(NAME)
    ours = made(recipe, model)
    assert np.array_equal(ours, by_stock(recipe, model))
    assert len(ours) == int(0.63 * 48_000)
    untold = made(sung(recipe, bpm=None), model)
    assert not np.array_equal(ours, untold)


def test_its_own_list_of_times_is_the_recipes() -> None:
    """Which the pipeline makes itself where nobody gives it one."""
    for steps in (8, 50, 27):
        recipe = a_sound_of(NAME, steps=steps)
        theirs = pipeline(loaded.model(NAME))._get_timestep_schedule(steps, 3.0)
        ours = torch.tensor(needed(recipe.sampling).sigmas[:-1])
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-6)


def test_lyrics_that_are_too_long_are_refused_and_tags_read_to_their_end() -> None:
    model, recipe = loaded.model(NAME), a_sound_of(NAME)
    with pytest.raises(OutOfRange, match="lyrics"):
        made(sung(recipe, lyrics="la " * 700), model)
    one, two = (made(changed(recipe, prompt="a" * n), model) for n in (300, 301))
    assert not np.array_equal(one, two)
