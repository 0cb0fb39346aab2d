"""What looks at pictures sees a clip as some of its frames."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PIL import Image

from generation.media.table import MEDIA, several_of, still_of
from generation.recipe import Canvas
from generation.tasks import Task
from tests.given.builders import A_MOTION, a_png, a_recipe_of


def a_clip() -> bytes:
    """Nine frames of 64x64, each lighter than the one before."""
    recipe = replace(a_recipe_of(Task.TEXT_TO_VIDEO), canvas=Canvas(width=64, height=64))
    grey = np.arange(A_MOTION.frames, dtype=np.uint8) * 20
    frames = np.broadcast_to(grey[:, None, None, None], (A_MOTION.frames, 64, 64, 3))
    return MEDIA["video"].write(frames.tobytes(), recipe, {})


def lightness(png: bytes) -> int:
    """Of the upper left pixel."""
    return int(np.asarray(Image.open(io.BytesIO(png)).convert("L"))[0, 0])


def test_a_clip_is_looked_at_in_its_beginning_its_middle_and_its_end() -> None:
    assert [lightness(one) for one in several_of(a_clip(), 3)] == [20, 80, 140]
    assert lightness(still_of(a_clip())) == 80


def test_a_picture_is_looked_at_as_it_is() -> None:
    png = a_png(8, 8)
    assert several_of(png, 3) == [png]
    assert still_of(png) == png
