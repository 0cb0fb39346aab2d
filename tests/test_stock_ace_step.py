"""The claim that ACE-Step's sounds are those of the stock pipeline, sample for sample."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from generation.errors import OutOfRange
from generation.media.sounds import load
from generation.recipe import Input, Recipe, needed
from generation.tasks import Task
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import a_digest, changed
from tests.given.sounds import a_file, a_tone
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
        **{"latents": noise_of(recipe, model), **given},
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


def a_cover(seconds: float, **changes: Any) -> Recipe:
    sound = Input(role="sound", sha256=a_digest(), fit="cover")
    recipe = a_sound_of(NAME, task=Task.AUDIO_TO_AUDIO, inputs=(sound,), **changes)
    return sung(recipe, seconds=seconds)


@pytest.mark.parametrize("cfg", [1.0, 5.0])
def test_a_cover_has_no_differing_sample(cfg: float) -> None:
    """Theirs draws the posterior from the process's own dice, so these are thrown alike."""
    recipe, model = a_cover(0.32, cfg=cfg), loaded.model(NAME)
    file = a_file(a_tone(8_000, 0.4), 8_000)
    heard = torch.from_numpy(load(file, rate=48_000, channels=2, seconds=0.32))
    generator = torch.Generator().manual_seed(recipe.seed)
    shape = model.engine.noise_shape(model.parts, recipe)
    torch.randn(shape, generator=generator)  # the posterior is the first draw
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        theirs = by_stock(
            recipe,
            model,
            task_type="cover",
            src_audio=heard,
            latents=torch.randn(shape, generator=generator),
        )
    ours = made(recipe, model, file)
    assert np.array_equal(ours, theirs)
    assert not np.array_equal(ours, made(a_sound_of(NAME, cfg=cfg), model)[: len(ours)])


def test_a_cover_is_as_long_as_it_is_asked_to_be_whatever_it_follows() -> None:
    """Of one latent, and longer than the sound, behind which silence is followed."""
    model = loaded.model(NAME)
    for seconds in (0.03, 0.5):
        file = a_file(a_tone(8_000, 0.2), 8_000)
        assert len(made(a_cover(seconds), model, file)) == int(seconds * 48_000)


def test_less_than_all_of_it_made_anew_begins_with_the_sound_itself() -> None:
    file, model = a_file(a_tone(8_000, 0.4), 8_000), loaded.model(NAME)
    sigmas = (0.5, 0.25, 0.1, 0.0)
    one = made(a_cover(0.32, sigmas=sigmas), model, file)
    assert not np.array_equal(one, made(a_cover(0.32), model, file))
