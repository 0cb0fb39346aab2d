"""Pictures that somebody sends to a model that edits: how many it looks at, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.studio.layers import NOBODY
from bot.studio.wishes import Wish
from generation.families.family import FAMILIES
from generation.recipe import Input, needed
from generation.tasks import Task
from tests.given.apps import a_wish
from tests.given.builders import a_digest
from tests.given.drafting import a_drafting

HERE: list[dict[str, Any]] = [
    {"name": "plain", "family": "sdxl"},
    {"name": "klein", "family": "flux2-klein"},
    {"name": "kontext", "family": "flux1-kontext"},
]
DRAFTING = a_drafting(HERE, default="plain")


def sent(letter: str) -> Input:
    return Input(role="init", sha256=a_digest(letter), fit="cover")


def started(model: str, **draft: Any) -> Wish:
    wish = replace(a_wish("make it night", draft=draft), model=model)
    return DRAFTING.started(wish, sent("a"), 1000, 800)


async def test_a_model_that_edits_changes_a_picture_that_came_with_words() -> None:
    for model in ("klein", "kontext"):
        drafted = await DRAFTING.draft(started(model), NOBODY, device="cpu")
        (recipe,) = drafted.recipes
        assert recipe.task is Task.EDIT, model
        assert [one.role for one in recipe.inputs] == ["reference"]
        # The result is as large as what came.
        assert (needed(recipe.canvas).width, needed(recipe.canvas).height) == (1000, 800)
        assert recipe.drawn is None or recipe.drawn.width % 16 == 0


def test_who_says_how_much_is_drawn_over_has_it_drawn_over() -> None:
    assert started("klein", denoise=0.4).draft.task is None
    assert [one.role for one in started("klein", denoise=0.4).draft.inputs] == ["init"]
    assert started("plain").draft.task is None


@pytest.mark.parametrize("model", ["klein", "kontext"])
async def test_as_many_pictures_are_looked_at_as_the_family_looks_at(model: str) -> None:
    wish: Wish | None = started(model)
    letters = "bcdef0123456789"
    most = FAMILIES[DRAFTING.offers.checkpoint(model).family.name].references
    for letter in letters[: most - 1]:
        assert wish is not None
        wish = DRAFTING.looking_at(wish, sent(letter))
    assert wish is not None
    assert DRAFTING.looking_at(wish, sent("e")) is None
    (recipe,) = (await DRAFTING.draft(wish, NOBODY, device="cpu")).recipes
    expected = [a_digest(letter) for letter in ("a", *letters[: most - 1])]
    assert [one.sha256 for one in recipe.inputs] == expected


def test_a_model_that_draws_over_looks_at_no_second_picture() -> None:
    assert DRAFTING.looking_at(started("plain"), sent("b")) is None
