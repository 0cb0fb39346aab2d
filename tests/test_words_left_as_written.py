"""A word that nobody translated stays as it was written, and the person is told which."""

from __future__ import annotations

import asyncio

import pytest

from prompting.assist import Assistant
from prompting.reading import opaque
from prompting.reading.lexicon import built_in
from prompting.slots import Language, Slots, WishText
from prompting.speaking.dialects import dialect
from prompting.speaking.render import render
from prompting.speaking.untranslated import told, untranslated
from tests.given.scripted_writer import ScriptedWriter

LEXICON = built_in()


def left(text: str, prompt: str, spoken: Language, language: Language = "en") -> tuple[str, ...]:
    wish = opaque.read(text)
    return untranslated(spoken_in(wish, spoken), prompt, lexicon=LEXICON, language=language)


def spoken_in(wish: WishText, language: Language) -> WishText:
    return WishText(text=wish.text, opaque=wish.opaque, language=language)


@pytest.mark.parametrize(
    ("wish", "spoken", "prompt", "words"),
    [
        ("кот и кошкодав", "ru", "cat and кошкодав", ("кошкодав",)),
        ("鹓鶵的日落", "zh", "sunset over 鹓鶵", ("鹓鶵",)),
        ("ein Kuckucksdings im Garten", "de", "Kuckucksdings in garden", ("Kuckucksdings",)),
        ("un chat et un gloubiboulga", "fr", "cat, gloubiboulga", ("gloubiboulga",)),
        ("γάτα στο σπίτι", "other", "γάτα στο σπίτι", ("γάτα", "στο", "σπίτι")),
        ("a cat near Ελλάδα", "en", "a cat near Ελλάδα", ("Ελλάδα",)),
        ("кот", "ru", "кот", ("кот",)),  # known, and yet nobody put it into English
    ],
)
def test_a_word_that_stayed_is_named(
    wish: str, spoken: Language, prompt: str, words: tuple[str, ...]
) -> None:
    assert left(wish, prompt, spoken) == words


@pytest.mark.parametrize(
    ("wish", "spoken", "prompt"),
    [
        ("кот и кошкодав", "ru", "a cat and a dog catcher"),  # a writer translated it
        ("一只猫 Totoro", "zh", "cat Totoro"),  # a name in letters that every model reads
        ("un chat à Montmartre", "fr", "cat, Montmartre"),
        ("Totoro in the rain", "en", "Totoro in the rain"),
        ("3只猫", "zh", "3 cats"),
    ],
)
def test_what_the_model_reads_is_not_named(wish: str, spoken: Language, prompt: str) -> None:
    assert left(wish, prompt, spoken) == ()


def test_a_model_that_reads_chinese_is_given_chinese_without_a_word_about_it() -> None:
    assert left("鹓鶵", "鹓鶵", "zh", "zh") == ()


@pytest.mark.parametrize(("locale", "line"), [("en", "Left as written: 鹓鶵."), ("zh-CN", "鹓鶵")])
def test_the_line_stands_beside_the_prompt_in_the_language_of_the_person(
    locale: str, line: str
) -> None:
    wish = spoken_in(opaque.read("鹓鶵"), "zh")
    said = render(Slots(subject="鹓鶵"), wish, dialect("sd15"), lexicon=LEXICON, locale=locale)
    assert line in said.note


def test_of_many_words_only_the_first_are_named_and_the_rest_counted() -> None:
    words = " ".join(f"ж{letter}жик" for letter in "абвгдеийклмн")
    wish = spoken_in(opaque.read(words), "ru")
    line = told(wish, words, lexicon=LEXICON, language="en", locale="en")
    assert line.endswith("and 4 more.")


@pytest.mark.parametrize("writer", [None, ScriptedWriter()])
def test_every_way_to_a_prompt_says_what_stayed(writer: ScriptedWriter | None) -> None:
    assistant = Assistant(writer)
    for text in ("кошкодав", "кошкодав " * 120):  # the second is a prompt already
        told = asyncio.run(assistant.assist(text, dialect="sd15", seed=1))
        assert "Left as written: кошкодав." in told.note
