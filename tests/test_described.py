"""What a picture shows is kept with its recipe, for people and for the next change; no pixel is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generation.difference import difference
from generation.draft import complete, said
from generation.errors import OutOfRange
from generation.limits import Present, for_somebody
from generation.media.image import png, recipe_in
from generation.parameters import PROMPT
from generation.recipe import Recipe, Weights, dump, parse
from tests.given.builders import a_digest, a_draft, a_model, a_recipe

TOLD = "a red flower at night"


def told(recipe: Recipe, shows: str = TOLD) -> Recipe:
    return replace(recipe, shows=shows)


def test_a_picture_shows_its_prompt_unless_another_thing_is_said() -> None:
    recipe = a_recipe(prompt="make it night")
    assert recipe.described == "make it night"
    assert told(recipe).described == TOLD
    assert told(recipe).prompt == "make it night"


def test_what_it_shows_is_in_the_text_and_in_no_identity() -> None:
    recipe = a_recipe()
    assert told(recipe).id == recipe.id
    assert difference(recipe, told(recipe)) == ()
    assert parse(dump(told(recipe))) == told(recipe)
    assert "shows" not in dump(recipe)


def test_it_comes_back_from_the_png_alone() -> None:
    recipe = told(a_recipe(width=64, height=64))
    assert recipe_in(png(bytes(64 * 64 * 3), recipe)) == recipe


def test_a_draft_says_it_and_it_is_cleaned_like_a_prompt() -> None:
    draft = a_draft("make it night", shows=" a red\nflower\u200b ")
    recipe = complete(draft, a_model(), seed=1, device="cpu")
    assert recipe.shows == "a red flower"
    assert said(recipe).shows == "a red flower"
    assert complete(a_draft("a"), a_model(), seed=1, device="cpu").shows is None


def test_it_is_among_the_texts_that_the_policy_looks_at_and_as_long_as_a_prompt() -> None:
    assert TOLD in told(a_recipe()).texts
    ours = Weights(name="starter", sha256=a_digest())
    here = {ours.sha256: Present(kind="checkpoint", weights=ours, family="starter")}
    longest = told(a_recipe(checkpoint=ours), "a" * PROMPT.longest)
    assert for_somebody(longest, here) == longest
    with pytest.raises(OutOfRange, match="description"):
        for_somebody(told(longest, "a" * (PROMPT.longest + 1)), here)
