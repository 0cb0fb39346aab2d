"""Wishes for a picture changed as it is told to, and for one that is made of several."""

from __future__ import annotations

from typing import Any

import pytest

from bot.studio.editing import Ingredient, blended, edited
from bot.studio.wishes import Wish
from generation.difference import difference
from generation.draft import usual_sparing
from generation.errors import NotMadeFor, OutOfRange
from generation.families.family import FAMILIES
from generation.recipe import Canvas, Input, Recipe, needed
from generation.tasks import CONTROL, Task
from storage.people import AssistMode, Preferences
from tests.given.apps import a_wish
from tests.given.builders import a_digest, a_recipe, changed
from tests.given.drafting import a_drafting, a_parent, liking, weights

STARTER = FAMILIES["starter"]
HERE: list[dict[str, Any]] = [
    {"name": "plain", "family": "starter"},
    {"name": "xl-editor", "family": "sdxl", "channels": 8},
    {"name": "editor", "family": "starter", "channels": 8},
    {"name": "masks", "family": "starter", "channels": 9},
    {"name": "edges", "family": "flux1-control", "channels": 128},
]
DRAFTING = a_drafting(HERE, default="plain")
MINE = Preferences(
    steps=33, cfg=3.0, sampler="heun", style="ink-wash", negative_prompt="dog", assist=AssistMode.ON
)
ORIGIN = a_wish("x").origin


def a_picture(**changes: Any) -> Any:
    given = {"checkpoint": weights("plain"), "prompt": "a red flower", "seed": 5, **changes}
    return a_parent(a_recipe(**given))


def ours(letter: str = "c", **changes: Any) -> Ingredient:
    picture = a_picture(**changes)
    canvas = needed(picture.recipe.canvas)
    return Ingredient(
        file=a_digest(letter), width=canvas.width, height=canvas.height, picture=picture
    )


def sent(width: int = 90, height: int = 70) -> Ingredient:
    return Ingredient(file=a_digest("d"), width=width, height=height)


async def drawn(wish: Wish, mine: Preferences = MINE) -> Recipe:
    drafted = await DRAFTING.draft(wish, liking(mine), device="cpu")
    (recipe,) = drafted.recipes
    return recipe


def an_edit(start: Ingredient, **more: Any) -> Wish:
    return edited(start, "make it blue", origin=ORIGIN, **{"model": "editor", **more})


async def test_an_edit_is_drawn_as_its_model_is_usual_whatever_a_person_likes_to_draw_with() -> (
    None
):
    recipe = await drawn(an_edit(ours(), shows="a blue flower"))
    assert (recipe.task, recipe.checkpoint.name) == (Task.EDIT, "editor")
    assert (recipe.prompt, recipe.described) == ("make it blue", "a blue flower")
    assert needed(recipe.words).negative_prompt == ""
    sampling = needed(recipe.sampling)
    assert (sampling.cfg, sampling.image_cfg) == (STARTER.cfg_of_edits, STARTER.image_cfg)
    assert (sampling.steps, sampling.sampler) == (STARTER.steps, STARTER.sampler)
    assert recipe.seed == 5
    assert recipe.inputs == (Input(role="reference", sha256=a_digest("c"), fit="cover"),)


async def test_what_is_said_of_an_edit_counts() -> None:
    wish = an_edit(ours(), seed=9, sampling=a_wish("x", draft={"image_cfg": 1.2}).draft.sampling)
    recipe = await drawn(wish)
    assert (recipe.seed, needed(recipe.sampling).image_cfg) == (9, 1.2)


async def test_what_hardly_changes_is_to_stay_but_where_all_of_it_is_to_change() -> None:
    assert (await drawn(an_edit(sent(900, 700)))).sparing == usual_sparing(900, 700)
    assert (await drawn(an_edit(sent(900, 700), throughout=True))).sparing is None
    start = Input(role="init", sha256=a_digest("d"), fit="cover")
    wish = DRAFTING.started(a_wish("make it blue", model="editor"), start, 900, 700)
    assert (await drawn(wish)).sparing == usual_sparing(900, 700)


async def test_a_model_that_looks_at_edges_takes_the_picture_for_a_control_picture() -> None:
    start = Input(role="init", sha256=a_digest("d"), fit="cover")
    recipe = await drawn(DRAFTING.started(a_wish("a house", model="edges"), start, 900, 600))
    assert recipe.task is Task.TEXT_TO_IMAGE
    assert recipe.inputs == (Input(role=CONTROL, sha256=a_digest("d"), fit="cover"),)
    canvas = needed(recipe.canvas)
    assert canvas.width > canvas.height


async def test_a_photo_keeps_its_size_and_is_drawn_at_one_that_the_model_draws() -> None:
    for size in ((90, 70), (17, 400), (1001, 999), (4032, 3024)):
        recipe = await drawn(an_edit(sent(*size)))
        assert recipe.canvas == Canvas(width=size[0], height=size[1])
        at = recipe.drawn_at
        assert at.width % 8 == at.height % 8 == 0
        assert at.pixels <= STARTER.max_pixels
    assert (await drawn(an_edit(ours()))).drawn is None


async def test_what_is_drawn_after_an_edit_is_drawn_with_a_model_that_draws() -> None:
    edit = await drawn(an_edit(sent()))
    recipe = await drawn(a_wish("a cat", parent=a_parent(edit)), Preferences())
    assert (recipe.checkpoint.name, recipe.task) == ("plain", Task.TEXT_TO_IMAGE)
    assert needed(recipe.sampling).cfg == STARTER.cfg
    assert recipe.canvas == edit.drawn_at
    masked = a_picture(checkpoint=weights("masks"))
    assert (await drawn(a_wish("a cat", parent=masked), Preferences())).checkpoint.name == "plain"


async def test_a_model_that_edits_takes_a_picture_to_start_from_as_the_one_to_change() -> None:
    start = Input(role="init", sha256=a_digest("d"), fit="cover")
    wish = a_wish("make it blue", model="editor")
    recipe = await drawn(DRAFTING.started(wish, start, 90, 70))
    assert recipe.task is Task.EDIT
    assert recipe.canvas == Canvas(width=90, height=70)
    plain = await drawn(DRAFTING.started(a_wish("a cat"), start, 90, 70), Preferences())
    assert plain.task is Task.IMAGE_TO_IMAGE
    with pytest.raises(NotMadeFor):
        await drawn(a_wish("a cat", model="editor"), Preferences())


def test_models_that_edit_are_found_those_of_the_pictures_family_first() -> None:
    named = [entry.name for entry in DRAFTING.offers.editors()]
    assert sorted(named) == ["editor", "xl-editor"]
    assert DRAFTING.offers.editors(STARTER)[0].name == "editor"
    assert DRAFTING.offers.editors(FAMILIES["sdxl"])[0].name == "xl-editor"


async def test_a_blend_has_the_words_of_all_and_size_seed_and_settings_of_what_counts_most() -> (
    None
):
    flower = ours(cfg=4.5, width=96, height=64)
    cat = ours("e", prompt="a blue cat", seed=6, cfg=3.5)
    wish = blended([flower, cat], (1, 3), origin=ORIGIN, family=STARTER)
    recipe = await drawn(wish)
    assert (recipe.task, recipe.shares) == (Task.BLEND, (0.25, 0.75))
    assert recipe.prompt == "a red flower, a blue cat"
    assert (recipe.seed, needed(recipe.sampling).cfg) == (6, 3.5)
    assert recipe.canvas == Canvas(width=128, height=128)
    assert [given.sha256 for given in recipe.inputs] == [a_digest("c"), a_digest("e")]
    alike = await drawn(blended([flower, cat], origin=ORIGIN, family=STARTER))
    assert alike.shares == (0.5, 0.5)
    assert alike.canvas == Canvas(width=96, height=64)
    assert "shares" in {one.name for one in difference(recipe, alike)}


async def test_a_blend_of_what_was_sent_is_brought_to_a_size_that_is_drawn() -> None:
    wish = blended([sent(), ours()], origin=ORIGIN, family=STARTER, prompt="a bird")
    recipe = await drawn(wish)
    assert recipe.prompt == "a bird"
    assert recipe.canvas == Canvas(width=88, height=72)


@pytest.mark.parametrize(
    ("count", "shares"),
    [(1, ()), (5, ()), (2, (1,)), (2, (0, 0)), (2, (-1, 2)), (2, (1, float("nan")))],
)
def test_no_blend_is_made_of_too_few_or_without_shares(
    count: int, shares: tuple[float, ...]
) -> None:
    with pytest.raises(OutOfRange):
        blended([ours()] * count, shares, origin=ORIGIN, family=STARTER)


def test_the_shares_of_a_recipe_are_those_of_its_pictures() -> None:
    pair = (Input(role="init", sha256=a_digest("e"), fit="cover"),) * 2
    whole = a_recipe(task=Task.BLEND, inputs=pair, shares=(0.5, 0.5))
    for wrong in ((0.5,), (0.5, 0.5, 0.0), (0.0, 0.0), (0.5, 1.5)):
        with pytest.raises(OutOfRange, match="share"):
            changed(whole, shares=wrong)
