"""A colour stays with its thing, and the measures of that read a right prompt rightly."""

from __future__ import annotations

import pytest

from prompting.reading.facts import facts
from prompting.reading.lexicon import built_in
from prompting.speaking.nearest import core_of, drawn_for, rest_of
from prompting.trials.inventions import inventions
from prompting.trials.measures import bound, unpeopled

LEXICON = built_in()


@pytest.mark.parametrize(
    ("wish", "noun"),
    [
        ("a house with green walls and an orange door", "house"),
        ("a boat with blue eyes", "boat"),
        ("a green house", "green house"),
        ("the farm house should be painted red", "red house"),
    ],
)
def test_a_thing_does_not_take_the_colour_of_its_neighbour(wish: str, noun: str) -> None:
    core = core_of(wish, LEXICON)
    assert core is not None
    assert core.noun == noun


def test_a_colour_that_is_said_of_a_thing_stands_before_it() -> None:
    wish = "the mug should be pink, and the spoon should be black"
    core = core_of(wish, LEXICON)
    assert core is not None
    assert "black spoon" in rest_of(wish, core, LEXICON)


@pytest.mark.parametrize(
    ("wish", "tags", "left"),
    [
        ("a girl in the rain", "1girl, solo, rain", "solo, rain"),
        ("a woman with a dog", "1girl, dog", "dog"),
        ("two boys fishing", "2boys, fishing", "fishing"),
        ("two girls in the rain", "1girl, rain", "1girl, rain"),
        ("a dog in the rain", "1girl, rain", "1girl, rain"),
    ],
)
def test_only_a_count_of_people_that_is_asked_for_contradicts_nothing(
    wish: str, tags: str, left: str
) -> None:
    assert unpeopled(tags, facts(wish, LEXICON, "en")).strip() == left


def test_a_chinese_particle_joins_an_english_colour_to_its_thing() -> None:
    pair = (("orange",), ("fox",))
    assert bound(pair, "黑色的cat和orange的fox")
    assert not bound(pair, "orange的cat和fox")


def test_what_is_drawn_for_a_thing_is_known() -> None:
    assert "cat" in drawn_for("fox")
    assert "car" in drawn_for("taxi")
    assert drawn_for("spoon") == ()


def test_a_short_phrase_of_ours_leaves_nothing_of_a_longer_one() -> None:
    ours = ("river", "riverbank")
    assert inventions("otter", "otter, river, riverbank", "illustrious", ours, LEXICON) == []
