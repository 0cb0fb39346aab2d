"""Claims about control pictures that are made of ordinary ones."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from generation.errors import NoSuchName
from generation.media.edges import canny
from generation.media.preprocessors import BY_NETWORKS, PREPROCESSORS, preprocessed


def a_drawing() -> Image.Image:
    """A dark ring on grey paper, 96 x 64 pixels."""
    picture = Image.new("RGB", (96, 64), (180, 180, 180))
    ImageDraw.Draw(picture).ellipse((20, 10, 70, 55), outline=(20, 20, 60), width=3)
    return picture


@pytest.mark.parametrize("how", [*PREPROCESSORS, None])
def test_each_gives_an_rgb_picture_of_the_same_size_and_the_same_one_again(how: str | None) -> None:
    picture = a_drawing()
    made = preprocessed(picture, how)
    assert (made.mode, made.size) == ("RGB", picture.size)
    assert preprocessed(a_drawing(), how).tobytes() == made.tobytes()
    assert picture.tobytes() == a_drawing().tobytes()
    assert (made.tobytes() == picture.tobytes()) == (how is None)


@pytest.mark.parametrize("how", ["canny", "scribble"])
def test_lines_are_white_on_black_and_lie_where_the_ring_is(how: str) -> None:
    lines = np.asarray(preprocessed(a_drawing(), how))
    assert set(np.unique(lines)) == {0, 255}
    assert 0.01 < (lines == 255).mean() < 0.2
    across = np.flatnonzero(lines[32, :, 0])
    assert {*across} <= {*range(16, 27), *range(64, 75)}
    assert across.min() < 27 < 64 < across.max()
    assert not lines[:5].any()


def test_paper_without_a_line_gives_none() -> None:
    for how in ("canny", "scribble"):
        assert not np.asarray(preprocessed(Image.new("RGB", (64, 64), "white"), how)).any()


def test_canny_is_the_one_that_ours_are_taught_with() -> None:
    assert preprocessed(a_drawing(), "canny") == canny(a_drawing()).convert("RGB")


def test_inverting_twice_is_the_picture_in_grey() -> None:
    twice = preprocessed(preprocessed(a_drawing(), "invert"), "invert")
    assert twice.tobytes() == preprocessed(a_drawing(), "gray").tobytes()


@pytest.mark.parametrize("how", ["blur", "tile"])
def test_blur_and_tile_keep_the_shades_and_lose_the_line(how: str) -> None:
    made, picture = (
        np.asarray(p, dtype=float) for p in (preprocessed(a_drawing(), how), a_drawing())
    )
    assert abs(made.mean() - picture.mean()) < 2
    assert made.std() < picture.std()
    assert np.abs(np.diff(made, axis=1)).max() < np.abs(np.diff(picture, axis=1)).max()


@pytest.mark.parametrize("how", [*BY_NETWORKS, "Canny"])
def test_others_are_refused_with_those_that_there_are(how: str) -> None:
    with pytest.raises(NoSuchName) as refused:
        preprocessed(a_drawing(), how)
    assert refused.value.name == how
    assert set(refused.value.nearest) == set(PREPROCESSORS)
