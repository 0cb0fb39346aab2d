"""The kept replies, through all of the program that reads them: `python -m bot change --stdin`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

from bot.cli.change import answer
from prompting.changing.phrasebook import languages
from tests.given.reply_judge import QUIET, kinds, replies, why_wrong

CASES = replies("shown.jsonl") + replies("cases.jsonl")
FRESH = replies("fresh.jsonl")  # written when the rules were there, by who had not seen them


@lru_cache(maxsize=1)
def _answers() -> dict[str, Any]:
    """What is answered to each; what is expected is not shown."""
    hidden = {"expect", "why"}
    return {
        case["id"]: answer({name: case[name] for name in case if name not in hidden})
        for case in CASES + FRESH
    }


@pytest.mark.parametrize("language", languages())
def test_nineteen_of_twenty_are_right(language: str) -> None:
    asked = [case for case in CASES if case["lang"] == language]
    wrong = {
        f"{case['id']} {case['reply']}": reason
        for case in asked
        if (reason := why_wrong(case, _answers()[case["id"]]))
    }
    assert len(wrong) <= max(1, 0.05 * len(asked)), wrong


def test_of_those_that_came_later_nine_of_ten_are_right() -> None:
    wrong = [case["id"] for case in FRESH if why_wrong(case, _answers()[case["id"]])]
    assert len(wrong) <= 0.1 * len(FRESH), wrong


def test_of_those_that_were_shown_nineteen_of_twenty_are_right() -> None:
    shown = replies("shown.jsonl")
    wrong = [case["reply"] for case in shown if why_wrong(case, _answers()[case["id"]])]
    assert len(wrong) <= 0.05 * len(shown), wrong


def test_no_field_changes_that_nobody_spoke_of() -> None:
    changed = [
        (case["reply"], name)
        for case in CASES + FRESH
        if (found := _answers()[case["id"]])["kind"] in set(kinds(case)) - QUIET
        for name in case["expect"].get("keep", ())
        if name not in {"prompt", "negative", "size"}
        and (
            name in found["changed"]
            or (name in found["set"] and found["set"][name] != case["parent"].get(name))
        )
    ]
    assert not changed


def test_talk_is_not_answered_with_a_picture() -> None:
    talk = [case for case in CASES + FRESH if kinds(case)[0] == "none"]
    drawn = [case["reply"] for case in talk if _answers()[case["id"]]["kind"] not in QUIET]
    assert len(drawn) <= 0.02 * len(talk), drawn


def test_no_edit_is_taken_for_another_medium() -> None:
    crossing = {"video", "sound", "form", "extend", "frame"}
    edits = [case for case in CASES + FRESH if not crossing & set(kinds(case))]
    crossed = [case["reply"] for case in edits if _answers()[case["id"]]["kind"] in crossing]
    assert len(edits) > 800
    assert not crossed
