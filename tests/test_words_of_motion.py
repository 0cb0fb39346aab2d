"""What a wish says of motion reaches the built-in video model, in the words that it learned."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from generation.starter.words import COLOUR_WORDS, MOTION_VERBS, MOTION_WORDS, OBJECT_WORDS
from prompting.reading import opaque
from prompting.reading.lexicon import built_in
from prompting.repair import Repairer
from prompting.slots import Slots
from prompting.speaking.dialects import dialect
from prompting.speaking.order import Order
from prompting.speaking.styles import built_in as built_in_styles

WISHES = {
    "en": {
        "a red star moving left": "red star left",
        "a blue cat that moves to the right": "blue cat right",
        "let the yellow moon rise": "yellow moon up",
        "a pink heart falling down": "pink heart down",
        "a green fish getting bigger": "green fish grow",
        "an orange house shrinks": "orange house shrink",
        "a spinning purple flower": "purple flower spin",
        "a white boat blinking on a black background": "white boat blink",
    },
    "zh": {
        "一只蓝色的猫向右移动": "blue cat right",
        "一朵旋转的红色的花": "red flower spin",
        "白色的船上升": "white boat up",
        "黄色的星星变小": "yellow star shrink",
    },
    "de": {
        "ein roter Stern, der nach links fliegt": "red star left",
        "ein gelbes Herz, das größer wird": "yellow heart grow",
        "ein grüner Fisch dreht sich": "green fish spin",
    },
    "fr": {
        "un poisson vert qui tourne": "green fish spin",
        "un chat bleu va vers la gauche": "blue cat left",
    },
    "es": {
        "un corazón rosa que parpadea": "pink heart blink",
        "un barco blanco hacia la derecha": "white boat right",
    },
    "it": {"una luna gialla che diventa più piccola": "yellow moon shrink"},
    "pt": {"um gato azul para cima": "blue cat up"},
    "ru": {"красная звезда движется влево": "red star left"},
    "ja": {"赤い星が左へ動く": "red star left"},
    "ko": {"파란 고양이가 오른쪽으로 움직인다": "blue cat right"},
}


def told(wish: str, style: str | None = None) -> str:
    """The prompt that rules alone make of a wish for the video model."""
    lexicon, text = built_in(), opaque.read(wish)
    order = Order(
        text=wish,
        wish=replace(text, language=lexicon.language(text.words)),
        dialect=dialect("starter-video"),
        style=built_in_styles().named(style) if style else None,
        negative="", lexicon=lexicon, count=None, locale="en",
    )  # fmt: skip
    return order.speak(Slots(subject=Repairer(order).own_subject())).prompt


def shown(prompt: str) -> str:
    """The object, the colour and the motion that the words of the model's training name."""
    said = f" {' '.join(re.findall(r'[a-z-]+', prompt.casefold()))} "

    def named(*tables: dict[str, tuple[str, ...]]) -> str:
        found = {
            name: max(
                (len(word) for table in tables for word in table[name] if f" {word} " in said),
                default=0,
            )
            for name in tables[0]
        }
        return max(found, key=lambda name: found[name])

    return f"{named(COLOUR_WORDS)} {named(OBJECT_WORDS)} {named(MOTION_WORDS, MOTION_VERBS)}"


@pytest.mark.parametrize("language", WISHES)
def test_motion_is_told_in_words_of_the_training(language: str) -> None:
    for wish, wanted in WISHES[language].items():
        asked = wish.removesuffix(" on a black background")
        assert shown(told(asked)) == wanted, told(wish)


def test_a_background_that_was_asked_for_stays() -> None:
    assert told("a red cat spins on a blue background") == "a red cat spins on a blue background"


def test_no_place_and_no_style_is_added_that_the_model_never_saw() -> None:
    assert told("a red cat spins") == "a red cat spins"
    assert told("a red cat spins", "watercolor") == "a red cat spins"


def test_what_is_drawn_otherwise_is_said_beside() -> None:
    assert told("a red castle that shrinks") == "a red house that shrinks, castle"
