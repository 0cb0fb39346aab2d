"""What a clip is made of: frames one after the other, and the samples of its sound.

    content:  frame 0, frame 1, ... as rows of RGB, 3 bytes a pixel; then, where the recipe has a
              sound, int16 little-endian, the channels of a moment beside each other

The invariant: content and recipe give the footage, the footage the content, without a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.errors import OutOfRange
from generation.media.pyav import Frame
from generation.recipe import Recipe, needed

SoundSamples = NDArray[np.int16]  # (moments, channels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Footage:
    """A clip as it is before it is a file."""

    frames: Iterable[Frame]  # that are gone through once, one after the other
    count: int
    width: int
    height: int
    fps: float
    samples: SoundSamples | None
    rate: int  # samples a second; 0 where there are none


def footage_of(content: bytes, recipe: Recipe) -> Footage:
    """The content's frames and samples.  Raises OutOfRange where it is not the recipe's."""
    canvas, motion, sound = needed(recipe.canvas), needed(recipe.motion), recipe.sound
    pictures = 3 * motion.frames * canvas.pixels
    rest = len(content) - pictures
    if rest < 0 or (rest and sound is None) or (sound and rest % (2 * sound.channels)):
        raise OutOfRange("content", len(content), "what its recipe asks for")
    frames = np.frombuffer(content, np.uint8, count=pictures)
    samples: SoundSamples | None = None
    if sound is not None:
        samples = np.frombuffer(content, "<i2", offset=pictures).reshape(-1, sound.channels)
    return Footage(
        frames=frames.reshape(motion.frames, canvas.height, canvas.width, 3),
        count=motion.frames,
        width=canvas.width,
        height=canvas.height,
        fps=motion.fps,
        samples=samples,
        rate=sound.rate if sound is not None else 0,
    )


def even(frame: Frame) -> Frame:
    """The frame with even sides, as files of halved colours need them: its edge once more."""
    height, width = frame.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return frame
    filled: Frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return filled


def begins(number: int, fps: float) -> int:
    """The millisecond at which a frame is first shown."""
    return round(1000 * number / fps)


def shared(count: int, moments: int) -> Iterator[slice]:
    """Which samples are played during each of so many frames; the last has all that are left."""
    ends: NDArray[Any] = np.arange(1, count + 1) * moments // count
    at = 0
    for end in ends.tolist():
        yield slice(at, end)
        at = end
