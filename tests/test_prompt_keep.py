"""The keep-check: it must catch everything that loses or changes a word, and nothing else."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from prompting.hiding import hide
from prompting.reading.facts import facts
from prompting.reading.keep import contradictions, missing
from prompting.reading.lexicon import built_in
from prompting.reading.opaque import read
from prompting.repair import Repairer
from prompting.slots import Slots, WishText
from prompting.speaking.dialects import dialect
from prompting.speaking.order import Order

LEXICON = built_in()

WISHES = (
    "a red cat and a blue dog",
    "two white horses beside a green tree, watercolor",
    "a purple dragon in the snow",
    "three yellow stars in the night sky, pixel art",
    "my Totoro with a black umbrella",
    "the cat should be white and the house should be red",
    "an old fisherman with a gray beard",
    "a pink flower on a blue background, flat style",
    "a robot holding a red balloon in a forest at night",
    "moon and stars, just a yellow moon",
    "zwei rote Katzen und ein blaues Haus",
    "un chat noir et un chien blanc sur le toit",
    "dos gatos rojos y una casa azul",
    "一只红色的猫和一只蓝色的狗",
    "两朵粉色的花在花园里，水彩",
    "三条橙色的鱼，像素风",
    "穿着蓝色裙子的女孩拿着红色的伞",
    "赤い猫と青い犬",
    "a green Quuxmobile and a purple Zorble",
    "a (red:1.2) cat and a blue boat",
)  # fmt: skip


def wish(text: str) -> WishText:
    read_ = read(text)
    return replace(read_, language=LEXICON.language(read_.words))


@pytest.mark.parametrize("text", WISHES)
def test_the_wish_itself_keeps_and_contradicts_nothing(text: str) -> None:
    asked = wish(text)
    assert missing(asked, text, lexicon=LEXICON, language=asked.language) == ()
    assert contradictions(asked, text, lexicon=LEXICON, language=asked.language) == ()


@pytest.mark.parametrize("text", WISHES)
def test_the_known_translation_keeps_everything(text: str) -> None:
    asked = wish(text)
    english = LEXICON.english(text, asked.language)
    assert missing(asked, english, lexicon=LEXICON, language="en") == ()
    assert contradictions(asked, english, lexicon=LEXICON, language="en") == ()


@pytest.mark.parametrize("text", WISHES)
def test_every_dropped_word_is_caught(text: str) -> None:
    asked = wish(text)
    words = LEXICON.read(text, asked.language)
    dropped = 0
    for word in words:
        others = [other for other in words if other.content and other.key == word.key]
        if not word.content or len(others) > 1 or word.text in ("1", "2"):
            continue
        rest = f"{text[: word.start]}{text[word.end :]}"
        assert missing(asked, rest, lexicon=LEXICON, language=asked.language), rest
        dropped += 1
    assert dropped >= 2


@pytest.mark.parametrize("text", WISHES)
def test_every_changed_or_swapped_colour_is_caught(text: str) -> None:
    asked = wish(text)
    english = LEXICON.english(text, asked.language)
    colours = [
        word for word in LEXICON.read(english, "en") if word.entry and word.entry.kind == "colour"
    ]
    others = ("red", "blue", "green", "purple", "turquoise", "white")
    for word in colours:
        for other in others:
            if other == word.key:
                continue
            changed = f"{english[: word.start]}{other}{english[word.end :]}"
            found = missing(asked, changed, lexicon=LEXICON, language="en")
            assert found, changed
    if len({word.key for word in colours}) > 1:
        first, second = colours[0], colours[1]
        swapped = (
            english[: first.start]
            + second.text
            + english[first.end : second.start]
            + first.text
            + english[second.end :]
        )
        assert missing(asked, swapped, lexicon=LEXICON, language="en"), swapped
        assert contradictions(asked, swapped, lexicon=LEXICON, language="en"), swapped


def test_a_random_dropper_and_swapper_are_caught_every_time() -> None:
    """Three hundred engines that lose one word or change one colour; the bar is 100 %."""
    dice = random.Random(5)
    nouns = [entry.name for entry in LEXICON.of_kind("animal", "vehicle") if " " not in entry.name]
    colours = [
        entry.name
        for entry in LEXICON.of_kind("colour")
        if entry.name != "colorful" and " " not in entry.name
    ]
    for _ in range(300):
        (one, two), (a, b, c) = dice.sample(nouns, 2), dice.sample(colours, 3)
        text = f"a {a} {one} and a {b} {two} in the snow"
        asked = wish(text)
        lost = dice.choice((a, b, one, two, "snow"))
        dropped = " ".join(word for word in text.split() if word != lost)
        swapped = f"a {b} {one} and a {a} {two} in the snow"
        changed = f"a {c} {one} and a {b} {two} in the snow"
        for bad in (dropped, swapped, changed):
            assert missing(asked, bad, lexicon=LEXICON, language="en"), (text, bad)
        for bad in (swapped, changed):
            assert contradictions(asked, bad, lexicon=LEXICON, language="en"), (text, bad)


@pytest.mark.parametrize(
    ("text", "colours"),
    [
        ("a red cat and a blue dog", {("red", "cat"), ("blue", "dog")}),
        ("the cat should be white and the car red", {("white", "cat"), ("red", "car")}),
        ("a cat that is red on a mat", {("red", "cat")}),
        ("a flower colored red", {("red", "flower")}),
        ("cat, red", {("red", "cat")}),
        ("red and white striped cat", {("red", "cat"), ("white", "cat")}),
        ("猫是红色的，狗是蓝色的", {("red", "cat"), ("blue", "dog")}),
        ("红色的猫和两只蓝色的狗", {("red", "cat"), ("blue", "dog")}),
        ("un chat noir et un chien blanc", {("black", "cat"), ("white", "dog")}),
        ("a house that is red with a black roof", {("red", "house"), ("black", "roof")}),
    ],
)  # fmt: skip
def test_a_colour_belongs_to_its_thing(text: str, colours: set[tuple[str, str]]) -> None:
    assert facts(text, LEXICON).colours == colours


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        ("a cat without a hat", ("hat",)),
        ("a street, no people in the background, a lake", ("people",)),
        ("no hats and no glasses", ("hats", "glasses")),
        ("a sign without text or logo and a red dog", ("text", "logo")),
        ("smoke-free street", ("smoke",)),
        ("一只猫，不要帽子", ("帽子",)),
        ("没有人的街道", ("人",)),
        ("ein Haus ohne Fenster und eine blaue Katze", ("Fenster",)),
        ("帽子なしの猫", ("帽子",)),
        ("无人机飞过城市", ()),
        ("a no parking sign", ()),
        ("No Face from the film", ()),
    ],
)
def test_what_is_unwanted_is_understood(text: str, unwanted: tuple[str, ...]) -> None:
    assert facts(text, LEXICON).unwanted == unwanted


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("花园里别画蝴蝶，只要向日葵", "<x1>，只要<x2>,不要<x3>"),
        ("不要people的street，晚上", "<x1>，<x2>,不要<x3>"),
        ("花园和猫", "<x1>和<x2>"),
    ],
)
def test_a_small_model_reads_chinese_denials_in_one_form(text: str, hidden: str) -> None:
    assert hide(text, LEXICON, spoken="zh", language="en", most=6).text == hidden


def test_a_number_belongs_to_its_thing() -> None:
    asked = wish("two cats and three dogs")
    assert missing(asked, "three cats and two dogs", lexicon=LEXICON, language="en")
    assert contradictions(asked, "three cats and two dogs", lexicon=LEXICON, language="en")
    assert not missing(asked, "2cats, 3dogs", lexicon=LEXICON, language="en")


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("a cat", "a cat and a dog"),
        ("a cat", "an orange cat"),
        ("a cat by day", "a cat at night"),
        ("a watercolor of a cat", "a cat, oil painting"),
        ("a small house", "a small big house"),
        ("a cat, no hats", "a cat wearing a hat"),
        ("two cats", "two cats, three cats"),
    ],
)
def test_what_makes_another_picture_contradicts(text: str, prompt: str) -> None:
    assert contradictions(wish(text), prompt, lexicon=LEXICON, language="en")


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("a cat", "a cat, soft golden light, detailed fur, window light, shallow depth of field"),
        ("a cat in the snow", "a cat in the snow, blue shadows, cold air"),
        ("a red rose", "a red rose, watercolor, dew on the petals"),
        ("a street", "a street at night, neon, rain"),
    ],
)
def test_light_and_mood_may_be_added(text: str, prompt: str) -> None:
    assert contradictions(wish(text), prompt, lexicon=LEXICON, language="en") == ()


@pytest.mark.parametrize("dialect_name", ["starter", "sd15", "flux1", "qwen-image"])
@pytest.mark.parametrize(
    "name",
    [
        "黄鹤楼",
        "红螺寺",
        "三星堆",
        "九寨沟",
        "白居易",
        "初音未来",
        "孙悟空",
        "外滩",
        "高铁站",
        "慢慢",
    ],
)
def test_a_name_that_an_answer_lost_is_put_back_as_it_was_written(
    name: str, dialect_name: str
) -> None:
    text = f"{name}的日落"
    order = Order(
        text=text, wish=wish(text), dialect=dialect(dialect_name), style=None, negative="",
        lexicon=LEXICON, count=None, locale="en",
    )  # fmt: skip
    judge = Repairer(order)
    told = judge.repair(judge.judge(Slots(subject="a sunset")))
    known = LEXICON.find(name, "zh")
    prompt = told.rendered.prompt
    assert name in prompt or (known and known.name in prompt)
    assert "sunset" in told.rendered.prompt or "日落" in told.rendered.prompt


def test_a_part_of_a_name_is_not_the_name() -> None:
    lost = missing(wish("黄鹤楼的日落"), "yellow 鹤楼 sunset", lexicon=LEXICON, language="en")
    assert [loss.text for loss in lost] == ["黄鹤楼"]


def test_a_word_inside_a_lora_or_a_quotation_is_no_word_of_the_picture() -> None:
    asked = wish('a cat <lora:my cat:1> "cat"')
    lost = missing(asked, 'a sign <lora:my cat:1> "cat"', lexicon=LEXICON, language="en")
    assert [loss.text for loss in lost] == ["cat"]


def test_a_changed_opaque_part_is_missing() -> None:
    asked = wish("a cat <lora:x:0.8>")
    lost = missing(asked, "a cat <lora:x:0.80>", lexicon=LEXICON, language="en")
    assert [loss.what for loss in lost] == ["opaque"]
