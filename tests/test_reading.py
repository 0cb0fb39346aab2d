"""What a file of ours or of others carries, read by whoever knows it."""

from __future__ import annotations

import pytest

from generation.interchange.imported import NotRead
from generation.interchange.reading import read
from generation.recipe import dump
from tests.given.builders import a_recipe


def test_a_recipe_of_ours_is_read_to_the_letter() -> None:
    recipe = a_recipe()
    found = read({"atelier": dump(recipe), "parameters": "another thing\nSteps: 3"})
    assert found.program == "atelier"
    assert found.recipe == recipe
    assert (found.task, found.seed) == (recipe.task, recipe.seed)


@pytest.mark.parametrize("texts", [{}, {"Software": "a painter's"}, {"atelier": "{}"}])
def test_what_nobody_reads_is_said_to_be_so(texts: dict[str, str]) -> None:
    with pytest.raises(NotRead):
        read(texts)
