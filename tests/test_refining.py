"""A further wish about words that were found: what it does not speak of stays, turn after turn."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from prompting.assist import Assistant, Assisted
from prompting.reading.lexicon import built_in, fold
from prompting.refining import refined
from prompting.writers import template
from prompting.writers.writer import Ask
from tests.given.apps import a_studio
from tests.given.results import is_result, recipe_of
from tests.given.scripted_writer import ScriptedWriter
from tests.given.words import a_writer, with_details, words_by

SCENES = (
    ("a cat and a dog on a beach", "dog", ("cat", "beach")),
    ("an old lighthouse with a red roof and two birds", "birds", ("old", "lighthouse", "red")),
    ("a girl in a yellow coat under an umbrella", "umbrella", ("girl", "yellow", "coat")),
    ("a wooden boat on a lake, mountains, a small house", "house", ("wooden", "boat", "lake")),
    ("three apples and a knife on a blue plate", "knife", ("three", "apples", "blue", "plate")),
)
LIGHTS = (("warmer", "warm"), ("at night", "night"), ("make it foggy", "fog"), ("darker", "dark"))
LAST = (("from above", "above"), ("add a lantern", "lantern"), ("more dramatic", "dramatic"))


def with_scene(ask: Ask) -> str:
    return template.answer(subject=ask.text, details=("rough stone walls", "fine dust"))


async def found_for(wish: str, dialect: str = "sd15") -> tuple[Assistant, Assisted]:
    assistant = Assistant(ScriptedWriter([with_scene]))
    return assistant, await assistant.assist(wish, dialect=dialect, seed=1)


@pytest.mark.parametrize("dialect", ["sd15", "flux1", "qwen-image"])
async def test_three_turns_keep_every_word_that_they_do_not_change(dialect: str) -> None:
    lost = []
    for (wish, gone, stays), light, last in product(SCENES, LIGHTS, LAST):
        assistant, words = await found_for(wish, dialect)
        negative = ""
        for further in (light[0], f"no {gone}", last[0]):
            again = assistant.refine(words, further, negative=negative)
            assert again is not None, further
            words, negative = again
        prompt = fold(words.prompt)
        missing = [word for word in (*stays, light[1], last[1]) if word not in prompt]
        left = [gone] if gone.rstrip("s") in prompt.replace(f"no {gone}", "") else []
        lost += [(wish, light[0], last[0], missing, left)] if missing or left else []
    assert not lost


async def test_additions_stay_and_no_writer_is_asked_again() -> None:
    writer = ScriptedWriter([with_scene])
    assistant = Assistant(writer)
    words = await assistant.assist("a castle and a horse", dialect="sd15", seed=1)
    again = assistant.refine(words, "warmer, no horse")
    assert again is not None
    assert "rough stone walls" in again[0].prompt
    assert "horse" not in again[0].prompt
    assert "horse" in again[0].negative
    assert len(writer.asked) == 1
    assert (again[0].writer, again[0].digest) == (words.writer, words.digest)


@pytest.mark.parametrize("dialect", ["sd15", "flux1", "illustrious"])
async def test_a_scene_of_our_own_changes_only_where_the_further_wish_touches_it(
    dialect: str,
) -> None:
    assistant = Assistant(ScriptedWriter(placeholders=6))
    kept, said = 0, 0
    for seed in range(8):
        words = await assistant.assist("a lighthouse", dialect=dialect, seed=seed)
        again = assistant.refine(words, "from above", began=words.wish)
        assert again is not None
        further = assistant.refine(again[0], "at night", negative=again[1], began=words.wish)
        assert further is not None
        assert not {"sunlight", "daylight", "noon"} & set(fold(further[0].prompt).split())
        kept += len(set(words.added) & set(again[0].added))
        said += len(words.added)
    assert kept >= said / 2


async def test_a_translated_wish_is_changed_in_the_words_that_are_drawn() -> None:
    answer = template.answer(subject="a lighthouse and a dog", details=("fine dust",))
    assistant = Assistant(ScriptedWriter([answer]))
    words = await assistant.assist("一座灯塔和一只狗", dialect="sd15", seed=1)
    again = assistant.refine(words, "更温暖,不要狗")
    assert again is not None
    assert "warm" in again[0].prompt
    assert built_in().language(again[0].prompt) == "en"
    assert "dog" in again[0].negative


@pytest.mark.parametrize("further", ["thanks", "no", "more", "?"])
async def test_words_that_change_nothing_are_none(further: str) -> None:
    assert refined("a cat on a beach", "", further) is None


def test_a_whole_description_is_added_and_does_not_replace_the_wish() -> None:
    new = refined("a lighthouse", "", "an old fisherman mending his nets")
    assert new is not None
    assert new.wish.startswith("a lighthouse")
    assert "fisherman" in new.wish


async def test_enhance_takes_further_wishes_and_draws_what_came_of_them(tmp_path: Path) -> None:
    folder = with_details(tmp_path)
    async with a_studio(folder, prompt_assist=words_by(a_writer())) as studio:
        ann = studio.world.ann
        await ann.command("enhance", wish="a cat and a dog on a beach")
        shown = await ann.sees("**3.**")
        form = await ann.press(shown, "💬 Change…")
        await ann.submit(form, "warmer, no dog")
        shown = await ann.sees("warm light")
        assert "dog" not in shown.content
        form = await ann.press(shown, "💬 Change…")
        await ann.submit(form, "thank you")
        await ann.sees("nothing in that to change")
        await ann.press(shown, "🖌️ Draw 1")
        recipe = await recipe_of(await ann.sees(is_result))
        assert "warm light" in recipe.prompt
        assert "beach" in recipe.prompt
        assert recipe.words is not None
        assert "dog" in recipe.words.negative_prompt
