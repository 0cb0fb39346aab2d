"""The built-in sound model, in phrasings that it never read; formulas judge it."""

from __future__ import annotations

import numpy as np
import pytest

from generation.training.sound.evaluate import load_pipeline, make_held_out
from generation.training.sound.export import MODEL
from generation.training.starter.evaluate import one_thread


def test_it_is_small() -> None:
    assert sum(file.stat().st_size for file in MODEL.rglob("*")) < 8_000_000


def test_what_it_makes_is_mostly_as_asked_for() -> None:
    with one_thread():
        made = list(make_held_out(load_pipeline(), 4, 2, steps=12))
    right = np.array([one.right for one in made])
    assert right.sum() >= 12, [one.prompt for one in made]


@pytest.mark.slow
def test_sounds_in_phrasings_that_it_never_read_are_as_asked_for() -> None:
    with one_thread():
        made = list(make_held_out(load_pipeline(), 36, 2))
    right = np.array([one.right for one in made])
    assert (right.mean(axis=0) >= 0.85).all(), right.mean(axis=0)
