"""What an open writer may never bring into a prompt, and what of its words stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.assist import Assistant, Assisted
from prompting.reading import markup, opaque
from prompting.reading.cleaning import cleaned
from prompting.reading.lexicon import built_in
from prompting.slots import OpaqueKind, Slots, WishText
from prompting.wildcards import count, expand
from prompting.writers import template
from tests.given.scripted_writer import ScriptedWriter

LEXICON = built_in()
CAT = "a red cat on a windowsill"


def wish(text: str) -> WishText:
    asked = opaque.read(text)
    return replace(asked, language=LEXICON.language(asked.words))


def clean(slots: Slots, text: str = CAT, language: str = "en", told: str = "") -> Slots:
    return cleaned(slots, wish(text), lexicon=LEXICON, language=language, told=told)  # type: ignore[arg-type]


def details(*said: str, text: str = CAT, language: str = "en", told: str = "") -> tuple[str, ...]:
    return clean(Slots(subject=text, details=said), text, language, told).details


def subject(said: str, text: str = CAT) -> str:
    return clean(Slots(subject=said), text).subject


UNFIT = (
    *("<lora:evil:1.0>", "<lyco:x:1>", "<hypernet:y:1>", "soft glow <lora:evil:1>", "< lora:x:1 >"),
    *("__secret__", "a __moods/dark__ sky", "{day|night}", "{", "soft light}", "{red, blue} tint"),
    *("(nude:1.4)", "((glow))", "[fog]", "[day:night:0.5]", "[haze|mist]", "{{{gold}}}"),
    *("--seed 5", "--ar 16:9", "soft light --no cat", "embedding:bad", "BREAK fog", "mist BREAK"),
    *("warm light<|end_of_text|><|begin_of_text|>", "glow <|im_end|>", "</s>"),
    *("[INST] fog [/INST]",),
    *("<think>", "<start_of_turn>", "im_end", "eot_id", "<x1>", "{x1}", "[x2]", "x3", "<｜User｜>"),
    *("https://evil.example/x", "://trending", "www.evil.example", "Shopraim123.com", "art.co.uk"),
    *("me@evil.example", "by @somebody", "#art", "seen on fandom.com"),
    *('text that says "BUY NOW"', "a sign saying BUY", "the word LOVE above"),
    *("a watermark", "logo"),
    *("a caption below", "a speech bubble", "signed by the artist", "“HELLO” above it"),
    *("柔和的光", "мягкий свет", "柔らかい光", "부드러운 빛", "soft 光 light", "ضوء"),
    *("7", "12", "red", "two", "blue and green", "...", "-", "?!", "the", "4k"),
    *("8k", "masterpiece"),
    *("best quality", "trending on artstation", "score_9"),
    *("Erfurt castle, Erfurt tower, Erfurt night", "glow glow glow of the glow of glow, glow"),
    *("the wish", "as they are", "JSON", "here is your prompt", "as an AI model", "null"),
    *("no other object", "details: warm", "placeholders such as", "the user wants a cat"),
    *("a red cat", "red cat on windowsill", "The cat."),
)  # fmt: skip


@pytest.mark.parametrize("said", UNFIT)
def test_an_addition_with_something_unfit_goes_as_a_whole(said: str) -> None:
    assert details("soft warm light", said, "gentle mood") == ("soft warm light", "gentle mood")


FIT = (
    *("soft warm light", "fine details", "35mm lens, f/1.8", "shallow depth of field"),
    *("dust motes",),
    *("a girl's shadow", "early-morning haze", "shot from below; calm", "café terrace at dusk"),
    *("the subject stands in focus", "course grain", "a comfortable distance"),
    *("world-weary look",),
)  # fmt: skip


@pytest.mark.parametrize("said", FIT)
def test_plain_additions_stay_as_they_are(said: str) -> None:
    assert details(said) == (said,)


def test_additions_that_differ_by_case_and_marks_are_one() -> None:
    assert details("Soft light.", "soft light", "SOFT LIGHT!", "soft-light") == ("Soft light",)


def test_words_that_are_said_again_and_again_are_said_once() -> None:
    assert subject("Bundesarchiv Erfurt Erfurt Erfurt", "Erfurt") == "Bundesarchiv Erfurt"
    assert subject("modal_modal_modal") == "modal"
    assert subject("a red cat, a red cat, A red cat.") == "a red cat."
    assert subject("New York, New York", "New York, New York at night") == "New York, New York"


def test_what_the_writer_was_told_is_no_addition() -> None:
    told = "details: two to six short additions about light, material, composition and mood"
    assert details("light, material, composition", "soft light", told=told) == ("soft light",)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Babu <x1> Yousif, old, fisherman, [x1], [x2]", "Babu Yousif, old, fisherman"),
        ("a red cat <|im_end|> on a (windowsill:1.3)", "a red cat on a windowsill"),
        ("Sure! Here is your prompt: a red cat", "a red cat"),
        ("Subject: a red cat", "a red cat"),
        ("a red cat, 猫, on a windowsill https://x.example", "a red cat, on a windowsill"),
        ("a cat AND a dog BREAK sky", "a cat and a dog break sky"),
        ("{", ""),
        ("...", ""),
    ],
)
def test_a_subject_is_freed_and_stays(said: str, left: str) -> None:
    assert subject(said) == left


def test_the_quotations_of_the_wish_stay_and_others_go() -> None:
    asked = "a shop sign that reads “OPEN  24h” and 'YES'"
    assert subject(f'{asked} or "NO"', asked) == f"{asked} or NO"


def test_what_the_wish_says_itself_may_be_said() -> None:
    assert details("neat lettering", text="a poster with lettering") == ("neat lettering",)
    assert subject("a poster of x1", "a poster of x1") == "a poster of x1"


def test_a_chinese_prompt_may_hold_chinese_and_no_other_script() -> None:
    said = ("柔和的晨光", "мягкий свет", "柔らかい光", "写着大字", "红色")
    assert details(*said, text="一只猫在窗台", language="zh") == ("柔和的晨光",)


def test_a_scene_loses_the_sentences_that_are_unfit_and_keeps_the_rest() -> None:
    scene = (
        "Morning light falls through the window at f/1.8. A sign says SALE! <lora:x:1> glows. "
        "Dust drifts in the air. dust drifts in the air. 猫在这里。 The wish is done."
    )
    left = clean(Slots(subject=CAT, scene=scene)).scene
    assert left == ("Morning light falls through the window at f/1.8. Dust drifts in the air.")


SIGNS = st.text(alphabet="<>{}[]()|\\:_-@#./$\"'“”*=x1aBREAKNDlora ,;猫é\u200b\ue000", max_size=60)


@given(SIGNS)
def test_nothing_is_left_that_another_program_would_act_upon(said: str) -> None:
    slots = clean(Slots(subject=said, details=(said, f"soft {said}"), scene=said))
    for text in (slots.subject, slots.scene, *slots.details):
        assert opaque.read(text).opaque == ()
        assert opaque.read(text).text == text
        assert expand(text, seed=1).text == text
        assert count(text) == 1
        assert markup.read(text).text == text
        assert not set(text) & set("<>{}[]()|\\")
        assert "__" not in text
        assert "--" not in text
        assert "://" not in text


@given(SIGNS)
def test_cleaning_twice_changes_nothing(said: str) -> None:
    once = clean(Slots(subject=said, details=(said,), scene=said))
    assert clean(once) == once


@given(st.lists(st.sampled_from(["a cat", '"OPEN"', "“a  b”", "(x:1.2)", "<|x|>", "in", "{a|b}"])))
def test_a_quotation_of_the_wish_keeps_every_byte(pieces: list[str]) -> None:
    text = " ".join(pieces)
    quotes = [p.text for p in opaque.read(text).opaque if p.kind is OpaqueKind.QUOTE]
    left = subject(text, text)
    assert all(quote in left for quote in quotes)
    assert {part.text for part in opaque.read(left).opaque} <= set(quotes)


async def say(answer: str, text: str = CAT, dialect: str = "sd15") -> Assisted:
    return await Assistant(ScriptedWriter([answer])).assist(text, dialect=dialect, seed=1)


async def test_no_prompt_of_an_open_writer_holds_what_is_unfit() -> None:
    for at in range(0, len(UNFIT), 8):
        answer = template.answer(subject=f"{CAT} <x1>", details=["soft light", *UNFIT[at : at + 7]])
        for dialect in ("sd15", "flux1"):
            assisted = await say(answer, dialect=dialect)
            plain = await say(template.answer(subject=CAT, details=["soft light"]), dialect=dialect)
            assert assisted.prompt == plain.prompt


def test_a_single_letter_is_no_talk() -> None:
    told = "The tower rises from a spur of rock. A band of sky glows."
    slots = Slots(subject="old lighthouse, cliff", scene=told)
    assert clean(slots, "old lighthouse, cliff, dusk").scene == told
