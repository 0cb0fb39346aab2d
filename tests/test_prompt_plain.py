"""A wish that describes a picture is left in the person's own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.reading.filler import wished
from prompting.reading.keep import missing
from prompting.reading.lexicon import built_in
from prompting.slots import WishText
from prompting.speaking.plain import plain

LEXICON = built_in()


def wish(text: str) -> WishText:
    return wished(text, LEXICON)


@pytest.mark.parametrize(
    ("text", "described"),
    [
        ("a kitty wearing a red hat", "a kitty wearing a red hat"),
        ("draw me a kitty wearing a red hat please", "a kitty wearing a red hat"),
        ("Please draw a picture of a fox!", "a fox"),
        ("can you make a big dragon", "a big dragon"),
        ("I want two red cats, no hats", "two red cats"),
        ("show dog", "show dog"),
        ("paint the town", "the town"),
        ("love heart", "love heart"),
        ('a sign "I love you" <lora:x:1>', 'a sign "I love you"'),
        ("画一只红色的猫", "一只红色的猫"),
        ("请帮我画一张两只猫的图，谢谢", "两只猫"),
        ("来一杯咖啡", "一杯咖啡"),
        ("一张椅子", "一张椅子"),
        ("两只猫，不要帽子", "两只猫"),
    ],
)
def test_asking_is_taken_away_and_describing_stays(text: str, described: str) -> None:
    assert plain(wish(text), LEXICON) == described


@pytest.mark.parametrize(
    "text",
    [
        "could the cat be, like, blue? on snow",
        "the cat should be white and the house red",
        "a cat, make it purple",
        "moon + stars? just a moon",
        "画家在给我画画",
        "ein rotes Haus",
        "",
    ],
)
def test_a_wish_that_talks_about_a_picture_needs_a_writer(text: str) -> None:
    assert plain(wish(text), LEXICON) is None


@given(st.lists(st.sampled_from(sorted(LEXICON.entries)), min_size=1, max_size=5))
def test_no_word_is_taken_away(names: list[str]) -> None:
    for text in (" ".join(names), "draw me a " + ", ".join(names) + " please"):
        asked = wish(text)
        described = plain(asked, LEXICON)
        if described is not None:
            assert missing(asked, described, lexicon=LEXICON, language=asked.language) == ()
