"""Replies where a model is there that changes pictures as it is told to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.studio.changes import Means, planned
from bot.studio.recalling import Recalled, answered_of
from bot.studio.revising import changes_of, start_of
from bot.studio.revisor import able_of, revised
from bot.studio.rewriting import rewritten, written_of
from generation.difference import difference
from generation.recipe import Recipe, Sha256, needed
from generation.tasks import Task
from prompting.changing.intents import (
    Action,
    AskedSetting,
    Aspect,
    ContentChange,
    Intent,
    IntentKind,
)
from storage.people import Preferences
from storage.revisions import Revision
from tests.given.apps import a_wish
from tests.given.builders import a_recipe
from tests.given.drafting import a_drafting, a_parent, liking, weights

DRAFTING = a_drafting(
    [
        {"name": "plain", "family": "starter"},
        {"name": "other", "family": "starter"},
        {"name": "editor", "family": "starter", "channels": 8},
    ],
    default="other",
)
MINE = liking(Preferences(model="other", steps=33, cfg=3.0, sampler="heun", negative_prompt="mine"))
ORIGIN = a_wish().origin

FLOWER = a_recipe(
    checkpoint=weights("plain"),
    prompt="a red flower",
    negative_prompt="blurry",
    sampler="euler",
    seed=7,
)
FIELD = replace(FLOWER, words=replace(needed(FLOWER.words), prompt="a red flower on a grass field"))
BLUE = Intent(
    kind=IntentKind.EDIT,
    changes=(ContentChange(action=Action.SET, aspect=Aspect.COLOUR, what="flower", into="blue"),),
)
NIGHT = Intent(
    kind=IntentKind.EDIT,
    changes=(ContentChange(action=Action.SET, aspect=Aspect.LIGHT, into="at night"),),
)


def of(recipe: Recipe, **more: Any) -> Recalled:
    negative = needed(more.get("drawn_by", recipe).words).negative_prompt
    answered = answered_of(recipe, prompt=recipe.described, negative=negative, style=None)
    file = Sha256("cd" * 32)
    more = {"drawn_by": recipe, **more}
    return Recalled(recipe=recipe, file=file, answered=answered, picture=a_parent(recipe), **more)


async def changed(recalled: Recalled, *intents: Intent) -> Recipe:
    able = able_of(recalled, DRAFTING.offers)
    plan = planned(intents, recalled.answered, able, DRAFTING.offers.styles)
    [recipe] = (await revised(DRAFTING, plan, recalled, ORIGIN, MINE, device="cpu")).recipes
    return recipe


async def made_blue() -> tuple[Recalled, Recipe]:
    """A flower that was told to be blue, as the next reply finds it."""
    return await made(FLOWER, BLUE)


async def made(parent: Recipe, intent: Intent) -> tuple[Recalled, Recipe]:
    """That picture as it was told to become, as the next reply finds it."""
    first = of(parent)
    able = able_of(first, DRAFTING.offers)
    plan = planned([intent], first.answered, able, DRAFTING.offers.styles)
    start = start_of(plan, first)
    edited = await changed(first, intent)
    before = Revision(
        typed="",
        kind=IntentKind.EDIT,
        said="",
        base=start.base,
        changes=changes_of(plan),
    )
    return of(edited, revision=before, drawn_by=parent), edited


async def test_the_model_is_told_what_to_change_and_the_new_words_are_kept() -> None:
    recipe = await changed(of(FLOWER), BLUE)
    assert recipe.task is Task.EDIT
    assert recipe.checkpoint.name == "editor"
    assert "blue" in recipe.prompt
    assert recipe.described == "a blue flower"
    assert recipe.seed == 7
    assert recipe.inputs[0].sha256 == "cd" * 32
    assert recipe.sparing is not None


async def test_where_one_of_the_changes_is_of_the_whole_picture_nothing_is_copied() -> None:
    assert (await changed(of(FLOWER), NIGHT)).sparing is None
    recalled, _ = await made_blue()
    assert (await changed(recalled, NIGHT)).sparing is None


async def test_a_second_reply_changes_the_first_picture_by_both() -> None:
    recalled, edited = await made_blue()
    recipe = await changed(recalled, NIGHT)
    assert recipe.task is Task.EDIT
    assert recipe.inputs == edited.inputs
    assert "blue" in recipe.prompt
    assert "night" in recipe.prompt
    assert "blue flower" in recipe.described
    assert "night" in recipe.described


async def test_another_style_is_drawn_with_the_model_and_settings_of_before_the_edit() -> None:
    recalled, _ = await made_blue()
    recipe = await changed(recalled, Intent(kind=IntentKind.RESTYLE, style="watercolor"))
    assert recipe.task is Task.IMAGE_TO_IMAGE
    assert recipe.checkpoint == FLOWER.checkpoint
    assert needed(recipe.sampling).sampler == "euler"
    assert needed(recipe.words).negative_prompt.startswith("blurry")
    assert "a blue flower" in recipe.prompt
    assert recipe.inputs[0].sha256 == recalled.file
    assert recipe.prompt.count("flower") == 1  # nothing that the editor was told is in it


@pytest.mark.parametrize("base", ["a red flower", ""])
@pytest.mark.parametrize(
    ("instruction", "shows"),
    [
        ("make the flower green", "a green flower"),
        ("a yellow boat", "a yellow boat"),
        ("make the flower blue", "a blue flower"),
    ],
)
async def test_what_an_edit_shows_follows_another_instruction(
    base: str, instruction: str, shows: str
) -> None:
    _, edited = await made_blue()
    words = replace(needed(edited.words), prompt="make the flower blue")
    picture = a_parent(replace(edited, words=words, shows="a blue flower"))
    form = replace(written_of(picture.recipe), prompt=instruction, seed="8")
    wish = rewritten(picture, form, ORIGIN, base=base)
    assert wish.draft.words.prompt == instruction
    assert wish.draft.shows == shows


async def test_again_is_the_same_edit_and_a_setting_changes_itself_alone() -> None:
    recalled, edited = await made_blue()
    again = await changed(recalled, Intent(kind=IntentKind.AGAIN))
    assert {one.name for one in difference(edited, again)} == {"seed"}
    steps = AskedSetting(name="steps", value=31)
    more = await changed(recalled, Intent(kind=IntentKind.PARAMETERS, settings=(steps,)))
    assert {one.name for one in difference(edited, more)} == {"sampling.steps", "sampling.sigmas"}
    assert more.described == "a blue flower"


async def test_without_such_a_model_of_the_family_the_picture_is_drawn_over() -> None:
    xl = replace(FLOWER, family="sdxl", checkpoint=weights("elsewhere"))
    able = able_of(of(xl), DRAFTING.offers)
    plan = planned([BLUE], of(xl).answered, able, DRAFTING.offers.styles)
    assert plan.means is Means.OVER


async def test_the_built_in_model_is_told_the_whole_picture() -> None:
    """What it is told of stays better; other families' models read instructions."""
    assert (await changed(of(FLOWER), BLUE)).prompt == "a blue flower"


async def test_what_is_taken_away_is_told_as_an_instruction() -> None:
    gone = ContentChange(action=Action.REMOVE, aspect=Aspect.OBJECT, what="hat")
    hatted = of(replace(FLOWER, words=replace(needed(FLOWER.words), prompt="a cat with a hat")))
    recipe = await changed(hatted, Intent(kind=IntentKind.EDIT, changes=(gone,)))
    assert "remove the hat" in recipe.prompt


async def test_night_falls_where_the_built_in_model_was_told_of_a_place() -> None:
    """Told of both it shows the grass alone; the words of the picture keep both."""
    field = of(FIELD)
    recipe = await changed(field, NIGHT)
    assert "night" in recipe.prompt
    assert "grass" not in recipe.prompt
    assert "grass field" in recipe.described
    sea = ContentChange(action=Action.SET, aspect=Aspect.BACKGROUND, into="on the sea")
    both = Intent(kind=IntentKind.EDIT, changes=(*NIGHT.changes, sea))
    assert "sea" in (await changed(field, both)).prompt


async def test_night_stays_when_the_next_reply_is_about_something_else() -> None:
    recalled, _ = await made(FIELD, NIGHT)
    assert (await changed(recalled, BLUE)).prompt == "a blue flower, at night"
    styled = await changed(recalled, Intent(kind=IntentKind.RESTYLE, style="pixel-art"))
    assert "night" in styled.prompt
    assert "grass" not in styled.prompt
