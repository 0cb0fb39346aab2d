"""The claim that Wan's films are those of the stock pipelines, frame for frame."""

from __future__ import annotations

from typing import Any

import pytest

from generation.errors import OutOfRange
from generation.recipe import Recipe
from generation.spans import Motion
from generation.worker.model import Model
from tests.given import loaded
from tests.given.builders import changed
from tests.given.stock_films import a_film, asked, differing, drawn, pipeline

NAME = "wan"


def by_stock(model: Model, recipe: Recipe, **given: Any) -> Any:
    """Theirs asks about the negative prompt from a cfg above 1 on, as ours from another one."""
    return pipeline(model, "WanPipeline", recipe)(**asked(model, recipe), **given).frames[0]


@pytest.mark.parametrize("cfg", [1.0, 4.0])
@pytest.mark.parametrize("prompt", ["a red cat", "", "a \u201cred\u201d&amp;amp; cat\n [dog]" * 9])
def test_a_film_of_words_has_no_differing_value(cfg: float, prompt: str) -> None:
    recipe, model = a_film(NAME, cfg=cfg, prompt=prompt), loaded.model(NAME)
    assert differing(drawn(recipe, model), by_stock(model, recipe)) == 0


@pytest.mark.parametrize("frames", [1, 5, 13])
def test_films_of_every_length_have_none(frames: int) -> None:
    motion = Motion(frames=frames, fps=16.0, piece=None, overlap=None)
    recipe, model = a_film(NAME, motion=motion), loaded.model(NAME)
    assert differing(drawn(recipe, model), by_stock(model, recipe)) == 0


def test_a_side_that_is_no_whole_token_is_refused() -> None:
    with pytest.raises(OutOfRange, match="a multiple of 16"):
        drawn(changed(a_film(NAME), width=72), loaded.model(NAME))
