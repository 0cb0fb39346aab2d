"""Wildcards follow the seed, permutations make more pictures, and neither ever runs away."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.errors import TooMany
from prompting.ownlists import OwnLists
from prompting.wildcards import count, expand, permutations, read_lists

LISTS = {
    "animal": ("cat", "dog", "owl"),
    "forest/bird": ("{black|white} crow",),
    "scene": ("a __animal__ in the snow", "3::a __forest/bird__"),
    "loop": ("x __loop__ __loop__",),
}


def test_the_same_seed_chooses_the_same_on_every_machine() -> None:
    """Golden values: a change of them changes what old seeds draw."""
    text = "a {red|blue|green} __animal__, __scene__"
    assert [expand(text, seed=seed, lists=LISTS).text for seed in range(3)] == [
        "a red dog, a black crow",
        "a red cat, a white crow",
        "a blue cat, a black crow",
    ]


def test_every_option_comes_up_and_neighbouring_seeds_are_independent() -> None:
    found = [expand("{a|b|c}", seed=seed).text for seed in range(600)]
    assert all(150 < found.count(option) < 250 for option in "abc")
    same = sum(one == two for one, two in itertools.pairwise(found))
    assert 150 < same < 250


def test_weights_count() -> None:
    found = [expand("{9::a|b}", seed=seed).text for seed in range(1000)]
    assert 860 < found.count("a") < 940


def test_choices_within_choices_and_lists_within_lists_are_decided() -> None:
    for seed in range(20):
        text = expand("{a {x|y}|__scene__}", seed=seed, lists=LISTS).text
        assert not set("{}|_") & set(text)


def test_an_unknown_wildcard_stays_and_is_named() -> None:
    found = expand("a __nothing__ and __nothing__ __animal__", seed=1, lists=LISTS)
    assert found.text.startswith("a __nothing__ and __nothing__ ")
    assert found.unknown == ("nothing",)


@pytest.mark.parametrize(
    "text", ["{a}", "{}", "{", "}{", "a_b__c", "____", r"\{a|b\}", "snake_case_name", "{a, b}"]
)
def test_what_is_no_choice_stays_as_it_was_typed(text: str) -> None:
    assert expand(text, seed=1, lists=LISTS).text == text


def test_a_list_that_contains_itself_is_stopped() -> None:
    with pytest.raises(TooMany) as caught:
        expand("__loop__", seed=1, lists=LISTS)
    assert caught.value.count > caught.value.limit


@pytest.mark.parametrize("text", ["{" * 5000 + "a|b" + "}" * 5000, "{a|" * 3000 + "}" * 3000])
def test_braces_in_braces_without_end_are_no_trap(text: str) -> None:
    started = time.process_time()
    expand(text, seed=1)
    assert time.process_time() - started < 2.0  # linear: 50 ms on an idle core


@pytest.mark.parametrize("text", ["{a," * 1499 + "}" * 1499, "{" * 3000 + "a, b" + "}" * 3000])
def test_permutations_in_permutations_without_end_are_counted(text: str) -> None:
    assert count(text) == (1500 if text.startswith("{a") else 2)
    with pytest.raises(TooMany):
        permutations("{a," * 1499 + "}" * 1499, limit=64)


def test_a_prompt_of_endless_choices_is_stopped() -> None:
    """A member's prompt times an owner's list times another one is a number without bounds."""
    lists = {"many": ("__none__ " * 1000,), "none": ("",)}
    with pytest.raises(TooMany) as caught:
        expand("__many__ " * 600, seed=1, lists=lists)
    assert caught.value.count == caught.value.limit + 1
    heavy = {"heavy": tuple(f"1.5::line {number}" for number in range(20_000))}
    with pytest.raises(TooMany):
        expand("__heavy__ " * 100, seed=1, lists=heavy)


def test_whole_weights_choose_as_when_they_were_subtracted_one_by_one() -> None:
    """Golden values of the slower way: what old seeds drew is drawn again."""
    text = "{3::a|2::b|c|10::d} {1.5::x|y|0.25::z}"
    found = [expand(text, seed=seed).text for seed in range(8)]
    assert found == ["c y", "a x", "d x", "a x", "c y", "c y", "d y", "a y"]


def test_blanks_inside_permutations_stay_as_they_were_typed() -> None:
    assert permutations("{x {a, }, b }") == ("x a", "x ", "b")


def test_permutations_are_every_combination_in_order() -> None:
    assert permutations("{red, blue} cat, {day, night}") == (
        "red cat, day",
        "red cat, night",
        "blue cat, day",
        "blue cat, night",
    )
    assert permutations("{a {x, y}, b}") == ("a x", "a y", "b")
    assert permutations("a cat") == ("a cat",)
    assert permutations("{a, a}") == ("a",)


def test_choices_are_left_to_the_seed_by_permutations() -> None:
    assert permutations("{a|b} {c, d}") == ("{a|b} c", "{a|b} d")


def test_a_comma_inside_brackets_divides_nothing() -> None:
    assert permutations("{(a, b:1.2), c}") == ("(a, b:1.2)", "c")


def test_json_is_one_prompt() -> None:
    text = '{"prompt": "a cat", "n": 3}'
    assert permutations(text) == (text,)


def test_a_bomb_is_counted_and_not_made() -> None:
    bomb = "{a, b}" * 200
    assert count(bomb) == 2**200
    with pytest.raises(TooMany) as caught:
        permutations(bomb)
    assert caught.value.limit == 64


@given(st.text(alphabet="ab{}|,_ :2\\()", max_size=60), st.integers(0, 2**32))
def test_any_text_is_expanded_the_same_way_twice(text: str, seed: int) -> None:
    try:
        first = permutations(text)
    except TooMany:
        return
    assert first == permutations(text)
    assert len(first) <= count(text)
    for prompt in first:
        assert expand(prompt, seed=seed) == expand(prompt, seed=seed)


def test_lists_are_read_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "forest").mkdir()
    (tmp_path / "animal.txt").write_text("\ufeff# animals\ncat\n\n dog \n", "utf-8")
    (tmp_path / "forest" / "bird.txt").write_text("crow\n", "utf-8")
    (tmp_path / "empty.txt").write_text("# nothing\n", "utf-8")
    assert read_lists(tmp_path) == {"animal": ("cat", "dog"), "forest/bird": ("crow",)}


def test_a_list_that_cannot_be_read_is_named_and_takes_no_other_with_it(tmp_path: Path) -> None:
    (tmp_path / "animal.txt").write_text("cat\n", "utf-8")
    (tmp_path / "torn.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "old.txt").write_bytes("café".encode("cp1252"))
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.txt").mkdir()
    lists = OwnLists(tmp_path)
    assert lists.now() == {"animal": ("cat",)}
    assert sorted(error.found for error in lists.refused) == [
        *("folder.txt", "gone.txt", "old.txt", "torn.txt")
    ]
    old = next(error for error in lists.refused if error.found == "old.txt")
    assert "save it again as UTF-8" in old.reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lists_are_read_as_editors_write_them(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "animal.txt").write_bytes("猫\r\ndog\r\n".encode(encoding))
    assert read_lists(tmp_path) == {"animal": ("猫", "dog")}


def test_a_changed_list_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    file = tmp_path / "animal.txt"
    file.write_text("cat\n", "utf-8")
    lists = OwnLists(tmp_path)
    first = lists.now()["animal"]
    assert lists.now()["animal"] is first
    file.write_text("horse\n", "utf-8")
    assert lists.now()["animal"] == ("horse",)


def test_several_of_the_options_are_different_ones() -> None:
    for text, allowed in (
        ("{2$$a|b|c}", {"a, b", "a, c", "b, a", "b, c", "c, a", "c, b"}),
        ("{1-2$$ and $$a|b}", {"a", "b", "a and b", "b and a"}),
        ("{9$$a|b}", {"a, b", "b, a"}),
        ("{0-1$$a}", {"", "a"}),
        ("{2$$__x__}", {"p, q", "q, p"}),
        ("{2$$a, b}", {"a, b"}),
    ):
        found = {expand(text, seed=seed, lists={"x": ("p", "q")}).text for seed in range(200)}
        assert found == allowed, text
        assert count(text) == 1, "they are one picture"


def test_of_several_the_heavier_comes_more_often() -> None:
    found = [expand("{2$$9::a|b|c|d}", seed=seed).text for seed in range(300)]
    assert sum("a" in text for text in found) > 240


def test_several_of_very_many_end_in_a_sentence_or_in_time() -> None:
    lists = {"x": tuple(f"word {n}" for n in range(50_000))}
    with pytest.raises(TooMany):
        expand("{900$$__x__}", seed=1, lists=lists)
