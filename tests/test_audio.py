"""Sounds: the file that carries its recipe, what two of them are compared by, and what is shown."""

import io
import sys
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from generation.errors import BadSound
from generation.media import audio, flac, wav
from generation.media.sounds import content_of
from generation.media.table import MEDIA, carried, medium_of
from generation.recipe import Recipe
from generation.tasks import Task
from tests.given.builders import A_SOUND, a_recipe_of, changed

RECIPE = a_recipe_of(Task.TEXT_TO_AUDIO)
STEREO = replace(RECIPE, sound=replace(A_SOUND, rate=44_100, channels=2, seconds=0.5))


def samples_of(recipe: Recipe, seed: int = 1) -> np.ndarray:
    """A tone under noise, as long as the recipe says."""
    sound = recipe.sound
    assert sound is not None
    time = np.arange(sound.samples) / sound.rate
    noise = np.random.default_rng(seed).standard_normal((sound.channels, len(time)))
    return (0.5 * np.sin(2 * np.pi * 440 * time) + 0.05 * noise).astype(np.float32)


@pytest.fixture
def without_soundfile(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where it is not installed."""
    monkeypatch.setitem(sys.modules, "soundfile", None)


def check_comes_back(recipe: Recipe) -> str:
    content = content_of(samples_of(recipe))
    file = audio.write(content, recipe)
    assert audio.recipe_in(file) == recipe
    assert audio.content_in(file) == content
    assert audio.digest_in(file) == audio.digest(content)
    assert audio.fault(file, recipe) is None
    assert carried(file) == (recipe, MEDIA["audio"])
    return audio.suffix_of(file)


@pytest.mark.parametrize("recipe", [RECIPE, STEREO])
def test_what_goes_into_a_sound_comes_out_of_it(recipe: Recipe) -> None:
    assert medium_of(recipe) is MEDIA["audio"]
    assert check_comes_back(recipe) == ".flac"


@pytest.mark.usefixtures("without_soundfile")
@pytest.mark.parametrize("recipe", [RECIPE, STEREO])
def test_without_soundfile_it_is_kept_as_a_wav(recipe: Recipe) -> None:
    assert check_comes_back(recipe) == ".wav"


def test_a_flac_without_soundfile_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    file = audio.write(content_of(samples_of(RECIPE)), RECIPE)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    assert audio.recipe_in(file) == RECIPE  # this needs no decoder
    with pytest.raises(BadSound, match="pip install soundfile"):
        audio.digest_in(file)


def test_samples_are_clipped_and_rounded_to_the_even() -> None:
    given = np.array([[0.0, 1.0, -1.0, 2.0, -3.0, 0.5 / 32767, 1.5 / 32767]])
    whole = np.frombuffer(content_of(given.astype(np.float64)), "<i2")
    assert whole.tolist() == [0, 32767, -32767, 32767, -32767, 0, 2]


def test_the_same_sound_is_the_same_file() -> None:
    content = content_of(samples_of(RECIPE))
    assert audio.write(content, RECIPE) == audio.write(content, RECIPE)


@pytest.mark.parametrize("missing", [False, True])
def test_a_recipe_of_sixty_thousand_letters_fits(
    missing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing:
        monkeypatch.setitem(sys.modules, "soundfile", None)
    letters = "".join(Random(1).choice("aé語 ") for _ in range(20_000))
    long = changed(RECIPE, prompt=letters, negative_prompt=letters)
    long = replace(long, sound=replace(A_SOUND, lyrics=letters))
    file = audio.write(content_of(samples_of(long)), long)
    assert audio.recipe_in(file) == long


@pytest.mark.parametrize("missing", [False, True])
def test_a_file_that_is_cut_is_never_taken_for_a_whole_one(
    missing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing:
        monkeypatch.setitem(sys.modules, "soundfile", None)
    file = audio.write(content_of(samples_of(RECIPE)), RECIPE)
    assert all(audio.fault(file[:end], RECIPE) for end in range(0, len(file), 7))
    assert audio.fault(file + b"more", RECIPE)
    for end in range(0, len(file) - 1, 997):
        with pytest.raises(BadSound):
            audio.digest_in(file[:end])


def test_another_length_or_rate_is_a_fault() -> None:
    file = audio.write(content_of(samples_of(RECIPE)), RECIPE)
    assert audio.fault(file, STEREO) is not None
    longer = replace(RECIPE, sound=replace(A_SOUND, seconds=1.5))
    assert audio.fault(file, longer) is not None
    assert audio.fault(b"", RECIPE) == "it is no whole FLAC or WAV"


def test_blocks_that_lie_about_their_size_end_the_walk() -> None:
    for claim in (0, 3, 0xFFFFFF):
        file = b"fLaC" + bytes([0x84]) + claim.to_bytes(3) + b"\xff\xff\xff\x7f" * 3
        assert flac.comment(file, "ATELIER") is None
        assert flac.stream_of(file) is None
    assert wav.comment(b"RIFF\xff\xff\xff\xffWAVEatlr\xff\xff\xff\xff{}") is None


def test_smaller_files_are_exact_first_and_end_within_the_limit() -> None:
    content = content_of(samples_of(STEREO))
    file = audio.write(content, changed(STEREO, prompt="x" * 20_000))
    (first, *_), *_ = [[made] for made in audio.smaller(file, 10**6)]
    assert first[0] == ".flac"
    assert audio.content_in(first[1]) == content
    made = list(audio.smaller(file, 9_000))
    assert made[-1][0] == ".mp3"
    assert len(made[-1][1]) <= 9_000 < min(len(one) for _, one in made[:-1])


@pytest.mark.usefixtures("without_soundfile")
def test_without_soundfile_smaller_files_have_fewer_samples() -> None:
    file = audio.write(content_of(samples_of(STEREO)), STEREO)
    made = list(audio.smaller(file, 12_000))
    said = wav.stream_of(made[-1][1])
    assert said is not None
    assert len(made[-1][1]) <= 12_000
    assert said.frames / said.rate == pytest.approx(0.5, abs=0.01)


def test_a_waveform_shows_where_the_sound_is_loud() -> None:
    samples = samples_of(RECIPE)
    samples[:, len(samples[0]) // 2 :] = 0
    file = audio.write(content_of(samples), RECIPE)
    picture = audio.still(file)
    lit = np.asarray(picture.convert("L")) > 90
    loud, quiet = np.split(lit, 2, axis=1)
    assert loud.mean() > 0.2
    assert quiet.mean() < 0.01
    ((suffix, png),) = audio.beside(file)
    assert suffix == ".png"
    assert png.startswith(b"\x89PNG")
    assert len(png) < 20_000


def test_two_channels_lie_one_under_the_other() -> None:
    samples = samples_of(STEREO)
    samples[1] = 0
    lit = np.asarray(audio.still(audio.write(content_of(samples), STEREO)).convert("L")) > 90
    above, below = np.split(lit, 2, axis=0)
    assert above.mean() > 10 * below.mean()


def test_a_player_of_others_finds_our_flac_whole() -> None:
    import soundfile

    content = content_of(samples_of(STEREO))
    file = soundfile.SoundFile(io.BytesIO(audio.write(content, STEREO)))
    assert (file.samplerate, file.channels, file.subtype) == (44_100, 2, "PCM_16")
    assert file.read(dtype="int16").astype("<i2").tobytes() == content
