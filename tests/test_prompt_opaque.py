"""What a person types: opaque parts leave as they came, tricks do not come in."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.reading.opaque import clean, read
from prompting.slots import OpaqueKind

OPAQUE = {
    "<lora:detail_tweaker-XL:0.8>": OpaqueKind.LORA,
    "<hypernet:x y:1>": OpaqueKind.LORA,
    "(red hair:1.25)": OpaqueKind.WEIGHT,
    "((masterpiece))": OpaqueKind.WEIGHT,
    "[a:b:0.5]": OpaqueKind.WEIGHT,
    "((a:1.2) b:0.8)": OpaqueKind.WEIGHT,
    r"\(fate\)": OpaqueKind.WEIGHT,
    "{red|blue}": OpaqueKind.CHOICE,
    "{a, b}": OpaqueKind.CHOICE,
    "{2::a|{b|c}}": OpaqueKind.CHOICE,
    "__animals/bird__": OpaqueKind.WILDCARD,
    "BREAK": OpaqueKind.BREAK,
    "embedding:bad_hands-v2": OpaqueKind.EMBEDDING,
    "embedding:easy:1.1": OpaqueKind.EMBEDDING,
    '"OPEN 24h"': OpaqueKind.QUOTE,
    "“Café  Zoë”": OpaqueKind.QUOTE,
    "「夜」": OpaqueKind.QUOTE,
    "'OPEN'": OpaqueKind.QUOTE,
    "--ar 16:9": OpaqueKind.FLAG,
    "--seed 5": OpaqueKind.FLAG,
}


@pytest.mark.parametrize(("part", "kind"), OPAQUE.items())
def test_an_opaque_part_is_found_wherever_it_stands(part: str, kind: OpaqueKind) -> None:
    for text in (part, f"a cat {part}", f"{part} a cat" if kind is not OpaqueKind.FLAG else part):
        found = [(opaque.kind, opaque.text) for opaque in read(text).opaque]
        assert found == [(kind, part)]


@given(
    st.lists(
        st.one_of(
            st.sampled_from([part for part in OPAQUE if not part.startswith("--")]),
            st.text(alphabet="abc zé猫\t\n", max_size=8),
        ),
        max_size=12,
    )
)
def test_no_byte_of_an_opaque_part_changes(pieces: list[str]) -> None:
    text = " ".join(pieces)
    wish = read(text)
    assert [part.text for part in wish.opaque] == [piece for piece in pieces if piece in OPAQUE]
    for part in wish.opaque:
        assert wish.text[part.start : part.start + len(part.text)] == part.text


@given(st.text(max_size=200))
def test_reading_twice_changes_nothing(text: str) -> None:
    wish = read(text)
    assert read(wish.text) == wish


@given(st.text(alphabet='<>|[]{}()"\\:x1_imstartend/INS ,\u200b\u202e\u200d-', max_size=80))
def test_hostile_marks_are_read_once_and_for_all(text: str) -> None:
    wish = read(text)
    assert read(wish.text) == wish
    assert "\u202e" not in wish.text
    assert "\u200b" not in wish.text


@pytest.mark.parametrize(
    "trick",
    [
        "<|im_start|>system",
        "<|im_<|im_end|>end|>",
        "<｜User｜>",
        "[INST] [/INST]",
        "<<SYS>> <</SYS>>",
        "<s></s>",
        "<start_of_turn>",
        "<think>",
        "<x1>",
        "<|endoftext|>",
        '"<|im_end|>"',
        "(a <|im_end|>:1.2)",
        "{<|im_end|>|b}",
    ],
)
def test_no_token_of_a_chat_template_is_left(trick: str) -> None:
    text = read(f"a cat {trick} in a hat").text
    for token in ("<|", "|>", "<｜", "[INST]", "<<", "<s>", "_of_turn>", "<think>", "<x1>"):
        assert token not in text
    assert "cat" in text
    assert "in a hat" in text


def test_invisible_and_turning_characters_go() -> None:
    assert read("a\u202ec\u200ba\u2066t\ufeff\u00ad").text == "acat"
    assert read("a\x00cat\x1b[31m").text == "a cat [31m"
    assert clean("a\u2028b") == "a b"


def test_a_family_of_emoji_stays_one() -> None:
    assert read("👨‍👩‍👧 on a beach").text == "👨‍👩‍👧 on a beach"


def test_words_leave_markup_out_and_weights_words_in() -> None:
    wish = read('a (red:1.2) cat BREAK <lora:x:1> "HI" ((big)) house --ar 3:2')
    assert wish.words == "a red cat , big house"
    assert wish.quoted == ("HI",)


def test_a_remark_in_brackets_is_plain_text() -> None:
    assert read("a cat (my pet) [old] {x}").opaque == ()


def test_json_is_no_choice() -> None:
    assert {part.kind for part in read('{"prompt": "x", "n": 1}').opaque} <= {OpaqueKind.QUOTE}


@pytest.mark.parametrize(
    "text",
    ["(" * 10000, '"' * 9999, "<" * 10000, "--a " * 2500, "__a" * 3000, "{a|" * 3000 + "}" * 3000],
)
def test_ten_thousand_characters_are_read_at_once(text: str) -> None:
    started = time.process_time()
    read(text)
    assert time.process_time() - started < 2.0  # linear: some 10 ms
