"""What a wish denies goes, and its place, its time and its doer stay."""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from prompting.reading.denials import denials, without
from prompting.reading.keep import eaten, missing
from prompting.reading.lexicon import built_in, fold
from prompting.reading.opaque import read
from prompting.speaking.negatives import FILE as POSITIVE
from prompting.trials.denials import (
    DIALECTS_TRIED,
    DeniedCase,
    denied_cases,
    read_wrongly,
    spoken,
)
from prompting.writers.ladder import WriterConfig, open_writer

DATA = Path(__file__).parent / "data"
CASES = denied_cases(DATA / "denials.jsonl")
AFTER = denied_cases(DATA / "denials_after.jsonl")  # written when the rules stood
LEXICON = built_in()
SHARE = 0.98


def test_of_200_wishes_in_seven_languages_what_goes_and_what_stays_are_both_right() -> None:
    assert len(CASES) >= 200
    assert len({case.lang for case in CASES}) == 7
    assert sum(not case.goes for case in CASES) >= 25
    wrong = {case.wish: fault for case in CASES if (fault := read_wrongly(case))}
    assert len(wrong) <= (1 - SHARE) * len(CASES), wrong


def test_wishes_that_came_after_the_rules_are_read_as_well() -> None:
    wrong = {case.wish: fault for case in AFTER if (fault := read_wrongly(case))}
    assert len(wrong) <= (1 - SHARE) * len(AFTER), wrong


def test_a_prompt_asks_for_nothing_that_was_denied_and_loses_nothing_else() -> None:
    assert not _wrong_prompts(CASES[::16])


@pytest.mark.slow
def test_so_does_every_prompt_of_all_these_wishes() -> None:
    some = (*CASES, *AFTER)
    wrong = _wrong_prompts(some)
    assert len(wrong) <= (1 - SHARE) * len(some) * len(DIALECTS_TRIED), wrong


def _wrong_prompts(some: Sequence[DeniedCase]) -> list[tuple[str, str, tuple[str, ...]]]:
    """The dialect, the wish and the faults of every prompt that has some."""

    async def told() -> Mapping[str, list[tuple[str, ...]]]:
        opened = await open_writer(WriterConfig())
        try:
            return await spoken(opened.writer, some)
        finally:
            if opened.writer is not None:
                await opened.writer.close()

    return [
        (name, case.wish, fault)
        for name, found in asyncio.run(told()).items()
        for case, fault in zip(some, found, strict=True)
        if fault
    ]


@pytest.mark.parametrize(
    ("wish", "whats", "rest"),
    [
        ("a girl without shoes on the beach", ["shoes"], "a girl on the beach"),
        ("no people in a city at night", ["people"], "a city at night"),
        ("a man with no beard and no glasses", ["beard", "glasses"], "a man"),
        ("a woman who does not wear a hat", ["hat"], "a woman"),
        ("a wolf, not a dog", ["dog"], "a wolf"),
        ("the dancer has no shoes and wears a skirt", ["shoes"], "the dancer wears a skirt"),
        ("a hall in which there are no chairs", ["chairs"], "a hall"),
        ("two men, one with a beard and one without a beard", [], None),
        ("a man with a hat beside a man without a hat", [], None),
        ("a crowd-free temple", ["crowd"], "a temple"),
        ("a ghost town with no ghosts", ["ghosts"], "a ghost town"),
        ("a chef who can't cook", ["cook"], "a chef"),
    ],
)
def test_the_words_that_carry_a_denial_go_with_it(
    wish: str, whats: list[str], rest: str | None
) -> None:
    found = denials(wish, LEXICON, "en")
    assert [denial.what for denial in found] == whats
    assert without(wish, found) == (rest or wish)


def test_the_keep_check_sees_a_scene_that_a_denial_has_eaten() -> None:
    assert eaten("shoes on the beach", LEXICON, "en") == ("beach",)
    assert eaten("collar en un tejado", LEXICON, "es") == ("tejado",)
    assert eaten("Schwanz vor einem Kühlschrank", LEXICON, "de") == ("Kühlschrank",)
    assert eaten("鞋子在沙滩", LEXICON, "zh") == ("沙滩",)
    assert eaten("looking at the camera", LEXICON, "en") == ()
    assert eaten("signs of life", LEXICON, "en") == ()


def test_a_lost_place_is_missed_although_the_denial_was_handled() -> None:
    wish = read("a girl without shoes on the beach")
    lost = missing(wish, "a girl", lexicon=LEXICON, negative="shoes on the beach", language="en")
    assert [loss.text for loss in lost] == ["beach"]


def test_no_positive_statement_names_what_it_stands_for() -> None:
    for table in tomllib.loads(POSITIVE.read_text("utf-8")).values():
        for keys, shown in table.items():
            for key in keys.split("/"):
                named = re.search(rf"\b{re.escape(key)}s?\b", fold(shown["en"]))
                assert not named, (key, shown["en"])
