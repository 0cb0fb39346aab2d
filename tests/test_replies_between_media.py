"""Replies that cross from one medium to another, and those that only look as if they did.

`tests/data/replies/media.jsonl` has both kinds: what goes into motion, is heard, turns or goes on,
and what a picture can say as well ("let there be light", "make it running shoes").
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

from bot.cli.change import answer
from prompting.changing.phrasebook import CROSSING, languages
from tests.given.reply_judge import replies, why_wrong

CASES = replies("media.jsonl")


@lru_cache(maxsize=1)
def _answers() -> dict[str, Any]:
    hidden = {"expect", "why"}
    return {
        case["id"]: answer({name: case[name] for name in case if name not in hidden})
        for case in CASES
    }


@pytest.mark.parametrize("language", languages())
def test_all_are_right_in_every_language(language: str) -> None:
    asked = [case for case in CASES if case["lang"] == language]
    assert len(asked) >= 8
    wrong = {
        f"{case['id']} {case['reply']}": reason
        for case in asked
        if (reason := why_wrong(case, _answers()[case["id"]]))
    }
    assert not wrong


def test_every_language_that_has_rules_crosses() -> None:
    assert {path.stem for path in CROSSING.glob("*.toml")} == set(languages())


def test_the_same_words_mean_another_thing_of_another_medium() -> None:
    def meant(reply: str, medium: str) -> str:
        parent = {"prompt": "a red ball", "width": 64, "height": 64, "medium": medium}
        kind: str = answer({"parent": parent, "reply": reply, "abilities": []})["kind"]
        return kind

    assert meant("slower", "video") == "parameters"
    assert meant("slower", "audio") == "edit"
    assert meant("make the ball longer", "image") == "edit"
    assert meant("longer", "audio") in ("extend", "parameters")
