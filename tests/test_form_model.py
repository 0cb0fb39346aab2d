"""The built-in 3D model, by wishes that it never saw; formulas judge it."""

from __future__ import annotations

import pytest

from generation.media.surfaces import is_watertight
from generation.training.form.evaluate import formed, judged_wishes, load_pipeline
from generation.training.form.export import MODEL
from generation.training.starter.evaluate import one_thread

# diffusers makes an array of a tensor in a way that numpy will not take for ever.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_it_is_small() -> None:
    assert sum(file.stat().st_size for file in MODEL.rglob("*")) < 4_000_000


def test_what_it_forms_is_closed_and_of_the_colour_asked_for() -> None:
    with one_thread():
        mesh = formed(load_pipeline(), "a large blue cone", seed=3, grid=32)
    assert is_watertight(mesh)
    red, green, blue = mesh.colours.mean(axis=0)
    assert blue > 3 * red
    assert blue > 3 * green


@pytest.mark.slow
def test_forms_of_combinations_that_it_never_saw_are_as_asked_for() -> None:
    with one_thread():
        found = list(judged_wishes(load_pipeline(), 20, seed=2))
    assert sum(wish.right for wish in found) >= 18
    assert all(wish.closed for wish in found)
    assert sum(wish.sentence.overlap >= 0.7 for wish in found) >= 18
