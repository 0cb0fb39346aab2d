"""The file of a clip: exact where it is short, played by all where not, and what each can prove."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from bot.chat.uploads import fitting
from bot.pages import replies, whereabouts
from bot.studio.opening import Opening
from generation.errors import Cancelled, Lossy
from generation.media import clips, mp4, pyav, video
from generation.media.containers import texts_of
from generation.media.table import carried, medium_of, still_of
from generation.media.video import EXACT_PIXELS, VIDEO
from generation.picture import UNKNOWN, Fingerprint, Verdict, compare
from generation.recipe import Recipe, Sha256, needed
from storage.files import Files
from tests.given.builders import an_environment, changed, noisy_png
from tests.given.videos import number_of
from tests.given.works import A_CLIP, RATE, a_clip, clip_content, noise_content

LONG = a_clip(width=256, height=192, frames=23)
SUNG = a_clip(width=64, height=48, frames=16, channels=2)
ODD = a_clip(width=63, height=47, frames=9, channels=1)


def written(recipe: Recipe) -> bytes:
    return VIDEO.write(clip_content(recipe), recipe, {})


def shown(file: bytes) -> list[int]:
    return [number_of(frame) for frame in video.frames_in(file)]


# -- exact ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fps", [1.0, 7.3, 8.0, 23.976, 60.0, 240.0])
@pytest.mark.parametrize(("width", "height", "frames"), [(64, 48, 9), (63, 47, 5), (16, 16, 1)])
def test_a_short_clip_is_exact_at_any_rate_and_size(
    fps: float, width: int, height: int, frames: int
) -> None:
    recipe = a_clip(width=width, height=height, frames=frames, fps=fps)
    content = noise_content(recipe)
    file = VIDEO.write(content, recipe, {})
    assert VIDEO.suffix_for(file) == ".webp"
    assert VIDEO.recipe_in(file) == recipe
    assert VIDEO.digest_in(file) == VIDEO.digest(content)
    assert VIDEO.fault(file, recipe) is None


def test_frames_that_are_equal_are_all_there_again() -> None:
    recipe = a_clip(frames=20)
    one = noise_content(a_clip(frames=1))
    other = noise_content(a_clip(frames=1), seed=1)
    for content in (one * 20, one * 7 + other * 6 + one * 7, one + other * 19):
        file = VIDEO.write(content, recipe, {})
        assert VIDEO.digest_in(file) == VIDEO.digest(content)
        assert VIDEO.fault(file, recipe) is None


def test_what_is_larger_or_sounds_is_an_mp4() -> None:
    assert VIDEO.suffix_for(written(A_CLIP)) == ".webp"
    assert VIDEO.suffix_for(written(SUNG)) == ".mp4"
    assert needed(LONG.canvas).pixels * needed(LONG.motion).frames > EXACT_PIXELS
    assert VIDEO.suffix_for(written(LONG)) == ".mp4"


# -- nearly --------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", [LONG, SUNG, ODD], ids=["long", "with sound", "odd sides"])
def test_an_mp4_carries_the_recipe_and_shows_every_frame_in_its_size(recipe: Recipe) -> None:
    file = written(recipe)
    assert file == written(recipe)  # byte for byte
    assert VIDEO.recipe_in(file) == recipe
    assert carried(file) == (recipe, VIDEO)
    assert VIDEO.fault(file, recipe) is None
    canvas, motion = needed(recipe.canvas), needed(recipe.motion)
    frames = list(video.frames_in(file))
    assert {frame.shape for frame in frames} == {(canvas.height, canvas.width, 3)}
    assert shown(file) == [n % 28 for n in range(motion.frames)]
    facts = clips.check(file)  # as any player reads it
    assert facts.seconds == pytest.approx(motion.seconds, rel=0.05)
    assert facts.sound == (recipe.sound is not None)


def test_any_player_may_begin_before_all_of_it_is_there() -> None:
    file = written(LONG)
    assert file.index(b"moov") < file.index(b"mdat")
    assert b"avc1" in file


def test_a_recipe_of_sixty_thousand_letters_is_carried() -> None:
    prompt = 'a "quoted" <tag> & 🍃叶 ' * 900
    long = replace(A_CLIP, shows=prompt[:19_000])
    for recipe in (long, replace(SUNG, shows=prompt[:19_000])):
        assert VIDEO.recipe_in(written(recipe)) == recipe


def test_other_programs_read_how_it_was_made() -> None:
    for recipe in (A_CLIP, SUNG):
        texts = texts_of(written(recipe))
        assert any(recipe.prompt in text and "Steps: " in text for text in texts.values())


def test_the_sound_is_heard() -> None:
    file = written(SUNG)
    heard = mp4.samples_in(file)
    assert heard.shape[1] == 2
    assert len(heard) / mp4.READ_RATE == pytest.approx(2.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(heard[4_800:52_800, 0]))
    assert np.argmax(spectrum) * mp4.READ_RATE / 48_000 == pytest.approx(440, abs=2)
    assert needed(SUNG.sound).rate == RATE


def test_a_cut_or_other_file_of_a_worker_is_refused() -> None:
    file = written(SUNG)
    assert all(VIDEO.fault(file[:length], SUNG) for length in range(0, len(file), 7))
    assert VIDEO.fault(file + b"\0\0\0\x10free<script>", SUNG)
    silent, shorter = replace(SUNG, sound=None), a_clip(frames=15, channels=2)
    for other in (silent, shorter, changed(SUNG, width=32)):
        assert VIDEO.fault(file, other)


# -- what a file can prove -----------------------------------------------------------------


async def test_from_an_mp4_alone_nothing_is_proven_but_by_the_same_bytes() -> None:
    file = written(SUNG)
    with pytest.raises(Lossy):
        VIDEO.digest_in(file)
    assert await Opening().carried(file) == (SUNG, None)

    digest = Sha256(hashlib.sha256(file).hexdigest())
    stranger = Fingerprint(environment=UNKNOWN, pixels_sha256=None, file_sha256=digest)
    content = VIDEO.digest(clip_content(SUNG))
    again = Fingerprint(environment=an_environment(), pixels_sha256=content, file_sha256=digest)
    assert compare(stranger, again).verdict is Verdict.IDENTICAL
    encoded_otherwise = replace(again, file_sha256=Sha256("0" * 64))
    comparison = compare(stranger, encoded_otherwise)
    assert comparison.verdict is Verdict.UNPROVEN
    assert "cannot prove" in replies.verdict(comparison, "the file")


async def test_an_exact_clip_proves_itself() -> None:
    content = noise_content(A_CLIP)
    file = VIDEO.write(content, A_CLIP, {})
    assert await Opening().carried(file) == (A_CLIP, VIDEO.digest(content))


# -- to look at ----------------------------------------------------------------------------


def test_a_still_is_the_middle_and_several_are_spread() -> None:
    for recipe in (A_CLIP, LONG):
        file = written(recipe)
        middle = needed(recipe.motion).frames // 2
        assert number_of(np.asarray(video.still(file))) == middle
        first, second, third = (number_of(np.asarray(one)) for one in video.some_of(file, 3))
        assert first < second == middle < third
    picture = noisy_png(32)
    assert still_of(picture) is picture
    assert Image.open(io.BytesIO(still_of(file))).size == (256, 192)


def test_a_clip_within_the_limit_is_shown_as_it_is_and_else_as_a_smaller_one() -> None:
    recipe = a_clip(width=320, height=240, frames=4, fps=4.0, channels=1)
    content = noise_content(replace(recipe, sound=None)) + clip_content(recipe)[-2 * RATE :]
    file = VIDEO.write(content, recipe, {})
    assert fitting([file], [7], [VIDEO], len(file)) == (("7.mp4", file),)
    for limit in (len(file) // 2, len(file) // 8):
        [(name, smaller)] = fitting([file], [7], [VIDEO], limit)
        assert name == "7.small.mp4"
        assert len(smaller) <= limit
        facts = clips.check(smaller)
        assert facts.seconds == pytest.approx(1.0, abs=0.3)
        assert facts.sound
    told = whereabouts.smaller(["7.small.mp4"], [VIDEO], [7])
    assert told.startswith("-# Shown as MP4: ")
    assert whereabouts.smaller(["7.mp4", "8.webp"], [VIDEO, VIDEO], [7, 8]) == ""


# -- without PyAV --------------------------------------------------------------------------


def test_without_pyav_every_clip_is_a_webp_and_its_sound_is_in_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pyav, "is_here", lambda: False)
    silent = written(LONG)
    assert VIDEO.suffix_for(silent) == ".webp"
    assert VIDEO.digest_in(silent) == VIDEO.digest(clip_content(LONG))
    file = written(SUNG)
    assert (VIDEO.suffix_for(file), VIDEO.recipe_in(file)) == (".webp", SUNG)
    assert VIDEO.fault(file, SUNG) is None
    with pytest.raises(Lossy):
        VIDEO.digest_in(file)
    [(name, smaller)] = fitting([silent], [7], [VIDEO], len(silent) // 2)
    assert name == "7.small.webp"
    assert len(smaller) < len(silent)


def test_with_a_pyav_that_cannot_encode_every_clip_is_a_webp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = written(LONG)
    monkeypatch.setattr(av, "codecs_available", set[str]())
    assert VIDEO.suffix_for(written(LONG)) == ".webp"
    assert VIDEO.suffix_for(real) == ".mp4"
    assert VIDEO.fault(real, LONG) is None


# -- kept ----------------------------------------------------------------------------------


def test_both_kinds_of_files_are_kept_and_found(tmp_path: Path) -> None:
    files = Files(tmp_path)
    for recipe in (A_CLIP, SUNG):
        file = written(recipe)
        digest = files.keep(file, medium_of(recipe).suffix_for(file))
        assert files.path(digest).suffix == VIDEO.suffix_for(file)
        assert files.read(digest) == file


def test_with_each_frame_it_is_said_that_encoding_goes_on_and_it_can_be_ended() -> None:
    for recipe in (A_CLIP, LONG):
        beats: list[int] = []
        VIDEO.written(clip_content(recipe), recipe, {}, lambda beats=beats: beats.append(1))  # type: ignore[misc]
        assert len(beats) >= needed(recipe.motion).frames

        def ended() -> None:
            raise Cancelled

        with pytest.raises(Cancelled):
            VIDEO.written(clip_content(recipe), recipe, {}, ended)
