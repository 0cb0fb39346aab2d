"""What the built-in sound model is taught and judged by: formulas, wishes, and its transform."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from transformers import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from generation.starter import sound_words
from generation.training.sound.begun import take_up
from generation.training.sound.captions import HELD_OUT_ASKED, caption, words_of
from generation.training.sound.denoiser import SIGMA_DATA, TRANSFORM, WEIGHTS, SoundDenoiser, drawn
from generation.training.sound.formulas import HOP, MAX_SECONDS, RATE, sound
from generation.training.sound.judge import judged, right_on_renders
from generation.training.sound.lapped import CHANNELS, directions, laid_out, latents_of, read_out
from generation.training.sound.text import states_of
from generation.training.sound.wishes import (
    ATTRIBUTES,
    KINDS,
    SoundWish,
    combinations,
    training_sound,
)


def waves(count: int = 144) -> torch.Tensor:
    dice = Random(1)
    asked = combinations() * (count // 72)
    return torch.from_numpy(np.stack([sound(one, dice.uniform(0.8, 2.0), dice) for one in asked]))


def test_formulas_are_told_rightly_by_the_judge() -> None:
    assert min(right_on_renders(300, 3)) >= 0.97


@pytest.mark.parametrize("kind", KINDS)
def test_a_little_hiss_does_not_change_what_is_heard(kind: str) -> None:
    asked = SoundWish(kind=kind, pitch="high", length="long", loudness="loud")
    wave = sound(asked, 1.5, Random(2))
    hiss = np.random.default_rng(1).standard_normal(len(wave)) * 0.01
    assert judged(wave + hiss, kind) == asked


def test_every_combination_is_taught_and_asked_for() -> None:
    dice = Random(6)
    assert {training_sound(dice) for _ in range(2_000)} == set(combinations())


def test_no_phrase_stands_for_two_things() -> None:
    said: list[str] = [*sound_words.PADDING, *sound_words.UNWANTED]
    for table in ("KIND", "PITCH", "LENGTH", "LOUDNESS"):
        for words in getattr(sound_words, f"{table}_WORDS").values():
            said += words
    assert len(said) == len(set(said))


def test_the_judges_phrasings_are_in_no_training() -> None:
    assert not set(HELD_OUT_ASKED) & set(sound_words.ASKED)
    begun = tuple(phrase.partition("{}")[0] for phrase in HELD_OUT_ASKED if phrase[0] != "{")
    dice = Random(4)
    texts = [caption(training_sound(dice), dice).text for _ in range(500)]
    assert not any(text.startswith(begun) for text in texts)


def test_what_a_caption_says_is_true_of_the_sound() -> None:
    dice = Random(5)
    for asked in combinations():
        said, noun = words_of(asked, frozenset(ATTRIBUTES), dice)
        assert noun in sound_words.KIND_WORDS[asked.kind]
        for name, words in (
            ("pitch", sound_words.PITCH_WORDS),
            ("length", sound_words.LENGTH_WORDS),
            ("loudness", sound_words.LOUDNESS_WORDS),
        ):
            value = getattr(asked, name)
            assert set(said) & {value, *words[value]}


def test_the_autoencoder_is_the_transform_and_gives_tones_back() -> None:
    heard = waves()
    there, back = directions(heard)
    vae = laid_out(there, back).eval()
    tone = torch.from_numpy(
        sound(SoundWish(kind="beep", pitch="low", length="long", loudness="loud"), 1.5, Random(1))
    )[None]
    with torch.inference_mode():
        found = vae.encode(tone[:, None]).latent_dist
        again = vae.decode(found.mean).sample[:, 0]
    assert torch.allclose(found.mean, latents_of(tone, there), atol=1e-4)
    assert found.mean.shape == (1, CHANNELS, round(MAX_SECONDS * RATE) // HOP)
    assert float(found.std.max()) < 1e-3
    assert float((again - tone).square().sum() / tone.square().sum()) < 0.01


def test_all_latents_of_a_tone_are_alike() -> None:
    there, _ = directions(waves())
    tone = sound(
        SoundWish(kind="beep", pitch="high", length="long", loudness="loud"), 2.0, Random(1)
    )
    inner = latents_of(torch.from_numpy(tone)[None], there)[0, :, 10:100]
    assert float((inner - inner[:, :1]).abs().max()) < 1e-2 * float(inner.abs().max())


def test_what_an_earlier_training_left_is_taken_up(tmp_path: Path) -> None:
    """Amid some noise it knows the latents of sounds, of which it would else know nothing."""
    take_up(tmp_path)
    network = SoundDenoiser()
    network.load_state_dict(torch.load(tmp_path / WEIGHTS, weights_only=True))
    words = T5Tokenizer.from_pretrained(tmp_path / "tokenizer")
    encoder = T5EncoderModel.from_pretrained(tmp_path / "text_encoder", dtype=torch.float32)
    dice = Random(4)
    made, seconds, asked = drawn(4, dice)
    states = states_of([caption(one, dice).text for one in asked], words, encoder).detach()
    clean = latents_of(made, torch.load(tmp_path / TRANSFORM, weights_only=True)["there"])
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    sigma = torch.full((4,), 1.0)
    with torch.no_grad():
        found = network(clean + noise, sigma, states, seconds)
    aim = (SIGMA_DATA * noise - clean / SIGMA_DATA) * (1 + SIGMA_DATA**2) ** -0.5
    assert float((found - aim).square().mean()) < 0.25 * float(aim.square().mean())


def test_the_transform_is_read_out_of_the_autoencoder_as_it_was_laid_out() -> None:
    there, back = directions(waves())
    found = read_out(laid_out(there, back))
    assert torch.allclose(found[0], there, atol=1e-5)
    assert torch.allclose(found[1], back, atol=1e-5)
