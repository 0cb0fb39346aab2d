"""Clips of ours: recipes of clips, and what would be drawn by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from generation.recipe import Recipe, needed
from generation.spans import Motion, Sound
from generation.tasks import Task
from tests.given.builders import a_recipe_of, changed
from tests.given.videos import marked

RATE = 24_000


def a_clip(
    *,
    width: int = 64,
    height: int = 48,
    frames: int = 9,
    fps: float = 8.0,
    channels: int = 0,  # of its sound; 0: it has none
) -> Recipe:
    """The recipe of a clip."""
    recipe = changed(a_recipe_of(Task.TEXT_TO_VIDEO), width=width, height=height)
    sound = None
    if channels:
        sound = Sound(
            seconds=frames / fps,
            rate=RATE,
            channels=channels,
            lyrics=None,
            bpm=None,
            key=None,
            meter=None,
        )
    motion = Motion(frames=frames, fps=fps, piece=None, overlap=None)
    return replace(recipe, motion=motion, sound=sound)


def clip_content(recipe: Recipe) -> bytes:
    """Frames of rising shades, and a tone."""
    canvas, motion = needed(recipe.canvas), needed(recipe.motion)
    frames = marked(motion.frames, canvas.height, canvas.width).tobytes()
    if recipe.sound is None:
        return frames
    moments = np.arange(round(motion.seconds * recipe.sound.rate))
    tone = (8_000 * np.sin(moments * 2 * np.pi * 440 / recipe.sound.rate)).astype("<i2")
    return frames + np.repeat(tone[:, None], recipe.sound.channels, axis=1).tobytes()


def noise_content(recipe: Recipe, seed: int = 0) -> bytes:
    """Frames that nothing makes smaller, without a sound."""
    canvas, motion = needed(recipe.canvas), needed(recipe.motion)
    shape = motion.frames, canvas.height, canvas.width, 3
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8).tobytes()


A_CLIP = a_clip()
