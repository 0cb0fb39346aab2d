"""The claim that Stable Audio 3's sounds are those of the stock pipelines, sample for sample."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_audio_3.pipeline_stable_audio_3 import logsnr_sigma_schedule

from generation.draft import complete
from generation.errors import OutOfRange, UnusableWeights
from generation.families.family import FAMILIES
from generation.families.stable_audio_3 import LEVELS, STABLE_AUDIO_3
from generation.media.sounds import load
from generation.recipe import Input, Recipe, needed
from generation.sigmas import expand
from generation.spans import Sound
from generation.tasks import Task
from generation.worker.model import Model
from tests.given import loaded, tinymodels
from tests.given.builders import a_digest, a_draft, changed
from tests.given.checkpoints import scanned
from tests.given.sounds import a_file, a_tone
from tests.given.stock_sounds import Samples, made, of_stock
from tests.given.tiny import stable_audio_3

NAME = "stable-audio-3"
SOUND = Sound(
    seconds=0.3,
    rate=stable_audio_3.RATE,
    channels=2,
    lyrics=None,
    bpm=None,
    key=None,
    meter=None,
)


def a_sound(**changes: Any) -> Recipe:
    """A recipe of the tiny model, walked in three steps as it is usual."""
    sampler = changes.get("sampler", "lcm")
    sigmas = expand(sampler, "even", steps=3, denoise=1.0, noise=LEVELS)
    given: dict[str, Any] = {"sigmas": sigmas, "steps": 3, "sampler": sampler, "cfg": 1.0}
    given |= {"prompt": "a red cat", "negative_prompt": "dog", "syntax": "plain", "sound": SOUND}
    return changed(loaded.recipe_of(NAME), **given | changes)


class Walked(diffusers.FlowMatchEulerDiscreteScheduler):  # type: ignore[misc]  # it has no types
    """Down the levels of a recipe, whatever a pipeline makes of its steps."""

    levels: tuple[float, ...] = ()

    def set_timesteps(self, *_: Any, device: Any = None, **__: Any) -> None:
        super().set_timesteps(sigmas=list(self.levels[:-1]), device=device)


def pipeline(kind: Any, model: Model, recipe: Recipe) -> Any:
    sampling = needed(recipe.sampling)
    parts = dict(model.parts.modules) | {"tokenizer": model.parts.tokenizers["text_encoder"]}
    scheduler = Walked.from_config(
        stable_audio_3.scheduler(stochastic=sampling.sampler == "lcm"),
    )
    scheduler.levels = sampling.sigmas
    found = kind(scheduler=scheduler, **parts)
    found.set_progress_bar_config(disable=True)
    return found


def by_stock(model: Model, recipe: Recipe) -> Samples:
    sampling, sound = needed(recipe.sampling), needed(recipe.sound)
    audios = pipeline(diffusers.StableAudio3Pipeline, model, recipe)(
        prompt=recipe.prompt,
        duration=sound.seconds,
        guidance_scale=sampling.cfg,
        negative_prompt=needed(recipe.words).negative_prompt,
        num_inference_steps=sampling.steps,
        generator=torch.Generator().manual_seed(recipe.seed),
    ).audios
    return of_stock(audios[0], sound)


@pytest.mark.parametrize(
    ("sampler", "cfg", "prompt", "negative"),
    [
        ("lcm", 1.0, "a red cat", ""),
        ("lcm", 1.0, "", ""),
        ("euler", 7.0, "a (red:1.3) Cat, [dog]", "dog"),
        ("euler", 7.0, "a red cat", ""),
    ],
)
def test_text_to_audio_has_no_differing_sample(
    sampler: str, cfg: float, prompt: str, negative: str
) -> None:
    recipe = a_sound(sampler=sampler, cfg=cfg, prompt=prompt, negative_prompt=negative)
    model = loaded.model(NAME)
    ours = made(recipe, model)
    assert np.abs(ours).max() > 100
    assert np.array_equal(ours, by_stock(model, recipe))


@pytest.mark.parametrize("seconds", [0.05, 0.02323, 0.29, 1.0])
def test_sounds_of_every_length_have_none(seconds: float) -> None:
    """Also one that ends within a sample of whole latents (0.02323 are 1024.4 of them)."""
    recipe = a_sound(sound=replace(SOUND, seconds=seconds))
    ours = made(recipe, loaded.model(NAME))
    assert len(ours) == int(seconds * stable_audio_3.RATE)
    assert np.array_equal(ours, by_stock(loaded.model(NAME), recipe))


@pytest.mark.parametrize("seconds", [0.2, 0.5])
def test_a_sound_that_is_made_over_has_none(seconds: float) -> None:
    """Also one that ends before the new one does, and one that goes on behind it."""
    file, model = a_file(a_tone(8_000, seconds), 8_000), loaded.model(NAME)
    given = Input(role="sound", sha256=a_digest(), fit="cover")
    sigmas = (0.75, 0.5, 0.25, 0.0)  # whose rests are as exact
    recipe = a_sound(task=Task.AUDIO_TO_AUDIO, inputs=(given,), sigmas=sigmas)
    heard = load(file, rate=stable_audio_3.RATE, channels=2, seconds=SOUND.seconds)
    audios = pipeline(diffusers.StableAudio3AudioToAudioPipeline, model, recipe)(
        prompt=recipe.prompt,
        duration=SOUND.seconds,
        audio=torch.from_numpy(heard)[None],
        init_noise_level=sigmas[0],
        num_inference_steps=3,
        generator=torch.Generator().manual_seed(recipe.seed),
    ).audios
    ours = made(recipe, model, file)
    assert np.array_equal(ours, of_stock(audios[0], SOUND))
    assert not np.array_equal(ours, made(a_sound(sigmas=sigmas), model))


@pytest.mark.parametrize("steps", [8, 50, 7])
def test_its_own_list_of_levels_is_the_recipes(steps: int) -> None:
    """Which the pipeline makes itself where nobody gives it one."""
    ours = expand("lcm", "even", steps=steps, denoise=1.0, noise=LEVELS)
    assert np.allclose(ours[:-1], logsnr_sigma_schedule(steps, -6.2, 2.0), rtol=0, atol=1e-6)


def test_lengths_are_closed_before_anything_is_made() -> None:
    """What is asked for stands in the recipe as it was asked for; what is too long is refused."""
    model = small().model
    for seconds in (0.137, 119.9):
        recipe = complete(a_draft(prompt="rain", seconds=seconds), model, seed=1, device="cpu")
        assert needed(recipe.sound).seconds == seconds
    with pytest.raises(OutOfRange, match="up to 120 seconds"):
        complete(a_draft(prompt="rain", seconds=120.5), model, seed=1, device="cpu")
    # Of a model that was trained on less than its family is: its own limit.
    with pytest.raises(OutOfRange, match="up to 4 seconds"):
        made(a_sound(sound=replace(SOUND, seconds=4.5)), loaded.model(NAME))


def test_words_beyond_its_tokens_are_read() -> None:
    one, two = (made(a_sound(prompt="o " * n), loaded.model(NAME)) for n in (300, 301))
    assert not np.array_equal(one, two)


@cache
def small(*, stochastic: bool = True) -> Any:
    """The tiny model in the catalog, as what was distilled, or as its base."""
    home = tinymodels.home() / f"sa3-{stochastic}"
    folder = stable_audio_3.build(home / "tiny", stochastic=stochastic)
    (entry,) = scanned(folder.parent).models()
    return entry


def test_a_folder_says_how_wide_it_is_and_whether_it_was_distilled() -> None:
    usual = small().model.family
    assert (usual.name, usual.steps, usual.cfg) == ("stable-audio-3-small", 8, 1.0)
    base = small(stochastic=False).model.family
    assert (base.name, base.steps, base.cfg) == ("stable-audio-3-small-base", 50, 7.0)
    medium = {"_class_name": "StableAudio3DiTModel"}
    assert STABLE_AUDIO_3.family_of({}, medium) == "stable-audio-3"
    assert STABLE_AUDIO_3.by_guidance["stable-audio-3"] in FAMILIES


@pytest.mark.parametrize("odd", [{"num_train_timesteps": 1000}, {"shift": 3.0}])
def test_a_folder_whose_levels_are_others_is_refused(odd: dict[str, object]) -> None:
    config = stable_audio_3.scheduler(stochastic=True) | odd
    with pytest.raises(UnusableWeights, match="its scheduler's"):
        STABLE_AUDIO_3.noise.read(config, "mine")
