"""Everyday wishes in ten languages are put into English, or a line says what was not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from prompting.reading import opaque
from prompting.reading.lexicon import built_in
from prompting.repair import Repairer
from prompting.slots import Slots
from prompting.speaking.dialects import dialect
from prompting.speaking.order import Order
from prompting.speaking.render import Rendered
from prompting.trials.measures import Case, cases, holds

WISHES = cases(Path(__file__).parent / "data" / "wishes_languages.jsonl")
LANGUAGES = ("ru", "ar", "ko", "pt", "it", "ja", "es", "fr", "de", "zh")


def of(language: str) -> list[Case]:
    return [case for case in WISHES if case.lang == language]


def in_english(case: Case, name: str = "sd15") -> Rendered:
    lexicon, wish = built_in(), opaque.read(case.wish)
    order = Order(
        text=case.wish,
        wish=replace(wish, language=lexicon.language(wish.words)),
        dialect=dialect(name), style=None, negative="", lexicon=lexicon, count=None, locale="en",
    )  # fmt: skip
    return order.speak(Slots(subject=Repairer(order).own_subject()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_language_of_an_everyday_wish_is_recognised(language: str) -> None:
    read: list[str] = [built_in().language(case.wish) for case in of(language)]
    assert read.count(language) >= len(read) - 1, list(zip(read, of(language), strict=True))


@pytest.mark.parametrize("language", LANGUAGES[:-1])
def test_nine_content_words_in_ten_are_translated(language: str) -> None:
    found: dict[bool, list[str]] = defaultdict(list)
    for case in of(language):
        prompt = in_english(case).prompt
        for options in case.must:
            found[holds(prompt, options)].append(f"{options[0]} of {case.wish}: {prompt}")
    share = len(found[True]) / (len(found[True]) + len(found[False]))
    assert share >= 0.9, (share, found[False])
