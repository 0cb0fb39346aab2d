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


@pytest.mark.parametrize("language", LANGUAGES)
def test_nine_content_words_in_ten_are_translated(language: str) -> None:
    found: dict[bool, list[str]] = defaultdict(list)
    for case in of(language):
        prompt = in_english(case).prompt
        for options in case.must:
            found[holds(prompt, options)].append(f"{options[0]} of {case.wish}: {prompt}")
    share = len(found[True]) / (len(found[True]) + len(found[False]))
    assert share >= 0.9, (share, found[False])


@pytest.mark.parametrize(
    ("wish", "english"),
    [
        ("宇航员在麦田里弹钢琴，梵高风格", "astronaut playing piano in the wheat field, van gogh"),
        ("左边是红灯笼，右边是绿竹子", "on the left red lantern, on the right green bamboo"),
        ("女孩的左边站着一只白狼", "white wolf standing to the left of the girl"),
        ("桌子下面有一只黑猫", "black cat under the table"),
        ("穿着汉服的少女站在桥上", "girl wearing hanfu standing on the bridge"),
        ("一杯热咖啡放在书旁边", "cup of hot coffee next to the book"),
        ("桜の木の下で本を読む少女", "girl reading book under the cherry tree"),
        ("左に青い扉、右に黄色い椅子", "on the left blue door, on the right yellow chair"),
        (
            "한복을 입은 여자가 궁궐 앞에 서 있다",
            "woman wearing hanbok standing in front of the palace",
        ),
        ("등대 뒤로 떠오르는 태양", "sun rising behind the lighthouse"),
        (
            "Слева красная машина, справа синий автобус",
            "on the left red car, on the right blue bus",
        ),
        ("سيارة صفراء قديمة تحت المطر", "yellow old car under rain"),
        ("À gauche un arbre mort", "on the left dead tree"),
        (
            "Links ein toter Baum, rechts ein Holzhaus",
            "on the left dead tree, on the right wooden house",
        ),
        ("Un perro detrás de la casa blanca", "dog behind white house"),
        ("Un gatto sotto il tavolo di legno", "cat under wooden table"),
        ("Robô debaixo de uma árvore", "robot under tree"),
    ],
)
def test_where_something_is_and_what_describes_it_stay_with_it(wish: str, english: str) -> None:
    assert built_in().english(wish) == english


@pytest.mark.parametrize(
    ("forms", "language", "name"),
    [
        ("кот кота коту котом коте коты котов", "ru", "cat"),
        ("красный красная красное красные красного красной красную", "ru", "red"),
        ("القطة قطة وقطة للقطة قطتها قِطَّة", "ar", "cat"),
        ("고양이 고양이가 고양이를 고양이와 고양이들이", "ko", "cat"),
        ("걷는 걷고 걸어 걸었다 걸으며", "ko", "walking"),
        ("読む 読んで 読んでいる 読みながら", "ja", "reading"),
        ("rosso rossa rossi rosse", "it", "red"),
        ("leão leões", "pt", "lion"),
        ("修理する 修理して 修理している 修理しながら", "ja", "repairing"),
        ("深い 深く", "ja", "deep"),
        ("graben gräbt grabend grabende", "de", "digging"),
        ("creuser creuse creusent creusant", "fr", "digging"),
        ("cavar cava cavan cavando", "es", "digging"),
        ("scavare scava scavano scavando scavata", "it", "digging"),
        ("cavar cava cavam cavando", "pt", "digging"),
    ],
)
def test_a_word_is_known_in_all_its_forms(forms: str, language: str, name: str) -> None:
    for form in forms.split():
        found = built_in().find(form, language)
        assert found is not None, form
        assert found.name == name, form
