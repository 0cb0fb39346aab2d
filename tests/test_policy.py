"""The word policy: whole words in any disguise, and never a part of another word."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.errors import Declined
from prompting.reading.lexicon import built_in
from prompting.reading.policy import Policy

POLICY = Policy(["nude", "ass", "bad word", "裸体", "Tit"], allowed=["smart ass"])

HARMLESS = """
glass class assassin Scunthorpe bass grass compass Cassandra passport assess asset classic embassy
denuded nudge nudibranch title titan constitution Titanic hourglass molasses badword wordbad
analysis cockatoo Dickens shiitake mishit pussycat Essex Sussex Middlesex therapist basement
455 1488 50mm 16:9 4k 8bit x86 h264 2d 3d c3po r2d2 $100 50% @home a+b cat! wow!! a|b C++
体育 裸眼 身体 smart ass
"""


@pytest.mark.parametrize(
    "word", [line for line in HARMLESS.split() if line not in ("smart", "ass")]
)
def test_a_word_that_merely_contains_a_listed_one_passes(word: str) -> None:
    assert POLICY.found(word) is None
    assert POLICY.found(f"a {word} on a table") is None


@pytest.mark.parametrize(
    "text",
    [
        "nude",
        "NUDE",
        "a nude!",
        "(nude:1.3)",
        "nudes",
        "nude's",
        "ＮＵＤＥ",
        "nud3",
        "NuD3",
        "n.u.d.e",
        "n u d e",
        "n-u-d-e",
        "n_u_d_e",
        "n(ud)e",
        "n*u*d*e",
        "nu\u200bde",
        "n\u00adude",
        "\u202enude\u202c",
        "n\u0336u\u0336d\u0336e\u0336",
        "nuuuude",
        "пude",
        "nudе",
        "<lora:nude:1>",
        "{nude|cat}",
        "{cat|nude}",
        "nude|cat",
        "not_nude",
        '"nude"',
        "x\nnude\ny",
    ],
)
def test_a_listed_word_is_found_in_disguise(text: str) -> None:
    assert POLICY.found(text) == "nude"
    assert POLICY.found(f"a cat, {text}, on a mat") == "nude"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a$$", "ass"),
        ("@ss!", "ass"),
        ("ASSES", "ass"),
        ("bad word", "bad word"),
        ("b4d-w0rds", "bad word"),
        ("bad\nword", "bad word"),
        ("t1t", "Tit"),
        ("一个裸体的人", "裸体"),
        ("裸 体", "裸体"),
        ("裸*体", "裸体"),
    ],
)
def test_signs_digits_and_scripts_do_not_hide_a_word(text: str, word: str) -> None:
    assert POLICY.found(text) == word


def test_an_allowed_phrase_excuses_only_itself() -> None:
    assert POLICY.found("a smart ass donkey") is None
    assert POLICY.found("a smart ass and an ass") == "ass"


def test_a_harmless_word_of_a_script_without_spaces_passes() -> None:
    assert Policy(["鸡"]).found("一个鸡蛋") is None
    assert Policy(["鸡"]).found("一只鸡") == "鸡"
    assert Policy(["日"], allowed=["生日"]).found("生日蛋糕") is None


def test_the_word_and_the_place_are_told_and_not_shown() -> None:
    with pytest.raises(Declined) as caught:
        POLICY.check("a nud3 cat", "wish")
    assert (caught.value.word, caught.value.where) == ("nude", "wish")
    assert "nude" not in str(caught.value)


def test_an_empty_policy_lets_everything_pass() -> None:
    assert Policy().found("nude ass 裸体") is None
    assert Policy(["", "  ", "!!"]).found("a cat !!") is None


@given(st.lists(st.sampled_from(sorted(built_in().entries)), max_size=8))
def test_no_word_of_the_lexicon_is_declined_by_a_list_of_others(names: list[str]) -> None:
    assert POLICY.found(" ".join(names)) is None


@given(st.text(max_size=100))
def test_any_text_is_judged_without_an_error(text: str) -> None:
    POLICY.found(text)


def test_a_word_hides_behind_no_number_of_ambiguous_signs() -> None:
    """Readings are not made one after the other, so none of them is the last that is tried."""
    policy = Policy(["illicitillicit"])
    assert policy.found("1|!1c1t1!|1c!t") == "illicitillicit"
    assert policy.found("1|!1c1t1!|1c!x") is None


def test_many_allowed_phrases_cost_no_more_than_a_few() -> None:
    """An owner's list of harmless phrases is looked up, not gone through word by word."""
    few = Policy(["ass"], allowed=["smart ass"])
    many = Policy(["ass"], allowed=["smart ass", *(f"harmless{n} phrase" for n in range(20_000))])
    text = "a smart ass, " * 400

    def cost(policy: Policy) -> float:
        tries = []
        for number in range(5):  # other texts: one that was judged is not judged again
            began = time.process_time()
            assert policy.found(f"{number} {text}") is None
            tries.append(time.process_time() - began)
        return min(tries)

    assert cost(many) < 20 * cost(few)  # when each was compared with each word: 20,000 times


def test_a_text_is_judged_once_for_all_pictures_of_a_request() -> None:
    policy = Policy(["nude"])
    text = "\ufdfa" * 3000

    def cost() -> float:
        began = time.process_time()
        assert policy.found(text) is None
        return time.process_time() - began

    first = cost()
    assert sum(cost() for _ in range(8)) < first


def test_without_words_nothing_is_read() -> None:
    class Untouchable(str):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(f"{name} was looked at")

    assert Policy().found(Untouchable("a" * 6000)) is None


@pytest.mark.parametrize(
    "text", ["1!a|" * 2500, "a " * 5000, "裸" * 10000, "n(" * 5000, "x.y." * 2500]
)
def test_ten_thousand_characters_are_judged_at_once(text: str) -> None:
    policy = Policy([f"word{n}" for n in range(500)] + ["裸体"])
    started = time.process_time()
    policy.found(text)
    assert time.process_time() - started < 3.0  # linear: some 50 ms
