"""What Chinese and Japanese say of where things stand is said in English, or missed."""

from __future__ import annotations

import pytest

from prompting.assist import Assistant
from prompting.reading.facts import facts
from prompting.reading.filler import wished
from prompting.reading.keep import missing
from prompting.reading.lexicon import built_in
from prompting.writers import template
from tests.given.scripted_writer import ScriptedWriter

LEXICON = built_in()

SAID = {
    "左边是红灯笼，右边是绿竹子": "on the left red lantern, on the right green bamboo",
    "桌子下面有一只白猫": "white cat under the table",
    "桌子上的苹果": "apple on the table",
    "一个女孩站在两棵树之间": "girl standing between two trees",
    "老虎躲在石头后面，前面有一只兔子": "tiger hiding behind the stone, in the foreground rabbit",
    "巨大的鲸鱼在城市上空游过": "big whale swimming above the city",
    "女孩看着桌子上的苹果": "girl looking at apple on the table",
    "雨后的小巷": "alley after rain",
    "木の下の猫": "cat under the tree",
    "椅子の上の黒い猫": "black cat on the chair",
    "左に猫、右に犬": "on the left cat, on the right dog",
}


@pytest.mark.parametrize(("text", "english"), SAID.items())
def test_a_relation_stands_before_its_thing(text: str, english: str) -> None:
    assert LEXICON.english(text) == english


@pytest.mark.parametrize(
    "text", [*SAID, "上海的夜景", "里面", "上", "猫上", "的上的下的", "在在上有"]
)
def test_no_word_that_carries_something_is_lost_or_doubled(text: str) -> None:
    language = LEXICON.language(text)
    english = LEXICON.english(text, language)
    for word in LEXICON.read(text, language):
        if word.content:
            assert english.count(LEXICON.named(word, language)) >= 1


def test_the_same_relation_is_the_same_fact_in_every_language() -> None:
    for text in ("a cat under a table", "桌子下面的猫", "eine Katze unter einem Tisch"):
        assert "under" in facts(text, LEXICON, LEXICON.language(text)).relations


async def test_a_relation_that_a_writer_loses_is_said_all_the_same() -> None:
    writer = ScriptedWriter([template.answer(subject="a table, a white cat")])
    assisted = await Assistant(writer).assist("桌子下面有一只白猫", dialect="sd15", seed=1)
    assert "white cat under the table" in assisted.prompt


@pytest.mark.parametrize(
    ("text", "prompt", "lost"),
    [
        ("一只红色的猫", "一只红色的猫, masterpiece", ["红色的", "猫"]),
        ("一只红色的猫", "a red 猫", ["猫"]),
        ("鹓鶵和猫", "鹓鶵, cat", []),
        ("ein Mädchen", "Mädchen, masterpiece", ["Mädchen"]),
    ],
)
def test_a_known_word_left_in_its_language_is_lost_where_the_model_does_not_read_it(
    text: str, prompt: str, lost: list[str]
) -> None:
    wish = wished(text, LEXICON)
    losses = missing(wish, prompt, lexicon=LEXICON, language="en")
    assert [loss.text for loss in losses] == lost
    assert missing(wish, text, lexicon=LEXICON, language=wish.language) == ()


async def test_what_nobody_can_translate_stays_and_what_one_answer_can_is_taken() -> None:
    text = "猫在鹓鶵上"
    plain = ScriptedWriter([template.answer(subject="a cat on 鹓鶵")])
    assisted = await Assistant(plain).assist(text, dialect="sd15", seed=1)
    assert "鹓鶵" in assisted.prompt
    assert "鹓鶵" in assisted.note

    knowing = ScriptedWriter(
        [
            template.answer(subject="a cat on 鹓鶵"),
            template.answer(subject="a cat on a broken bridge"),
        ]
    )
    assisted = await Assistant(knowing).assist(text, dialect="sd15", seed=1)
    assert assisted.prompt.startswith("cat on a broken bridge,")
    assert assisted.note == ""
