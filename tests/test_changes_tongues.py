"""Replies in Japanese, Korean and Russian: what they ask for, and the prompt that comes of it."""

from __future__ import annotations

import time

import pytest

from prompting.changes import understand
from prompting.changing.intents import IntentKind, ShownPicture
from prompting.changing.phrasebook import phrasebook
from prompting.changing.vocabulary import vocabulary
from tests.given.changed_words import changed
from tests.given.reply_judge import kinds, replies

FLOWER = "a red flower in a vase on a wooden table"
CAT = "a cat wearing a blue hat, sitting on a sofa"
CHERRY = "桜の木の下に座る少女、着物、春"
BRIDGE = "девочка с воздушным шаром на мосту, осень"


@pytest.mark.parametrize(
    ("prompt", "reply", "words"),
    [
        (FLOWER, "花を青くして", "a blue flower in a vase on a wooden table"),
        (FLOWER, "花瓶を消してください", "a red flower on a wooden table"),
        (CAT, "猫を犬にして", "a dog wearing a blue hat, sitting on a sofa"),
        (CHERRY, "着物を赤くして", "桜の木の下に座る少女、赤い着物、春"),
        (CHERRY, "少女を少年に変えて", "桜の木の下に座る少年、着物、春"),
        (CHERRY, "秋にして", "桜の木の下に座る少女、着物、秋"),
        (FLOWER, "сделай цветок синим", "a blue flower in a vase on a wooden table"),
        (CAT, "убери шляпу, пожалуйста", "a cat, sitting on a sofa"),
        (CAT, "замени кошку на собаку", "a dog wearing a blue hat, sitting on a sofa"),
        (BRIDGE, "сделай зиму", "девочка с воздушным шаром на мосту, зиму"),
        (CAT, "모자를 없애줘", "a cat, sitting on a sofa"),
        (CAT, "고양이를 강아지로 바꿔줘", "a dog wearing a blue hat, sitting on a sofa"),
    ],
)
def test_the_words_are_the_parents_with_the_change_in_them(
    prompt: str, reply: str, words: str
) -> None:
    assert changed(prompt, reply) == words


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("もう一枚お願いします", IntentKind.AGAIN),
        ("少しだけ変えて", IntentKind.VARY),
        ("ゴッホ風で", IntentKind.RESTYLE),
        ("左に広げて", IntentKind.OUTPAINT),
        ("京都に行きたいなあ", IntentKind.NONE),
        ("なんか違う", IntentKind.ASK),
        ("сделай ещё раз", IntentKind.AGAIN),
        ("в стиле ван гога", IntentKind.RESTYLE),
        ("удали эту картинку", IntentKind.DELETE),
        ("очень красиво, спасибо!", IntentKind.NONE),
        ("какой сид?", IntentKind.INFO),
        ("스텝 30으로 해줘", IntentKind.PARAMETERS),
        ("왼쪽으로 확장해줘", IntentKind.OUTPAINT),
        ("너무 예뻐요", IntentKind.NONE),
        ("되돌려줘", IntentKind.UNDO),
    ],
)
def test_a_reply_is_of_its_kind(reply: str, kind: IntentKind) -> None:
    understood = understand(reply, ShownPicture(prompt=CAT))
    assert [intent.kind for intent in understood.intents] == [kind]


@pytest.mark.parametrize("language", ["ja", "ko", "ru"])
def test_nineteen_of_twenty_cases_are_of_a_right_kind(language: str) -> None:
    cases = [c for c in replies("shown.jsonl") + replies("cases.jsonl") if c["lang"] == language]
    wrong = []
    for case in cases:
        parent = case["parent"]
        shown = ShownPicture(prompt=parent["prompt"], count=parent["count"], style=parent["style"])
        said = {intent.kind.value for intent in understand(case["reply"], shown).intents}
        wrong += [] if said & set(kinds(case)) else [case["reply"]]
    assert len(wrong) <= 0.05 * len(cases), wrong


@pytest.mark.parametrize(
    ("form", "language", "name"),
    [
        ("шляпу", "ru", "hat"),
        ("красными", "ru", "red"),
        ("воздушным шаром", "ru", "balloon"),
        ("고양이를", "ko", "cat"),
        ("赤く", "ja", "red"),
    ],
)
def test_a_word_is_known_in_the_forms_that_sentences_give_it(
    form: str, language: str, name: str
) -> None:
    entry = vocabulary().find(form, language)
    assert entry is not None
    assert entry.name == name


@pytest.mark.parametrize("language", ["zh", "ja", "ko", "ru"])
@pytest.mark.parametrize("piece", ["сделай её ", "больше ", "もう一度", "一点", "改成", "더 ", "a"])
def test_no_repetition_keeps_the_rules_busy(language: str, piece: str) -> None:
    """Alternatives that mean the same are tried a few times, never in all combinations."""
    book = phrasebook(language)
    assert book is not None
    begun = time.process_time()
    list(book.find((piece * 300)[:300]))
    assert time.process_time() - begun < 5  # milliseconds as it is; minutes, where it is wrong
