"""What changed from one picture to the next is said in people's words, and all of it."""

from __future__ import annotations

from copy import copy
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from bot.pages.differences import change_of, words_changed
from bot.pages.lineage_page import lineage_page
from generation import enlarging
from generation.difference import difference
from generation.recipe import (
    Adapter,
    Input,
    Masking,
    Placement,
    Precision,
    Recipe,
    Sparing,
    Variation,
    Weights,
)
from generation.tasks import Task
from storage.pictures import PictureId, StoredPicture
from tests.given.builders import a_digest, a_recipe, changed
from tests.given.stored import a_stored_picture

FLOWER = a_recipe(prompt="a red flower", seed=7)
WEIGHTS = Weights(name="other", sha256=a_digest("f"))
LORA = Adapter(kind="lora", weights=WEIGHTS, strength=0.8, control=None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a red flower", "a blue flower", "red → blue"),
        ("a red flower", "a red flower at night", "+ at night"),
        ("a red flower", "a red flower, at night", "+ at night"),
        ("a red flower with a hat", "a red flower", "− with a hat"),
        ("a red flower", "two boats", "new words: two boats"),
        ("", "a boat", "new words: a boat"),
        ("a boat", "", "no words any more"),
        ("a boat!", "a boat", "other punctuation"),
        ("一只红色的猫", "一只蓝色的猫", "new words: 一只蓝色的猫"),
        ("a b c d e f g", "a x c y e z g w", "new words: a x c y e z g w"),
    ],
)
def test_words_that_came_and_went_are_shown(old: str, new: str, said: str) -> None:
    assert words_changed(old, new) == said


def test_words_of_people_format_nothing() -> None:
    assert words_changed("a cat", "a cat __under__ @everyone") == r"+ \_\_under\_\_ @ everyone"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prompt": "a blue flower"}, "red → blue; seed, size, model stay"),
        ({"seed": 8}, "seed 7 → 8; words, size, model stay"),
        ({"width": 192, "height": 96}, "size 128×128 → 192×96; words, seed, model stay"),
        ({"height": 96}, "size 128×128 → 128×96; words, seed, model stay"),
        ({"cfg": 9.0}, "cfg 4 → 9; words, seed, size, model stay"),
        ({"checkpoint": WEIGHTS}, "checkpoint starter → other; words, seed, size stay"),
        ({"adapters": (LORA,)}, "+ lora other 0.8; words, seed, size, model stay"),
        ({"precision": Precision.BF16}, "another precision; words, seed, size, model stay"),
        ({"vae": WEIGHTS}, "vae other; words, seed, size, model stay"),
    ],
)
def test_what_changed_and_what_stays_is_one_line(changes: dict[str, Any], said: str) -> None:
    assert change_of(FLOWER, changed(FLOWER, **changes)) == said


def test_a_picture_that_is_drawn_over_says_so() -> None:
    over = changed(
        FLOWER,
        task=Task.IMAGE_TO_IMAGE,
        inputs=(Input(role="init", sha256=a_digest(), fit="cover"),),
        prompt="a red flower at night",
        denoise=0.6,
    )
    said = "+ at night, drawn over it, 60 % redrawn; seed, size, model stay"
    assert change_of(FLOWER, over) == said


SECTIONS = {
    "masking": Masking(grow=4, blur=2.0, region=None, segmenter=None, threshold=None, inverse=None),
    "placement": Placement(left=64, top=0, width=128, height=128),
    "enlarging": enlarging.plain(),
    "sparing": Sparing(within=8.0, soft=1.5, most=0.6),
    "variations": (Variation(seed=9, strength=0.2),),
    "shares": (0.3, 0.7),
}


class _Loose(Recipe):
    """A recipe of any task, with any section."""

    def __post_init__(self) -> None:
        """Nothing is refused."""


def loose(recipe: Recipe, **more: Any) -> Recipe:
    values = {f.name: getattr(recipe, f.name) for f in fields(Recipe)}
    return _Loose(**{**values, **more})


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("masking", "only what is masked drawn anew"),
        ("placement", "more around it: 64 px left; words"),
        ("enlarging", "1 times as large: 128×128 → 128×128"),
        ("sparing", "unchanged within 8 delta E; words"),
        ("variations", "varied by 20 %"),
        ("shares", "shares 30 : 70"),
    ],
)
def test_what_a_task_brings_is_said(section: str, said: str) -> None:
    after = loose(FLOWER, **{section: SECTIONS[section]})
    assert change_of(FLOWER, after).startswith(said)


def test_more_around_a_picture_is_said_by_its_sides() -> None:
    wider = loose(changed(FLOWER, width=256), placement=SECTIONS["placement"])
    assert change_of(FLOWER, wider).startswith("more around it: 64 px left, 64 px right")


def test_no_field_of_a_recipe_is_passed_over() -> None:
    """Whatever a later release adds: a difference is told, and not by what stays alone."""
    for name, other in _others(FLOWER):
        said = change_of(FLOWER, other)
        assert difference(FLOWER, other), name
        assert said.partition(";")[0].strip(), name
        assert "stay" not in said.partition(";")[0], name


def _others(recipe: Recipe) -> list[tuple[str, Recipe]]:
    """The recipe with another value in each of its fields, one at a time."""
    found: list[tuple[str, Recipe]] = []
    for field in fields(Recipe):
        value = getattr(recipe, field.name)
        if field.metadata.get("told"):
            continue  # nothing is drawn by it
        if is_dataclass(value) and not isinstance(value, Weights):
            for inner in fields(value):
                section = copy(value)
                object.__setattr__(section, inner.name, _other(getattr(value, inner.name)))
                found.append((inner.name, loose(recipe, **{field.name: section})))
        else:
            other = SECTIONS.get(field.name, _other(value))
            found.append((field.name, loose(recipe, **{field.name: other})))
    return found


def _other(value: Any) -> Any:
    match value:
        case Task():
            return Task.IMAGE_TO_IMAGE
        case Precision():
            return Precision.BF16
        case Weights() | None:
            return WEIGHTS
        case str():
            return f"{value} else"
        case int() | float():
            return value / 2
        case () if value == ():
            return (LORA,)
        case tuple():
            return (*value, value[-1])
    raise AssertionError(value)


def a_line(*recipes: Recipe) -> list[StoredPicture]:
    """Pictures made of one another, the newest first."""
    return [
        replace(
            a_stored_picture(recipe),
            id=PictureId(number),
            message=number * 100 if number > 1 else None,
            parent=PictureId(number - 1) if number > 1 else None,
        )
        for number, recipe in enumerate(recipes, 1)
    ][::-1]


def test_a_lineage_tells_each_step_and_leads_to_each_message() -> None:
    line = a_line(FLOWER, changed(FLOWER, prompt="a blue flower"), changed(FLOWER, seed=9))
    there = "https://discord.com/channels/10/20"
    assert lineage_page(line).splitlines() == [
        "**How it came about**",
        f"**[#3]({there}/300)** from [#2]({there}/200): blue → red, seed 7 → 9; size, model stay",
        f"**[#2]({there}/200)** from #1: red → blue; seed, size, model stay",
        "**#1**, drawn from words: a red flower",
    ]
    assert lineage_page(line[-1:]) == ""


def test_a_long_lineage_fits_into_a_message() -> None:
    long = a_line(*(changed(FLOWER, prompt=f"{n} " * 100) for n in range(40)))
    page = lineage_page(long)
    assert len(page) <= 1900
    assert page.splitlines()[-1].startswith("… and it began with #1")
