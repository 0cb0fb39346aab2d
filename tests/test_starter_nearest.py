"""What the built-in image model is told first: a thing, a colour and a place that it knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generation.starter import words as taught
from prompting.assist import Assistant
from prompting.reading.lexicon import built_in
from prompting.speaking.captions import vocabulary
from prompting.speaking.nearest import core_of
from tests.given.scripted_writer import ScriptedWriter

WISHES = Path(__file__).parents[1] / "prompting" / "starter" / "starter_wishes.jsonl"


@pytest.mark.parametrize(
    ("wish", "core"),
    [
        ("my kid asks for a pussycat the colour of a carrot", "an orange cat"),
        ("a moggy, black as coal, on the lawn", "a black cat"),
        ("grandpa's old fishing boat was all red", "a red boat"),
        ("a sapphire-coloured taxi", "a blue car"),
        ("the farm house should be painted red", "a red house in a grass field"),
        ("on top of a xmas tree: a golden star", "a golden star in the snow"),
        ("a heart, crimson of course, at sunset", "a crimson heart at sunset"),
        ("an oak", "a tree"),
        ("a tulip. Make it lilac, it's for my mum", "a lilac flower"),
        ("a violet", "a violet"),
        ("one daisy, as white as fresh snow", "a white daisy"),
        ("my brother bought a canoe and I want to make him a card in cobalt", "a blue boat"),
    ],
)
def test_the_thing_and_the_colour_that_are_meant_stand_first(wish: str, core: str) -> None:
    found = core_of(wish, built_in())
    assert found is not None
    assert found.text == core


@pytest.mark.parametrize(
    "wish", ["a dragon", "two red cats", "a cat, a dog, a car and a boat", "", "42"]
)
def test_what_the_model_never_saw_and_what_it_cannot_count_has_no_core(wish: str) -> None:
    assert core_of(wish, built_in()) is None


def test_of_wishes_by_somebody_who_saw_no_rule_nearly_all_have_their_core() -> None:
    tables = (taught.OBJECT_WORDS, taught.COLOUR_WORDS)
    means = {word: name for table in tables for name, words in table.items() for word in words}
    wrong = []
    for line in (Path(__file__).parent / "data" / "wishes_starter.jsonl").read_text().splitlines():
        asked = json.loads(line)
        core = core_of(asked["wish"], built_in())
        said = {means.get(word) for word in core.noun.split()} if core else set()
        if not {asked["object"], asked["colour"]} <= said:
            wrong.append((asked["wish"], core and core.text))
    assert len(wrong) <= 1, wrong


def test_a_core_holds_only_words_that_the_model_was_taught() -> None:
    tables = (taught.OBJECT_WORDS, taught.COLOUR_WORDS, taught.SCENERY_WORDS)
    seen = {
        word for table in tables for words in table.values() for p in words for word in p.split()
    }
    strange = []
    for line in WISHES.read_text("utf-8").splitlines():
        if (core := core_of(json.loads(line)["wish"], built_in())) is not None:
            said = set(core.text.split()) - {"a", "an", "in", "at", "the"}
            strange += sorted(said - seen - vocabulary().knows)
    assert not strange


async def test_no_word_of_the_wish_is_lost_behind_the_core() -> None:
    assistant = Assistant(ScriptedWriter(placeholders=6))
    found = await assistant.assist(
        "grandpa's old fishing boat was all red", dialect="starter", seed=1
    )
    assert found.prompt.startswith("a red boat")
    for word in ("grandpa", "old", "fishing"):
        assert word in found.prompt


async def test_a_thing_that_is_left_nowhere_gets_a_place_that_it_is_seen_in() -> None:
    assistant = Assistant(ScriptedWriter(placeholders=6))
    places = set(vocabulary().places.values())
    for wish, never in (("a white cat", "in the snow"), ("a black star", "in the night sky")):
        found = [await assistant.assist(wish, dialect="starter", seed=s) for s in range(8)]
        assert not [each for each in found if never in each.prompt]
    found = [await assistant.assist("a red house", dialect="starter", seed=s) for s in range(8)]
    told = {place for each in found for place in places if place in each.prompt}
    assert len(told) > 1, "another seed puts it elsewhere"
    said = await assistant.assist("a red house at sea", dialect="starter", seed=1)
    assert [place for place in places if place in said.prompt] == ["at sea"]


def test_a_thing_is_put_only_where_the_model_was_taught_to_see_places() -> None:
    known = vocabulary()
    places = set(known.places.values())
    assert {place for homes in known.homes.values() for place in homes} <= places
    assert known.hides.keys() == places
    assert {colour for hidden in known.hides.values() for colour in hidden} <= known.colours.keys()
    assert known.homes.keys() - {"other"} <= set(known.objects.values())
