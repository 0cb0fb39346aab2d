"""The replies in `tests/data/replies` are well formed, many, of many languages, and fair."""

import collections
from typing import Any

import pytest

from bot.studio.abilities import Ability
from prompting.changing.intents import IntentKind
from tests.given.reply_judge import QUIET, kinds, meets, replies, why_wrong

KINDS = {kind.value for kind in IntentKind}
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
ABILITIES = {ability.value for ability in Ability}

ALL = replies("shown.jsonl") + replies("cases.jsonl") + replies("media.jsonl")


def test_at_least_240_cases_of_our_own_beside_the_60_shown() -> None:
    assert len(replies("shown.jsonl")) == 60
    assert len(replies("cases.jsonl")) >= 240


def test_half_are_english_a_quarter_chinese_and_the_rest_of_eight_languages() -> None:
    counted = collections.Counter(case["lang"] for case in replies("cases.jsonl"))
    share = {language: number / counted.total() for language, number in counted.items()}
    assert 0.5 <= share["en"] <= 0.6
    assert 0.24 <= share["zh"] <= 0.3
    assert set(counted) == {"en", "zh", "de", "fr", "es", "ja", "ru", "it", "pt", "ko"}


def test_every_kind_is_asked_for_in_more_than_one_way() -> None:
    counted = collections.Counter(kinds(case)[0] for case in ALL)
    assert set(counted) >= KINDS - {"none"}
    assert min(counted.values()) >= 3


def test_no_reply_to_the_same_picture_stands_twice() -> None:
    assert len({case["id"] for case in ALL}) == len(ALL)
    counted = collections.Counter((case["reply"], case["parent"]["prompt"]) for case in ALL)
    # These are asked of a server that can, and of one that cannot.
    twice = {"animate this plz", "let the leaves fall"}
    assert {key[0] for key, number in counted.items() if number > 1} == twice


@pytest.mark.parametrize("case", ALL, ids=lambda case: case["id"])
def test_a_case_says_what_is_answered_and_only_conditions_that_exist(case: Any) -> None:
    assert set(case) - {"before"} == {"id", "lang", "parent", "abilities", "reply", "expect", "why"}
    assert set(case["abilities"]) <= ABILITIES
    assert case["reply"].strip()
    expect = case["expect"]
    assert set(expect) <= {"kind", "set", "set_any", "keep", "says"} | GROUPS | WORDS
    assert set(kinds(case)) <= KINDS
    assert set(expect.get("keep", [])) <= FIELDS
    assert all(group and all(group) for name in GROUPS for group in expect.get(name, []))
    assert all(word for name in WORDS for word in expect.get(name, []))
    for fields in (expect.get("set", {}), *expect.get("set_any", [])):
        assert set(fields) <= FIELDS
        assert not set(fields) & set(expect.get("keep", []))
    if kinds(case)[0] in QUIET:
        assert not set(expect) & GROUPS
        assert set(expect.get("set", {})) <= {"pick"}


@pytest.mark.parametrize("case", ALL, ids=lambda case: case["id"])
def test_a_pick_is_of_a_picture_that_is_shown(case: Any) -> None:
    pick = case["expect"].get("set", {}).get("pick")
    assert pick is None or 1 <= pick <= case["parent"]["count"]


@pytest.mark.parametrize(
    "case", [case for case in ALL if "undo" in kinds(case)], ids=lambda case: case["id"]
)
def test_what_is_undone_had_something_before_it(case: Any) -> None:
    assert case["before"]["prompt"] != case["parent"]["prompt"]


def _first(groups: list[list[str]]) -> str:
    return ", ".join(group[0].rstrip("*") for group in groups)


def _value(wanted: Any) -> Any:
    if not isinstance(wanted, dict):
        return wanted
    return (
        wanted["any"][0]
        if "any" in wanted
        else wanted.get("above", wanted.get("below", 1) / 2) * 1.01
    )


def _answered(case: Any) -> dict[str, Any]:
    """An answer that is made of what is expected: the first of all alternatives."""
    expect, kind = case["expect"], kinds(case)[0]
    wanted = {**expect.get("set", {}), **(expect.get("set_any") or [{}])[0]}
    answer: dict[str, Any] = {"kind": kind, "set": {}, "changed": [], "said": "What?"}
    if kind in QUIET:
        return answer | {"set": {name: wanted[name] for name in wanted if name == "pick"}}
    for name, value in wanted.items():
        ratio = name in {"aspect", "size_ratio"} and not isinstance(value, str)
        answer["set"]["size_ratio" if ratio else name] = (
            f"{_value(value)}:1" if ratio else _value(value)
        )
    if "style_is" in expect:
        answer["set"]["style"] = expect["style_is"][0]
    answer["prompt"] = _first(expect.get("prompt_has", [])) or (
        "anything" if "prompt_lacks" in expect else ""
    )
    answer["instruction"] = _first(expect.get("instruction", []))
    answer["region"] = _first(expect.get("region", [])) or "it"
    if "negative_has" in expect or "negative_lacks" in expect:
        answer["negative"] = _first(expect.get("negative_has", []))
    return answer


@pytest.mark.parametrize("case", ALL, ids=lambda case: case["id"])
def test_what_a_case_expects_can_be_answered_and_its_opposite_is_refused(case: Any) -> None:
    answer = _answered(case)
    if case["expect"].get("keep", []).count("prompt"):
        answer["prompt"] = case["parent"]["prompt"]
    assert not why_wrong(case, answer)
    others = KINDS - set(kinds(case))
    assert all(why_wrong(case, answer | {"kind": other}) for other in others)
    if kinds(case)[0] not in QUIET:
        kept = case["expect"].get("keep", ())
        assert all(
            why_wrong(case, answer | {"changed": [name]}) for name in kept if _named(name, answer)
        )


def _named(name: str, answer: Any) -> bool:
    """Whether naming the field as changed can be held against the answer."""
    return name not in {"prompt", "negative"} and name not in answer["set"]


def test_words_are_met_whole_but_for_plurals_beginnings_and_signs() -> None:
    assert meets("hat", "two hats")
    assert not meets("hat", "that chat")
    assert meets("snow*", "a snowy day")
    assert meets("猫", "一只橘猫")
    assert meets("close-up", "a close up")
    assert meets("(mist:1.3)", "forest, (mist:1.3)")
