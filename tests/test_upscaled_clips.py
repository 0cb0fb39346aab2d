"""A clip with more pixels: frame by frame what a picture becomes."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from bot.studio.enlarging import LANCZOS, Larger, larger_clip
from generation import enlarging
from generation.draft import Draft, DraftCanvas
from generation.draft_enlarged import enlarged
from generation.draft_spans import NO_SOUND, DraftMotion, DraftSound
from generation.enlarging import MAX_CLIP_PIXELS
from generation.errors import OutOfRange
from generation.media import mp4
from generation.media.clips import ClipFacts, check
from generation.media.footage import SoundSamples, footage_of
from generation.media.pyav import Frame
from generation.media.table import medium_of
from generation.media.video import VIDEO
from generation.recipe import Input, Recipe, Sha256, needed
from generation.spans import Motion, Sound
from generation.tasks import Task
from generation.worker.render import latents_sha256
from generation.worker.tasks.table import TASKS
from generation.worker.tasks.task import Bench
from tests.given.apps import a_wish
from tests.given.builders import a_recipe
from tests.given.sounds import a_tone
from tests.given.videos import animation, marked, video

FRAMES = marked(3)
CLIP = Input(role="clip", sha256=Sha256("a" * 64), fit="cover")


def larger(task: Task, role: str, sound: DraftSound = NO_SOUND) -> Recipe:
    """The recipe by which it is twice as large, and nothing is drawn."""
    draft = Draft(
        task=task,
        canvas=DraftCanvas(width=128, height=96),
        motion=DraftMotion(frames=3, fps=8.0),
        sound=sound,
        enlarging=enlarging.plain(),
        inputs=(Input(role=role, sha256=Sha256("a" * 64), fit="cover"),),
    )
    return enlarged(draft)


def made(recipe: Recipe, data: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """Its content, and the steps that were told."""
    steps: list[tuple[int, int]] = []
    without_network: Any = SimpleNamespace(parts=SimpleNamespace(modules={}))
    bench = Bench(
        recipe=recipe,
        inputs=(data,),
        model=without_network,
        generator=torch.Generator(),
        locate=lambda _: pytest.fail("nothing is to be found"),
        on_step=lambda done, total, _: steps.append((done, total)),
    )
    work = TASKS[recipe.task]
    latents = work.begin(bench).init
    assert latents is not None
    return work.finish(bench, latents).content, steps


def asked_of(data: bytes, ours: Recipe | None = None) -> Recipe:
    """The recipe of a clip twice as large, which may be one of ours."""
    parent = SimpleNamespace(recipe=ours) if ours is not None else None
    offers: Any = None  # nobody is asked
    asked = Larger(factor=2.0, upscaler=LANCZOS)
    return enlarged(larger_clip(a_wish(parent=parent), CLIP, check(data), asked, offers).draft)


def heard(recipe: Recipe, data: bytes) -> SoundSamples:
    samples = footage_of(made(recipe, data)[0], recipe).samples
    assert samples is not None
    return samples


def tones(rate: int, seconds: float) -> SoundSamples:
    """A tone on each side."""
    sides = [a_tone(rate, seconds, hertz) for hertz in (440.0, 660.0)]
    found: SoundSamples = np.rint(np.stack(sides, axis=1) * 32767).astype(np.int16)
    return found


def png(frame: Frame) -> bytes:
    out = io.BytesIO()
    Image.fromarray(frame).save(out, "PNG")
    return out.getvalue()


def test_each_frame_becomes_what_it_would_as_a_picture() -> None:
    recipe = larger(Task.UPSCALE_VIDEO, "clip")
    assert medium_of(recipe).name == "video"
    content, steps = made(recipe, animation(FRAMES, "WEBP", [125] * 3))
    pictures = [made(larger(Task.UPSCALE, "init"), png(frame))[0] for frame in FRAMES]
    assert content == b"".join(pictures)
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_latents_have_the_digest_of_all_their_numbers_however_many_pieces() -> None:
    latents = torch.arange(24).reshape(3, 2, 4)
    whole = latents.to(torch.float32).numpy().astype("<f4")
    assert latents_sha256(latents) == latents_sha256(torch.from_numpy(whole.reshape(1, 24)))
    assert latents_sha256(latents.to(torch.uint8)) == latents_sha256(latents)
    assert np.isfinite(whole).all()


def test_a_clip_of_too_many_pixels_is_refused_with_what_would_fit() -> None:
    facts = ClipFacts(width=640, height=360, seconds=7200, fps=30, format="MP4", rate=0, channels=0)
    offers: Any = None  # nobody is asked
    with pytest.raises(OutOfRange) as refused:
        larger_clip(a_wish(), CLIP, facts, Larger(factor=2.0), offers)
    most = MAX_CLIP_PIXELS // (1280 * 720)
    assert (refused.value.what, refused.value.allowed) == ("frames", f"at most {most} at 1280x720")
    with pytest.raises(OutOfRange, match="redraw"):
        larger_clip(a_wish(), CLIP, facts, Larger(factor=2.0, redraw=0.3), offers)


def test_the_sound_of_a_strangers_clip_is_kept_at_its_rate_and_on_its_sides() -> None:
    samples = tones(22_050, 0.25)
    data = video(FRAMES, fps=8.0, container="mov", spoken="pcm_s16le", samples=samples, rate=22_050)
    recipe = asked_of(data)
    said = needed(recipe.sound)
    assert (said.seconds, said.rate, said.channels, said.lyrics) == (0.375, 22_050, 2, None)
    found = heard(recipe, data)
    assert found.shape == (int(0.375 * 22_050), 2)
    assert np.abs(found[: len(samples)].astype(int) - samples).max() <= 1  # what 1.0 is, is rounded
    assert not found[len(samples) :].any()
    without = replace(recipe, sound=None)
    frames = made(without, data)[0]
    content = made(recipe, data)[0]
    assert content[: len(frames)] == frames
    assert len(content) == len(frames) + found.nbytes
    file = VIDEO.write(content, recipe, {})
    assert (VIDEO.fault(file, recipe), VIDEO.recipe_in(file)) == (None, recipe)
    assert np.abs(mp4.samples_in(file)).max() > 8_000


def test_of_a_clip_of_ours_the_recipe_says_what_is_heard() -> None:
    motion = Motion(frames=8, fps=8.0, piece=None, overlap=None)
    sound = Sound(seconds=1.0, rate=16_000, channels=1, lyrics="la", bpm=90, key=None, meter=None)
    ours = a_recipe(task=Task.TEXT_TO_VIDEO, width=64, height=48, motion=motion, sound=sound)
    samples = tones(16_000, 1.0)[:, :1]
    file = VIDEO.write(marked(8).tobytes() + samples.astype("<i2").tobytes(), ours, {})
    recipe = asked_of(file, ours)
    assert recipe.sound == replace(sound, lyrics=None, bpm=None)
    found = heard(recipe, file).astype(float)
    assert found.shape == samples.shape
    assert np.corrcoef(found[:, 0], samples[:, 0])[0, 1] > 0.99  # AAC is nearly what went in


def test_a_silent_track_and_one_that_cannot_be_read_are_silence() -> None:
    silent = video(FRAMES, fps=8.0, sound=True)
    recipe = asked_of(silent)
    assert needed(recipe.sound).rate == 8_000
    assert not heard(recipe, silent).any()
    assert not heard(recipe, video(FRAMES, fps=8.0)).any()
    assert asked_of(video(FRAMES, fps=8.0)).sound is None
