"""What differs between two recipes is named exactly, and each button changes what it says alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from generation.difference import Changed, difference
from generation.recipe import Adapter, Input, Precision, Recipe, Weights, parse
from generation.tasks import Task
from tests.given.apps import Studio, a_studio
from tests.given.builders import a_blue_png, a_digest, a_recipe, an_enlarged, changed
from tests.given.released import TEXTS
from tests.given.results import is_result, recipe_of
from tests.given.words import a_writer, with_details, words_by

OTHER = Weights(name="other", sha256=a_digest("b"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("words.prompt", "a blue flower"),
        ("words.negative_prompt", "sun"),
        ("words.syntax", "plain"),
        ("words.clip_skip", 2),
        ("canvas.width", 192),
        ("canvas.height", 192),
        ("sampling.sampler", "heun"),
        ("sampling.scheduler", "karras"),
        ("sampling.sigmas", (14.0, 7.0, 3.0, 1.0, 0.0)),
        ("sampling.cfg", 7.0),
        ("sampling.denoise", 0.5),
        ("sampling.prediction", "v_prediction"),
        ("sampling.noise", "scaled-linear-zsnr"),
        ("family", "sd15"),
        ("checkpoint", OTHER),
        ("components", (OTHER,)),
        ("vae", OTHER),
        ("adapters", (Adapter(kind="lora", weights=OTHER, strength=0.5, control=None),)),
        ("seed", 2),
        ("precision", Precision.BF16),
    ],
)
def test_one_field_that_differs_is_named_alone_with_both_values(name: str, value: Any) -> None:
    before = a_recipe(sigmas=(14.6, 7.0, 3.0, 1.0, 0.0))
    field = name.rpartition(".")[2]
    after = changed(before, **{field: value})
    (found,) = difference(before, after)
    assert (found.name, found.after) == (name, value)
    assert difference(after, before) == (Changed(name=name, before=value, after=found.before),)


def test_recipes_differ_in_nothing_exactly_where_they_share_an_id() -> None:
    recipes = [parse(text, kept=True) for text in TEXTS]
    for one, other in pairwise([*recipes, *recipes[::-1], recipes[0]]):
        assert (not difference(one, other)) == (one.id == other.id)


def test_a_file_of_another_name_is_no_difference() -> None:
    lora = Adapter(kind="lora", weights=OTHER, strength=0.5, control=None)
    before = a_recipe(adapters=(lora,), vae=OTHER)
    renamed = replace(OTHER, name="renamed")
    after = replace(before, adapters=(replace(lora, weights=renamed),), vae=renamed)
    assert difference(before, after) == ()


def test_a_section_that_one_recipe_has_not_differs_in_each_of_its_fields() -> None:
    whole, bare = a_recipe(), an_enlarged()
    names = ["words.prompt", "words.negative_prompt", "words.syntax", "words.clip_skip"]

    def in_words(before: Recipe, after: Recipe) -> list[Changed]:
        return [one for one in difference(before, after) if one.name.startswith("words.")]

    assert [found.name for found in in_words(whole, bare)] == names
    assert [found.name for found in in_words(bare, whole)] == names
    assert all(found.after is None for found in in_words(whole, bare))


# --- buttons and replies, through the real studio ----------------------------------------------


def names(before: Recipe, after: Recipe) -> set[str]:
    return {found.name for found in difference(before, after)}


async def then(studio: Studio, first: Any) -> Recipe:
    """The recipe of the next result."""
    return await recipe_of(await studio.world.ann.sees(is_result, after=first))


async def first_of(studio: Studio, **options: Any) -> tuple[Any, Recipe]:
    await studio.world.ann.command("imagine", prompt="a red cat", **options)
    message = await studio.world.ann.sees(is_result)
    return message, await recipe_of(message)


async def test_again_changes_the_seed_alone(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        first, before = await first_of(studio, seed="9", steps=3, cfg=2.0, negative="sun")
        await studio.world.ann.press(first, "🎲")
        assert names(before, await then(studio, first)) == {"seed"}


async def test_reproduce_changes_nothing(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        first, before = await first_of(studio, image=("a.png", a_blue_png()), sampler="heun")
        await studio.world.ann.press(first, "♻️")
        assert names(before, await then(studio, first)) == set()


async def test_a_new_wording_and_ones_own_words_change_the_words_alone(tmp_path: Path) -> None:
    assist = words_by(a_writer())
    async with a_studio(with_details(tmp_path), prompt_assist=assist) as studio:
        first, before = await first_of(studio, seed="9", steps=3)
        await studio.world.ann.press(first, "✨")
        second = await studio.world.ann.sees(is_result, after=first)
        reworded = await recipe_of(second)
        assert names(before, reworded) == {"words.prompt"}
        await studio.world.ann.press(second, "💬")
        own = await then(studio, second)
        assert "words.prompt" in names(reworded, own)
        assert names(reworded, own) <= {"words.prompt", "words.negative_prompt"}


async def test_another_style_changes_the_words_alone(tmp_path: Path) -> None:
    async with a_studio(tmp_path, prompt_assist=words_by(a_writer())) as studio:
        first, before = await first_of(studio, seed="9", steps=3)
        await studio.world.ann.press(first, "🎨")
        menu = await studio.world.ann.sees("Which style?")
        await studio.world.ann.actor.select(menu, ["pixel-art"], custom_id="atelier:style:1:0")
        found = names(before, await then(studio, first))
        assert "words.prompt" in found
        assert found <= {"words.prompt", "words.negative_prompt"}


async def test_a_restyling_reply_changes_the_task_the_start_and_the_words(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        first, before = await first_of(studio, seed="9", steps=7, cfg=5.5, sampler="heun")
        await studio.world.ann.say("as watercolor", reply_to=first)
        after = await then(studio, first)
        start = {"task", "inputs", "sampling.denoise", "sampling.sigmas"}
        words = {"words.prompt", "words.negative_prompt"}
        assert {*start, "words.prompt"} <= names(before, after) <= {*start, *words}
        assert after.task is Task.IMAGE_TO_IMAGE
        assert isinstance(after.inputs[0], Input)


async def test_an_option_of_a_command_changes_what_it_is_called_alone(tmp_path: Path) -> None:
    said: dict[str, tuple[Any, set[str]]] = {
        "cfg": (3.0, {"sampling.cfg"}),
        "negative": ("sun", {"words.negative_prompt"}),
        "clip_skip": (2, {"words.clip_skip"}),
        "size": ("64x64", {"canvas.width", "canvas.height"}),
        "sampler": ("lms", {"sampling.sampler"}),
        "steps": (5, {"sampling.steps", "sampling.sigmas"}),
        "scheduler": ("simple", {"sampling.scheduler", "sampling.sigmas"}),
        "seed": ("10", {"seed"}),
    }
    async with a_studio(tmp_path) as studio:
        plain = {"seed": "9", "sampler": "euler", "scheduler": "karras"}
        newest, before = await first_of(studio, **plain)
        for option, (value, expected) in said.items():
            await studio.world.ann.command(
                "imagine", prompt="a red cat", **{**plain, option: value}
            )
            newest = await studio.world.ann.sees(is_result, after=newest)
            assert names(before, await recipe_of(newest)) == expected, option
