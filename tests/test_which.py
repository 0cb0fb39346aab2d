"""Which picture a number at the beginning of a reply means, and when it is no such number."""

from __future__ import annotations

import pytest

from bot.pages.apologies import apology_for
from bot.studio.which import NotThatMany, which


@pytest.mark.parametrize(
    ("said", "index", "words"),
    [
        ("2: make it night", 1, "make it night"),
        ("#3) in blue", 2, "in blue"),
        ("4. bigger", 3, "bigger"),
        ("1 : night", 0, "night"),
        ("2:make it night", 1, "make it night"),
        ("2：换成蓝色", 1, "换成蓝色"),
        ("2: 3 cats", 1, "3 cats"),
        ("make it night", None, "make it night"),
        ("16:9 poster", None, "16:9 poster"),
        ("3:2 a boat", None, "3:2 a boat"),
        ("16 : 9 poster", None, "16 : 9 poster"),
        ("9:30 in the morning", None, "9:30 in the morning"),
        ("2001: a space odyssey", None, "2001: a space odyssey"),
        ("007: a spy", None, "007: a spy"),
        ("3 cats", None, "3 cats"),
        ("2.5 times as large", None, "2.5 times as large"),
    ],
)
def test_a_number_is_taken_from_the_words_where_it_is_one(
    said: str, index: int | None, words: str
) -> None:
    assert which(said, 4) == (index, words)


@pytest.mark.parametrize(
    "said", ["9: make it red", "#5: red", "0: red", "12) red", "5. red", "9:red"]
)
def test_a_picture_that_is_not_there_is_refused_with_how_many_there_are(said: str) -> None:
    with pytest.raises(NotThatMany) as refused:
        which(said, 4)
    sentence = apology_for(refused.value)
    assert "4 pictures" in sentence
    assert "I drew nothing" in sentence


def test_of_one_picture_none_has_a_number_above_one() -> None:
    with pytest.raises(NotThatMany) as refused:
        which("2: red", 1)
    assert "is 1 picture" in apology_for(refused.value)
    assert which("1: red", 1) == (0, "red")
