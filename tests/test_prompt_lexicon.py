"""The words that the assistant knows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.errors import Unreadable
from prompting.reading.forms import plural
from prompting.reading.lexicon import built_in, fold, load, taught
from prompting.reading.tables import FILE

LEXICON = built_in()


def test_the_words_that_the_assistant_was_taught_are_known_in_six_languages() -> None:
    entries = taught().entries.values()
    assert len(entries) >= 450
    for language in ("zh", "de", "fr", "es", "ja"):
        known = sum(language in entry.forms for entry in entries)
        assert known >= 0.98 * len(entries) - 5, language


def test_the_tables_of_languages_change_nothing_that_the_assistant_was_taught() -> None:
    for name, entry in taught().entries.items():
        assert LEXICON[name].kind == entry.kind
        for language, forms in entry.forms.items():
            assert LEXICON[name].forms[language][: len(forms)] == forms


@pytest.mark.parametrize("language", ["en", "zh", "ja", "ko", "it", "pt", "ru"])
def test_a_form_belongs_to_one_word(language: str) -> None:
    seen: dict[str, str] = {}
    for entry in LEXICON.entries.values():
        for form in entry.forms.get(language, ()):
            assert seen.setdefault(fold(form), entry.name) == entry.name, form


@given(st.text(max_size=60), st.sampled_from(["en", "zh", "de", "fr", "es", "ja", "ko", "other"]))
def test_reading_loses_no_character(text: str, language: str) -> None:
    words = LEXICON.read(text, language)
    assert "".join(word.text for word in words) == text
    assert all(text[word.start : word.end] == word.text for word in words)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("a red cat in the snow", "en"),
        ("rose", "en"),
        ("Totoro", "en"),
        ("红色的猫", "zh"),
        ("a cat 猫", "zh"),
        ("赤い猫と犬", "ja"),
        ("ねこ", "ja"),
        ("고양이", "ko"),
        ("красный кот", "ru"),
        ("γάτα", "other"),
        ("ein rotes Haus", "de"),
        ("un chat noir sur le toit", "fr"),
        ("dos gatos rojos en la playa", "es"),
        ("", "en"),
    ],
)
def test_the_language_of_a_wish_is_recognised(text: str, language: str) -> None:
    assert LEXICON.language(text) == language


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("两只红色的猫和三条鱼", "two red cats and three fish"),
        ("dos gatos negros", "two black cats"),
        ("un chat noir", "black cat"),
        ("ein rotes Haus mit zwei kleinen Katzen", "red house with two small cats"),
        ("赤い猫", "red cat"),
        ("一只麒麟", "kirin"),
        ("佘赛花骑马", "佘赛花 riding horse"),
    ],
)
def test_known_words_are_put_into_english_and_names_stay(text: str, english: str) -> None:
    assert LEXICON.english(text) == english


def test_english_details_are_said_in_chinese_only_where_every_word_is_known() -> None:
    assert LEXICON.into("soft light", "zh") == "柔光"
    assert LEXICON.into("soft quuxness", "zh") is None


def test_a_character_that_touches_a_name_is_part_of_it() -> None:
    unknown = [word.text for word in LEXICON.read("红楼燹") if word.entry is None]
    assert unknown == ["红楼燹"]


@pytest.mark.parametrize(
    "name",
    [
        *("黄鹤楼", "红螺寺", "白居易", "黑猫警长", "白蛇传", "金阁寺"),  # begin with a colour
        *("三星堆", "九寨沟", "八仙", "三国演义", "一休"),  # begin with a number
        *("初音未来", "孙悟空", "高铁站", "加油站"),  # end in a known word
        *("外滩", "台北", "基地", "长城", "中山陵"),  # hold a word of one character
    ],
)
@pytest.mark.parametrize("sentence", ["{}", "{}的秋天", "猫和{}", "在{}", "{}，水彩"])
def test_a_name_is_not_divided_by_what_it_begins_or_ends_with(name: str, sentence: str) -> None:
    assert name in [word.text for word in LEXICON.read(sentence.format(name), "zh")]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("三只狻猊", {"three"}),
        ("黄色的狻猊", {"yellow"}),
        ("两狻猊", {"two"}),
        ("大狻猊", {"big"}),
        ("饕獬豸未来城市", {"futuristic", "city"}),
        ("饕獬豸站在雪里", {"standing", "snow"}),
        ("佘赛花骑马", {"riding", "horse"}),
        ("开心地唱歌", {"happy", "singing"}),
        ("宇航员下弈谱", {"astronaut"}),
    ],
)
def test_known_words_beside_a_name_keep_their_meaning(text: str, known: set[str]) -> None:
    assert {word.entry.name for word in LEXICON.read(text, "zh") if word.entry} == known


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("粉色的树好浪漫", "pink tree 好"),
        ("黄色的车停在那里", "yellow car parked"),
        ("白色的鸟叫个不停", "white bird 叫"),
        ("白色的马桶", "white toilet"),
        ("蓝色的花儿开了", "blue flower 开"),
        ("一条红通通的鱼", "red fish"),
    ],
)
def test_a_noun_behind_de_is_not_taken_in_by_what_is_said_of_it(text: str, english: str) -> None:
    assert LEXICON.english(text, "zh").startswith(english)


@pytest.mark.parametrize(
    ("text", "name"),
    [("火车站", "train station"), ("地铁站", "subway station"), ("红色跑车", "sports car")],
)
def test_a_compound_is_not_read_as_a_sentence(text: str, name: str) -> None:
    assert LEXICON.read(text, "zh")[-1].key == name


def test_japanese_counters_stay_with_their_numbers() -> None:
    assert "three" in {word.key for word in LEXICON.read("三本の木", "ja")}


def test_plurals_are_those_of_english() -> None:
    assert [plural(noun) for noun in ("mouse", "cherry", "box", "fish", "palm tree")] == [
        "mice", "cherries", "boxes", "fish", "palm trees",
    ]  # fmt: skip


def test_a_broken_table_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "lexicon.toml"
    path.write_text(FILE.read_text("utf-8")[:500], "utf-8")
    with pytest.raises(Unreadable):
        load(path)
