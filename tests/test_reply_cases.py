"""The replies in `tests/data/replies` are well formed, many, of many languages, and fair."""

import collections
import json
from pathlib import Path
from typing import Any

import pytest

REPLIES = Path(__file__).parent / "data" / "replies"
KINDS = {
    "edit",
    "rewrite",
    "restyle",
    "vary",
    "upscale",
    "outpaint",
    "inpaint",
    "parameters",
    "again",
    "reproduce",
    "info",
    "undo",
    "describe",
    "video",
    "pick",
    "delete",
    "none",
    "ask",
}
QUIET = {"none", "info", "undo", "ask", "delete", "describe"}
GROUPS = {"prompt_has", "negative_has", "instruction", "region"}
WORDS = {"prompt_lacks", "negative_lacks", "style_is", "said_lacks"}
FIELDS = {
    "seed",
    "steps",
    "cfg",
    "sampler",
    "count",
    "model",
    "style",
    "loras",
    "pick",
    "upscale",
    "direction",
    "strength",
    "width",
    "height",
    "aspect",
    "size_ratio",
    "size",
    "prompt",
    "negative",
}
ABILITIES = {"img2img", "instruct-edit", "inpaint", "upscale", "outpaint", "video"}


def _cases(name: str) -> list[Any]:
    lines = (REPLIES / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def _kinds(case: Any) -> list[str]:
    kinds = case["expect"]["kind"]
    return [kinds] if isinstance(kinds, str) else kinds


ALL = _cases("shown.jsonl") + _cases("cases.jsonl")


def test_at_least_240_cases_of_our_own_beside_the_60_shown() -> None:
    assert len(_cases("shown.jsonl")) == 60
    assert len(_cases("cases.jsonl")) >= 240


def test_half_are_english_a_quarter_chinese_and_the_rest_of_eight_languages() -> None:
    counted = collections.Counter(case["lang"] for case in _cases("cases.jsonl"))
    share = {language: number / counted.total() for language, number in counted.items()}
    assert 0.5 <= share["en"] <= 0.6
    assert 0.24 <= share["zh"] <= 0.3
    assert set(counted) == {"en", "zh", "de", "fr", "es", "ja", "ru", "it", "pt", "ko"}


def test_every_kind_is_asked_for_in_more_than_one_way() -> None:
    counted = collections.Counter(_kinds(case)[0] for case in ALL)
    assert set(counted) >= KINDS - {"none"}
    assert min(counted.values()) >= 3


def test_no_reply_to_the_same_picture_stands_twice() -> None:
    assert len({case["id"] for case in ALL}) == len(ALL)
    counted = collections.Counter((case["reply"], case["parent"]["prompt"]) for case in ALL)
    # "animate this plz" is asked of a server that can, and of one that cannot.
    assert {key[0] for key, number in counted.items() if number > 1} == {"animate this plz"}


@pytest.mark.parametrize("case", ALL, ids=lambda case: case["id"])
def test_a_case_says_what_is_answered_and_only_conditions_that_exist(case: Any) -> None:
    assert set(case) - {"before"} == {"id", "lang", "parent", "abilities", "reply", "expect", "why"}
    assert set(case["abilities"]) <= ABILITIES
    assert case["reply"].strip()
    expect = case["expect"]
    assert set(expect) <= {"kind", "set", "set_any", "keep", "says"} | GROUPS | WORDS
    assert set(_kinds(case)) <= KINDS
    assert set(expect.get("keep", [])) <= FIELDS
    assert all(group and all(group) for name in GROUPS for group in expect.get(name, []))
    assert all(word for name in WORDS for word in expect.get(name, []))
    for fields in (expect.get("set", {}), *expect.get("set_any", [])):
        assert set(fields) <= FIELDS
        assert not set(fields) & set(expect.get("keep", []))
    if _kinds(case)[0] in QUIET:
        assert not set(expect) & GROUPS
        assert set(expect.get("set", {})) <= {"pick"}


@pytest.mark.parametrize("case", ALL, ids=lambda case: case["id"])
def test_a_pick_is_of_a_picture_that_is_shown(case: Any) -> None:
    pick = case["expect"].get("set", {}).get("pick")
    assert pick is None or 1 <= pick <= case["parent"]["count"]


@pytest.mark.parametrize(
    "case", [case for case in ALL if "undo" in _kinds(case)], ids=lambda case: case["id"]
)
def test_what_is_undone_had_something_before_it(case: Any) -> None:
    assert case["before"]["prompt"] != case["parent"]["prompt"]
