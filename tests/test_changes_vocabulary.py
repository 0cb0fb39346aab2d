"""The words of replies: what kind they are, in every language that has a table of them."""

from __future__ import annotations

import pytest

from prompting.changing.numbers import number
from prompting.changing.phrasebook import languages, phrasebook
from prompting.changing.vocabulary import words_of


@pytest.mark.parametrize(
    ("phrase", "kinds"),
    [
        ("a dark blue", ("colour",)),
        ("in the rain", ("weather",)),
        ("made of glass", ("material",)),
        ("a blue hat", ("colour", "thing")),
        ("watercolour painting", ("style",)),
        ("looking at the camera", ("action",)),
    ],
)
def test_a_phrase_is_looked_at_as_a_whole(phrase: str, kinds: tuple[str, ...]) -> None:
    words = [word for word in words_of(phrase, "en") if word.content]
    assert tuple(word.entry.kind if word.entry else "" for word in words) == kinds


@pytest.mark.parametrize("language", languages())
def test_the_rules_of_every_language_can_be_read(language: str) -> None:
    rules = phrasebook(language)
    assert rules is not None
    assert rules.rules


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("40", "en", 40),
        ("7,5", "de", 7.5),
        ("twenty", "en", 20),
        ("a single", "en", 1),
        ("zwölf", "de", 12),
        ("四十五", "zh", 45),
        ("many", "en", None),
    ],
)
def test_numbers_are_read_as_people_write_them(
    text: str, language: str, value: float | None
) -> None:
    assert number(text, language) == value
