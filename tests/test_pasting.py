"""Generation data that is pasted as a prompt is read as such, and what was taken is said."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.interchange.infotext import infotext
from generation.interchange.infotext_grammar import pasted
from generation.recipe import needed
from tests.given.apps import a_wish, an_app, drawn
from tests.given.builders import a_recipe, changed
from tests.given.fakes import FakeWorker

DATA = (
    "a red cat, (gold:1.2)\nNegative prompt: dog, blurry\n"
    "Steps: 12, Sampler: DPM++ 2M Karras, CFG scale: 5.5, Seed: 12345678901234, Size: 512x768, "
    'Model hash: abcdef1234, Model: "other, v2", Clip skip: 2, Version: v1.9'
)


@pytest.mark.parametrize("text", [DATA, DATA.replace("\n", " ")])
async def test_its_settings_fill_the_gaps(tmp_path: Path, text: str) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await drawn(app, a_wish(text))
    recipe, (note, *_) = outcome.pictures[0].recipe, outcome.request.notes
    assert (recipe.prompt, needed(recipe.words).negative_prompt) == (
        "a red cat, (gold:1.2)",
        "dog, blurry",
    )
    assert (
        needed(recipe.sampling).steps,
        needed(recipe.sampling).cfg,
        needed(recipe.words).clip_skip,
    ) == (12, 5.5, 2)
    assert (needed(recipe.sampling).sampler, needed(recipe.sampling).scheduler) == (
        "dpmpp_2m",
        "karras",
    )
    assert recipe.seed == 12345678901234 % 2**32
    assert needed(recipe.canvas).width * 3 == needed(recipe.canvas).height * 2, (
        "the shape, as large as this model draws"
    )
    assert "sampler DPM++ 2M, scheduler Karras" in note
    assert "Not taken: size 512x768, Model other, v2" in note


async def test_what_is_said_apart_counts_more_and_what_is_not_here_is_noted(tmp_path: Path) -> None:
    text = "a cat Steps: 900, Sampler: Restart, CFG scale: 7, Size: 128x128"
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await drawn(app, a_wish(text, seed=5, draft={"cfg": 3.0}))
    recipe = outcome.pictures[0].recipe
    assert (recipe.prompt, needed(recipe.sampling).cfg, recipe.seed) == ("a cat", 3.0, 5)
    assert needed(recipe.sampling).sampler == "dpmpp_2m"
    assert any("steps 900, sampler Restart" in note for note in outcome.request.notes)


@pytest.mark.parametrize(
    "text", ["a red cat\nNegative prompt: dog", "a red cat Negative prompt: dog"]
)
async def test_a_negative_prompt_is_none_of_the_words_without_settings_too(
    tmp_path: Path, text: str
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        taken = await drawn(app, a_wish(text))
        left = await drawn(app, a_wish(text, draft={"negative_prompt": "blur"}))
    for outcome, negative, note in (
        (taken, "dog", "I took from the pasted settings: the negative prompt."),
        (left, "blur", "Not taken: the negative prompt."),
    ):
        recipe = outcome.pictures[0].recipe
        assert (recipe.prompt, needed(recipe.words).negative_prompt) == ("a red cat", negative)
        assert note in outcome.request.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        "Steps: 5, walking down",
        "a stair with Steps: many",
        "Negative prompt: none",
        "steps: 20, x: y",
    ],
)
def test_words_that_look_like_it_stay_words(text: str) -> None:
    assert pasted(text) is None


def test_our_own_pictures_text_can_be_pasted() -> None:
    recipe = changed(a_recipe(), prompt="a cat, 猫", negative_prompt="dog")
    found = pasted(infotext(recipe))
    assert found is not None
    assert (found.prompt, found.negative) == ("a cat, 猫", "dog")
    assert found.get("seed") == str(recipe.seed)


@given(st.text('Steps: 1,\nNegative prompt"\\', max_size=200))
def test_any_text_can_be_looked_at(text: str) -> None:
    pasted(text)


def test_no_text_takes_longer_than_in_proportion_to_its_length() -> None:
    for piece in (
        "Steps: 1, ",
        'Steps: 1, A: "',
        "Negative prompt:",
        "A ",
        "Steps: 1, " + "A b " * 10,
    ):
        began = time.process_time()
        pasted((piece * 6000)[:6000])
        assert time.process_time() - began < 1.0
