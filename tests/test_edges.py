"""Canny's edges are thin, closed where a thing is, and only where something changes."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from generation.media.edges import canny


def a_square(shade: int = 255) -> Image.Image:
    picture = Image.new("RGB", (64, 48), "black")
    ImageDraw.Draw(picture).rectangle((20, 10, 43, 33), fill=(shade,) * 3)
    return picture


def test_a_square_is_one_closed_line_of_one_pixel() -> None:
    lines = np.asarray(canny(a_square())) > 0
    assert lines.shape == (48, 64)
    _, count = ndimage.label(lines, structure=np.ones((3, 3)))
    _, areas = ndimage.label(~lines)
    assert (count, areas) == (1, 2)
    assert 80 <= lines.sum() <= 4 * 25


def test_what_hardly_changes_has_no_edge_and_plain_colour_none_at_all() -> None:
    assert not np.asarray(canny(a_square(shade=9))).any()
    assert not np.asarray(canny(Image.new("RGB", (32, 32), "red"))).any()


def test_a_faint_line_counts_where_it_joins_a_strong_one() -> None:
    picture = Image.new("L", (60, 40), 0)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 20, 29, 39), fill=200)
    pen.rectangle((30, 20, 59, 39), fill=30)
    joined = np.asarray(canny(picture))
    assert joined[18:22, 35:55].any()
    pen.rectangle((0, 0, 34, 39), fill=0)
    assert not np.asarray(canny(picture))[18:22, 45:55].any()
