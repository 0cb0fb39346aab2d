"""The claim that Stable Audio's sounds are those of the stock pipeline, sample for sample."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers.schedulers.scheduling_edm_euler import EDMEulerScheduler

from generation.draft import complete
from generation.errors import OutOfRange
from generation.media.sounds import content_of, load
from generation.recipe import Input, Recipe, needed
from generation.sigmas import expand
from generation.tasks import Task
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded, tinymodels
from tests.given.builders import A_SOUND, a_digest, a_draft, changed
from tests.given.checkpoints import scanned
from tests.given.sounds import a_file, a_tone
from tests.given.tiny import stable_audio

NAME = "stable-audio"
SHAPE = (1, stable_audio.CHANNELS, stable_audio.LATENTS)
COSINE = "cosine:0.3:500.0:1.0"
SOUND = replace(A_SOUND, rate=stable_audio.RATE, channels=2, seconds=0.7)


@cache
def of_edm() -> tuple[Model, Recipe]:
    """A model whose folder says the other noise, and a recipe of it."""
    folder = stable_audio.build(tinymodels.home() / "edm" / "edm", scheduler=stable_audio.EDM)
    catalog = scanned(folder.parent)
    (entry,) = catalog.models()
    recipe = complete(a_draft(prompt="a red cat"), entry.model, seed=7, device="cpu")
    recipe = replace(recipe, sound=SOUND)
    with ModelCache(catalog, torch.device("cpu"), None).take(recipe, on_load=lambda _: None) as one:
        return one, recipe


def a_sound(**changes: Any) -> Recipe:
    """A recipe of the tiny model, walked in four steps."""
    base = loaded.recipe_of(NAME)
    sigmas = expand("euler", "exponential", steps=4, denoise=1.0, noise=COSINE)
    given: dict[str, Any] = {"sigmas": sigmas, "steps": 4, "sampler": "euler", "sound": SOUND}
    given |= {"prompt": "a red cat", "negative_prompt": "dog", "cfg": 4.0, "syntax": "plain"}
    return changed(base, **given | changes)


class Walked(EDMEulerScheduler):  # type: ignore[misc]  # diffusers has no types
    """EDM's, at these levels, of which the network is told the angle."""

    def walk(self, sigmas: tuple[float, ...], start: float | None = None) -> Walked:
        self.levels, self.start = torch.tensor(sigmas), start
        return self

    @property
    def init_noise_sigma(self) -> Any:
        return self.start or (self.levels[0] ** 2 + 1) ** 0.5

    def set_timesteps(self, *_: Any, **__: Any) -> None:
        self.sigmas = self.levels
        self.timesteps = self.levels[:-1].atan() / math.pi * 2
        self._step_index = self._begin_index = None
        self.is_scale_input_called = False


def pipeline(model: Model, scheduler: Any) -> Any:
    parts = dict(model.parts.modules) | {"tokenizer": model.parts.tokenizers["text_encoder"]}
    found = diffusers.StableAudioPipeline(scheduler=scheduler, **parts)
    found.set_progress_bar_config(disable=True)
    return found


def by_stock(model: Model, recipe: Recipe, **more: Any) -> bytes:
    """The samples of theirs, as content."""
    sampling, words = needed(recipe.sampling), needed(recipe.words)
    walked = Walked(sigma_data=1.0, prediction_type="v_prediction")
    walked.walk(sampling.sigmas, more.pop("start", None))
    audio = pipeline(model, walked)(
        prompt=recipe.prompt,
        negative_prompt=words.negative_prompt or None,
        audio_end_in_s=needed(recipe.sound).seconds,
        guidance_scale=sampling.cfg,
        num_inference_steps=sampling.steps,
        latents=torch.randn(SHAPE, generator=torch.Generator().manual_seed(recipe.seed)),
        **more,
    ).audios
    return content_of(audio[0].numpy())


def made(recipe: Recipe, model: Model, *inputs: bytes) -> bytes:
    return render(recipe, inputs, model, on_step=lambda *_: None).content


@pytest.mark.parametrize("cfg", [1.0, 4.0])
@pytest.mark.parametrize("negative", ["dog", ""])
@pytest.mark.parametrize("prompt", ["a red cat", "", "a (red:1.3) Cat, [dog]"])
def test_a_sound_of_words_has_no_differing_sample(cfg: float, negative: str, prompt: str) -> None:
    recipe = a_sound(cfg=cfg, negative_prompt=negative, prompt=prompt)
    model = loaded.model(NAME)
    assert made(recipe, model) == by_stock(model, recipe)


@pytest.mark.parametrize("seconds", [0.05, 0.5, 1.0])
def test_sounds_of_every_length_have_none(seconds: float) -> None:
    recipe = a_sound(sound=replace(SOUND, seconds=seconds))
    ours = made(recipe, loaded.model(NAME))
    assert len(ours) == 4 * int(seconds * stable_audio.RATE)
    assert ours == by_stock(loaded.model(NAME), recipe)


def test_a_longer_sound_than_the_network_makes_is_refused_with_its_limit() -> None:
    with pytest.raises(OutOfRange, match=r"up to 1\.451 seconds"):
        made(a_sound(sound=replace(SOUND, seconds=1.5)), loaded.model(NAME))


def test_words_beyond_its_tokens_are_read() -> None:
    one, two = (made(a_sound(prompt="o " * n), loaded.model(NAME)) for n in (40, 41))
    assert one != two


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_a_sound_that_is_made_over_has_none(rate: int) -> None:
    """Theirs draws the posterior behind the noise, so it is given the noise."""
    file = a_file(a_tone(rate, 0.5), rate)
    sigmas = needed(a_sound().sampling).sigmas[1:]
    given = Input(role="sound", sha256=a_digest(), fit="cover")
    recipe = a_sound(task=Task.AUDIO_TO_AUDIO, inputs=(given,), sigmas=sigmas, steps=3)
    model = loaded.model(NAME)
    heard = load(file, rate=stable_audio.RATE, channels=2, seconds=0.7)
    generator = torch.Generator().manual_seed(recipe.seed)
    first = (
        model.parts["vae"]
        .encode(torch.zeros(1, 2, stable_audio.HOP * stable_audio.LATENTS))
        .latent_dist
    )
    torch.randn(first.mean.shape, generator=generator)  # the posterior is the first draw
    noise = torch.randn(SHAPE, generator=generator)
    theirs = by_stock_over(model, recipe, heard, noise)
    assert made(recipe, model, file) == theirs


def by_stock_over(model: Model, recipe: Recipe, heard: Any, noise: torch.Tensor) -> bytes:
    sampling = needed(recipe.sampling)
    walked = Walked(sigma_data=1.0, prediction_type="v_prediction")
    walked.walk(sampling.sigmas, float(sampling.sigmas[0]))
    audio = pipeline(model, walked)(
        prompt=recipe.prompt,
        negative_prompt="dog",
        audio_end_in_s=needed(recipe.sound).seconds,
        guidance_scale=sampling.cfg,
        num_inference_steps=sampling.steps,
        latents=noise,
        generator=torch.Generator().manual_seed(recipe.seed),
        initial_audio_waveforms=torch.from_numpy(heard)[None],
        initial_audio_sampling_rate=stable_audio.RATE,
    ).audios
    return content_of(audio[0].numpy())


def test_another_scheduler_of_the_folder_tells_its_network_another_number() -> None:
    """The multistep solver that the folder names: the same formula, otherwise rounded."""
    model, recipe = of_edm()
    assert model.trained.noise == "edm:0.005:40.0:0.5"
    sigmas = expand("dpmpp_2m", "karras", steps=5, denoise=1.0, noise=model.trained.noise)
    recipe = changed(recipe, sigmas=sigmas, steps=5, sampler="dpmpp_2m", cfg=3.0, syntax="plain")
    scheduler = diffusers.EDMDPMSolverMultistepScheduler(**stable_audio.EDM)
    audio = pipeline(model, scheduler)(
        prompt=recipe.prompt,
        audio_end_in_s=0.7,
        guidance_scale=3.0,
        num_inference_steps=5,
        latents=torch.randn(SHAPE, generator=torch.Generator().manual_seed(recipe.seed)),
    ).audios
    assert most_apart(made(recipe, model), audio) <= 2


class Fresh(diffusers.EDMDPMSolverMultistepScheduler):  # type: ignore[misc]
    """The midpoint solver with fresh noise, told angles: the published one needs torchsde for it,
    and has the same formula."""

    def precondition_noise(self, sigma: Any) -> Any:
        return torch.as_tensor(sigma).atan() / math.pi * 2


def test_the_published_solver_is_the_midpoint_one_with_fresh_noise() -> None:
    sigmas = expand("dpmpp_2m_sde", "exponential", steps=6, denoise=1.0, noise=COSINE)
    recipe = a_sound(sampler="dpmpp_2m_sde", sigmas=sigmas, steps=6, negative_prompt="")
    model = loaded.model(NAME)
    said = {key: stable_audio.COSINE[key] for key in ("sigma_min", "sigma_max", "sigma_data")}
    scheduler = Fresh(
        **said,
        prediction_type="v_prediction",
        sigma_schedule="exponential",
        algorithm_type="sde-dpmsolver++",
        lower_order_final=True,
    )
    generator = torch.Generator().manual_seed(recipe.seed)
    audio = pipeline(model, scheduler)(
        prompt=recipe.prompt,
        audio_end_in_s=0.7,
        guidance_scale=4.0,
        num_inference_steps=6,
        generator=generator,
    ).audios
    assert most_apart(made(recipe, model), audio) <= 2


def most_apart(ours: bytes, audio: torch.Tensor) -> int:
    """Of whole numbers of 16 bits."""
    theirs = np.frombuffer(content_of(audio[0].numpy()), "<i2").astype(int)
    found = np.frombuffer(ours, "<i2").astype(int)
    assert np.abs(found).max() > 100
    return int(np.abs(found - theirs).max())


def test_the_sound_carries_the_seconds_that_were_asked_for() -> None:
    """Another end is another sound, not a piece of the same."""
    long, short = (
        made(a_sound(sound=replace(SOUND, seconds=s)), loaded.model(NAME)) for s in (0.8, 0.4)
    )
    assert long[: len(short)] != short


def test_mono_is_made_by_a_mono_model(tmp_path: Path) -> None:
    folder = stable_audio.build(tmp_path / "m" / "mono", channels=1)
    catalog = scanned(folder.parent)
    (entry,) = catalog.models()
    recipe = a_sound(sound=replace(SOUND, channels=1), checkpoint=entry.weights)
    with ModelCache(catalog, torch.device("cpu"), None).take(recipe, on_load=lambda _: None) as one:
        assert len(made(recipe, one)) == 2 * int(0.7 * stable_audio.RATE)
        with pytest.raises(OutOfRange, match="for this model"):
            made(replace(recipe, sound=SOUND), one)
