"""What a reply is about changes, and nothing else: of many intents, pictures and settings."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from bot.studio.abilities import Ability
from bot.studio.changes import planned
from bot.studio.layers import Drafted
from bot.studio.recalling import Recalled, answered_of
from bot.studio.redrawing import REDRAWN, redrawn
from bot.studio.revisor import able_of, revised
from bot.studio.wishes import Counting
from generation.difference import difference
from generation.recipe import Adapter, Input, Recipe, Sha256, needed
from generation.tasks import Task
from prompting.changing.intents import (
    Action,
    AskedSetting,
    Aspect,
    ContentChange,
    Direction,
    Intent,
    IntentKind,
)
from storage.people import Preferences, SeedMode
from storage.requests import Origin
from storage.revisions import Revision
from tests.given.apps import a_wish
from tests.given.builders import a_recipe
from tests.given.drafting import a_drafting, a_parent, liking, weights

ORIGIN: Origin = a_wish().origin
DRAFTING = a_drafting(
    [
        {"name": "house", "family": "sd15"},
        {"name": "other", "family": "sd15"},
        {"name": "ink", "family": "sd15", "kind": "lora"},
        {"name": "wash", "family": "sd15", "kind": "lora"},
        {"name": "finder", "family": "", "kind": "segmenter"},
    ],
    default="other",
)

# Somebody who has said something of everything: none of it may get into somebody's picture.
MINE = liking(
    Preferences(
        model="other",
        negative_prompt="mine",
        width=768,
        height=768,
        steps=3,
        cfg=1.5,
        sampler="heun",
        scheduler="simple",
        denoise=0.9,
        count=4,
        style="watercolor",
    ),
    Counting(mode=SeedMode.INCREMENT, last=99),
)

OVER = {"task", "inputs", "sampling.denoise", "sampling.sigmas"}

FLOWER = a_recipe(
    family="sd15",
    checkpoint=weights("house"),
    prompt="a red flower in a vase",
    negative_prompt="blurry",
    width=512,
    height=640,
    steps=20,
    cfg=6.5,
    sampler="euler",
    scheduler="karras",
    adapters=(Adapter(kind="lora", weights=weights("ink"), strength=0.7, control=None),),
    seed=7,
)
SKETCHED = replace(
    FLOWER,
    task=Task.IMAGE_TO_IMAGE,
    inputs=(Input(role="init", sha256=Sha256("ab" * 32), fit="cover"),),
)
FILE = Sha256("cd" * 32)


def recalled(recipe: Recipe, **more: Any) -> Recalled:
    answered = answered_of(recipe, prompt=recipe.prompt, negative=None, style=None)
    return Recalled(recipe=recipe, file=FILE, answered=answered, picture=a_parent(recipe), **more)


async def drawn(*intents: Intent, of: Recalled) -> Drafted:
    able = {Ability.IMG2IMG, Ability.OUTPAINT}
    plan = planned(intents, of.answered, able, DRAFTING.offers.styles)
    return await revised(DRAFTING, plan, of, ORIGIN, MINE, device="cpu")


async def changed(*intents: Intent, of: Recalled) -> set[str]:
    [recipe] = (await drawn(*intents, of=of)).recipes
    return {one.name for one in difference(of.recipe, recipe)}


def edit(action: Action, aspect: Aspect, **words: str) -> Intent:
    return Intent(
        kind=IntentKind.EDIT, changes=(ContentChange(action=action, aspect=aspect, **words),)
    )


def unwanted(intent: Intent) -> set[str]:
    """What is to go is named among what is not wanted."""
    gone = any(change.action is Action.REMOVE for change in intent.changes)
    return {"words.negative_prompt"} if gone else set()


EDITS = [
    edit(Action.SET, Aspect.LIGHT, into="at night"),
    edit(Action.SET, Aspect.COLOUR, what="flower", into="blue"),
    edit(Action.ADD, Aspect.OBJECT, into="a bee"),
    edit(Action.REMOVE, Aspect.OBJECT, what="vase"),
    edit(Action.SWAP, Aspect.OBJECT, what="vase", into="a bottle"),
    edit(Action.SET, Aspect.BACKGROUND, into="by the sea"),
    edit(Action.SET, Aspect.WEATHER, into="in the rain"),
    Intent(kind=IntentKind.REWRITE, prompt="a blue boat"),
]

STEPS = {"sampling.steps", "sampling.sigmas"}
SETTINGS: list[tuple[AskedSetting, set[str]]] = [
    (AskedSetting(name="steps", value=31), STEPS),
    (AskedSetting(name="steps", direction=Direction.LESS), STEPS),
    (AskedSetting(name="cfg", value=3), {"sampling.cfg"}),
    (AskedSetting(name="cfg", direction=Direction.MORE, slightly=True), {"sampling.cfg"}),
    (AskedSetting(name="seed", value=11), {"seed"}),
    (AskedSetting(name="sampler", value="heun"), {"sampling.sampler"}),
    (AskedSetting(name="scheduler", value="simple"), {"sampling.scheduler", "sampling.sigmas"}),
    (AskedSetting(name="clip_skip", value=2), {"words.clip_skip"}),
    (AskedSetting(name="negative", value="sun"), {"words.negative_prompt"}),
    (AskedSetting(name="size", value="landscape"), {"canvas.width", "canvas.height"}),
    (AskedSetting(name="size", value="768x512"), {"canvas.width", "canvas.height"}),
    (AskedSetting(name="width", value=768), {"canvas.width"}),
    (AskedSetting(name="aspect", direction=Direction.MORE), {"canvas.width", "canvas.height"}),
    (AskedSetting(name="lora", of="wash", value=0.5), {"adapters"}),
    (AskedSetting(name="lora", of="ink", value=0.3), {"adapters"}),
    (AskedSetting(name="lora", value=0.3), {"adapters"}),
    (AskedSetting(name="lora", of="ink", direction=Direction.OFF), {"adapters"}),
    (AskedSetting(name="model", value="other"), {"checkpoint"}),
]


@pytest.mark.parametrize("of", [recalled(FLOWER), recalled(SKETCHED)], ids=["words", "picture"])
async def test_an_edit_changes_the_words_and_how_much_is_drawn_over(of: Recalled) -> None:
    for intent in EDITS:
        found = await changed(intent, of=of)
        assert "words.prompt" in found, intent
        assert found <= {*OVER, "words.prompt", *unwanted(intent)}, intent


@pytest.mark.parametrize("of", [recalled(FLOWER), recalled(SKETCHED)], ids=["words", "picture"])
async def test_a_setting_changes_its_own_field_alone(of: Recalled) -> None:
    for setting, fields in SETTINGS:
        intent = Intent(kind=IntentKind.PARAMETERS, settings=(setting,))
        assert await changed(intent, of=of) == fields, setting


async def test_any_two_settings_change_their_own_fields_alone() -> None:
    of = recalled(FLOWER)
    for (one, its), (other, theirs) in itertools.combinations(SETTINGS, 2):
        if one.name == other.name or "size" in (one.name, other.name):
            continue  # the later counts
        intent = Intent(kind=IntentKind.PARAMETERS, settings=(one, other))
        assert await changed(intent, of=of) <= its | theirs, (one, other)


async def test_an_edit_with_a_setting_changes_both_and_nothing_else() -> None:
    of = recalled(FLOWER)
    for intent, (setting, fields) in itertools.product(EDITS, SETTINGS):
        with_it = Intent(kind=IntentKind.PARAMETERS, settings=(setting,))
        found = await changed(intent, with_it, of=of)
        allowed = {*OVER, "words.prompt", *fields, *unwanted(intent)}
        assert {"words.prompt"} <= found <= allowed, (intent, setting)


def test_changes_of_a_thing_and_of_what_is_behind_it_need_more_than_each() -> None:
    thing = ContentChange(action=Action.SWAP, aspect=Aspect.OBJECT, what="flower", into="a fish")
    behind = ContentChange(action=Action.SET, aspect=Aspect.BACKGROUND, into="in the sea")
    assert (redrawn([thing]), redrawn([behind])) == (0.7, 0.7)
    assert redrawn([thing, thing]) == 0.7
    assert redrawn([thing, behind]) == 0.8
    assert redrawn([]) is None


async def test_again_changes_the_seed_alone_and_a_count_gives_as_many() -> None:
    of = recalled(SKETCHED)
    assert await changed(Intent(kind=IntentKind.AGAIN), of=of) == {"seed"}
    three = AskedSetting(name="count", value=3)
    found = await drawn(Intent(kind=IntentKind.AGAIN, settings=(three,)), of=of)
    assert len({recipe.seed for recipe in found.recipes}) == 3
    for recipe in found.recipes:
        assert {one.name for one in difference(of.recipe, recipe)} == {"seed"}


async def test_another_style_changes_the_words_and_keeps_the_persons_own() -> None:
    of = recalled(FLOWER)
    restyled = Intent(kind=IntentKind.RESTYLE, style="watercolor")
    [recipe] = (await drawn(restyled, of=of)).recipes
    found = {one.name for one in difference(of.recipe, recipe)}
    assert found <= {*OVER, "words.prompt", "words.negative_prompt"}
    assert "a red flower in a vase" in recipe.prompt
    assert "watercolor" in recipe.prompt


async def test_of_a_chain_the_first_picture_is_drawn_over_with_all_changes() -> None:
    night = ContentChange(action=Action.SET, aspect=Aspect.LIGHT, into="at night")
    before = Revision(
        typed="at night",
        kind=IntentKind.EDIT,
        said="",
        base="a red flower in a vase",
        changes=(night,),
    )
    of = recalled(SKETCHED, revision=before)
    [recipe] = (await drawn(edit(Action.SET, Aspect.COLOUR, into="blue"), of=of)).recipes
    assert recipe.inputs == SKETCHED.inputs
    assert recipe.sampling is not None
    assert REDRAWN[Aspect.LIGHT] > REDRAWN[Aspect.COLOUR]
    assert recipe.sampling.denoise == REDRAWN[Aspect.LIGHT], "what needs most decides"


@pytest.mark.parametrize("of", [recalled(FLOWER), recalled(SKETCHED)], ids=["words", "picture"])
async def test_a_variation_is_the_same_recipe_with_other_noise(of: Recalled) -> None:
    for strength in ("subtle", "strong"):
        intent = Intent(kind=IntentKind.VARY, strength=strength)
        assert await changed(intent, of=of) == {"variations"}


async def test_a_larger_canvas_changes_nothing_of_the_picture_on_it() -> None:
    of = recalled(FLOWER)
    around = {"placement", "masking", "canvas.width", "canvas.height", "sampling.denoise"}
    for directions in ((), ("left",), ("up", "down")):
        drafted = await drawn(Intent(kind=IntentKind.OUTPAINT, directions=directions), of=of)
        [recipe] = drafted.recipes
        found = {one.name for one in difference(of.recipe, recipe)}
        allowed = {*OVER, *around}
        assert {name for name in found if name.partition(".")[0] not in around} <= allowed
        assert recipe.placement is not None
        assert recipe.prompt == FLOWER.prompt


async def in_its_region(intent: Intent, of: Recalled) -> Recipe:
    able = able_of(of, DRAFTING.offers)
    assert Ability.INPAINT in able
    plan = planned((intent,), of.answered, able, DRAFTING.offers.styles)
    drafted = await revised(DRAFTING, plan, of, ORIGIN, MINE, device="cpu")
    return drafted.recipes[0]


async def test_where_a_segmenter_lies_here_a_region_that_is_named_is_drawn_anew_alone() -> None:
    of = recalled(FLOWER)
    intent = Intent(kind=IntentKind.INPAINT, region="the vase")
    recipe = await in_its_region(intent, of)
    changes = {one.name.partition(".")[0] for one in difference(FLOWER, recipe)}
    assert changes <= {"task", "inputs", "masking", "sampling"}
    masking = needed(recipe.masking)
    assert (masking.region, masking.inverse) == ("the vase", None)
    assert needed(masking.segmenter).name == "finder"
    assert (needed(recipe.sampling).denoise, recipe.seed) == (1.0, FLOWER.seed)
    assert [(item.role, item.sha256) for item in recipe.inputs] == [("init", FILE)]


async def test_a_change_of_a_thing_in_its_region_begins_with_what_lies_there() -> None:
    intent = edit(Action.SET, Aspect.COLOUR, what="vase", into="blue")
    recipe = await in_its_region(intent, recalled(FLOWER))
    assert recipe.task is Task.INPAINT
    assert needed(recipe.masking).region == "vase"
    assert needed(recipe.sampling).denoise == REDRAWN[Aspect.COLOUR]
