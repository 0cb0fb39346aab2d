"""What a model is told before it is asked, and that nothing of it comes back as an answer."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from prompting.errors import Unreadable
from prompting.writers import template
from prompting.writers.echoes import without_echoes
from prompting.writers.grammar import Grammar
from prompting.writers.questions import examples, messages, question
from prompting.writers.writer import Ask

ASKED = (*template.DIALECTS, "flux1", "wan")
KINDS = [(d, lang) for d in (*ASKED, template.REPLY) for lang in template.LANGUAGES]


def ask(text: str = "a red cat", *, dialect: str = "tags", language: str = "en") -> Ask:
    return Ask(text=text, dialect=dialect, language=language, seed=1, temperature=0.7)


def left(asked: Ask, **answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(without_echoes(template.answer(**answer), asked))
    return found


@pytest.mark.parametrize(("dialect", "language"), KINDS)
def test_what_is_told_names_no_placeholder_and_no_dots(dialect: str, language: str) -> None:
    told = "\n".join(text for _, text in messages(dialect, language, ""))
    assert not re.search(r"[<{\[]x\d|placeholder|\.\.|…", told)


@pytest.mark.parametrize(("dialect", "language"), KINDS)
def test_two_examples_are_shown_in_the_form_that_is_asked_for(dialect: str, language: str) -> None:
    grammar = Grammar(question(dialect, language).grammar)
    shown = examples(dialect, language)
    assert len(shown) == 2
    assert all(grammar.matches(example.answer) for example in shown)
    assert any(re.search(r"[一-鿿]", example.wish) for example in shown)


def test_an_answer_cannot_begin_a_part_with_dots() -> None:
    grammar = Grammar(template.GRAMMAR)
    for nothing in ("...", "…", ".", "...a cat"):
        assert not grammar.matches(template.answer(subject=nothing))
        assert not grammar.matches(template.answer(subject="a cat", details=[nothing]))


@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize("language", template.LANGUAGES)
def test_the_answer_of_an_example_is_no_answer_to_another_wish(dialect: str, language: str) -> None:
    for example in examples(dialect, language):
        with pytest.raises(Unreadable):
            without_echoes(example.answer, ask(dialect=dialect, language=language))
        own = ask(example.wish, dialect=dialect, language=language)
        assert without_echoes(example.answer, own) == example.answer


@pytest.mark.parametrize(
    "subject",
    [
        "a text, subject, and three lists of texts",
        "everything the wish names, with its numbers and colours",
        "wishes for an image generator",
        "?!",
        "none",
        "subject",
        "the old tailor with a beard",
        "two owls on a lion",
    ],
)
def test_a_subject_out_of_the_instructions_is_unreadable(subject: str) -> None:
    with pytest.raises(Unreadable, match="repeats what the model was told"):
        without_echoes(template.answer(subject=subject), ask())


def test_details_that_were_told_go_and_others_stay() -> None:
    found = left(
        ask(),
        subject="a red cat",
        details=[
            "orange rim on feathers",
            "Rough bark, in focus",
            "light, material, composition",
            "soft grey light",
            "an orange rim of light",
            "none",
        ],
        style=["watercolor"],
        avoid=["moon", "text"],
    )
    assert found["details"] == ["soft grey light"]
    assert found["style"] == []
    assert found["avoid"] == ["text"]


def test_words_of_the_wish_are_never_an_echo() -> None:
    wish = "a watercolor of an old tailor sewing clothes by a window, no moon"
    subject = "an old tailor sewing clothes by a window"
    found = left(ask(wish), subject=subject, style=["watercolor"], avoid=["moon"])
    assert (found["subject"], found["style"], found["avoid"]) == (subject, ["watercolor"], ["moon"])


def test_details_copied_in_chinese_go() -> None:
    asked = ask("一只红色的猫", dialect="prose", language="zh")
    found = left(
        asked,
        subject="一只红色的猫",
        details=["它们警觉而安静", "它神情耐心而专注地坐着", "毛色鲜亮"],
    )
    assert found["details"] == ["毛色鲜亮"]


def test_sentences_copied_into_a_scene_go() -> None:
    asked = ask("a red cat", dialect="flux1")
    (first, _) = examples("flux1", "en")
    copied = json.loads(first.answer)["scene"].split(". ")[1]
    found = left(asked, subject="a red cat", scene=f"A red cat sits. {copied}. Its fur shines.")
    assert found["scene"] == "A red cat sits. Its fur shines."
