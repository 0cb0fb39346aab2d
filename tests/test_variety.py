"""What is added differs from wish to wish, quarrels with nothing and is no stock phrase."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from prompting.reading import opaque
from prompting.reading.lexicon import built_in
from prompting.reading.prose import length
from prompting.scenery.composing import compose
from prompting.speaking.dialects import dialect
from prompting.trials.measures import cases
from prompting.trials.variety import Addition, commonest, invented, own_quarrels, phrases, quarrels

WISHES = cases(Path(__file__).parent / "data" / "wishes_easy.jsonl")
NAMES = ("sd15", "sdxl", "illustrious", "flux1", "qwen-image")


@cache
def added(name: str, seed: int = 1) -> tuple[Addition, ...]:
    lexicon, row = built_in(), dialect(name)
    out = []
    for case in WISHES:
        said = opaque.read(case.wish)
        wish = replace(said, language=lexicon.language(said.words))
        told = compose(wish, lexicon, row, seed)
        prompt = f"{case.wish}. {told.scene}" if row.words else case.wish
        out.append(Addition(case=case, prompt=prompt, details=told.details, seconds=0.0))
    return tuple(out)


@pytest.mark.parametrize("name", NAMES)
def test_each_wish_gets_details_of_its_own(name: str) -> None:
    assert len({addition.details for addition in added(name)}) >= 70


@pytest.mark.parametrize("name", NAMES)
def test_no_addition_quarrels_with_another_or_with_the_wish(name: str) -> None:
    bad = {a.case.wish: own_quarrels(a) for a in added(name) if own_quarrels(a)}
    assert bad == {}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_brought_that_can_be_counted(name: str) -> None:
    assert {a.case.wish: invented(a) for a in added(name) if invented(a)} == {}


@pytest.mark.parametrize("name", ["flux1", "qwen-image"])
def test_a_prompt_in_prose_has_forty_to_eighty_words(name: str) -> None:
    odd = [a.prompt for a in added(name) if not 40 <= length(a.prompt) <= 80]
    assert len(odd) <= len(WISHES) // 20, odd


@pytest.mark.parametrize("name", ["sd15", "sdxl", "flux1", "qwen-image"])
def test_no_three_words_stand_in_many_prompts(name: str) -> None:
    """Over some seeds together, where chance has less of a say."""
    counted = [phrases(a.details) for seed in (1, 2, 3) for a in added(name, seed)]
    phrase, share = commonest(counted)
    assert share <= 0.05, phrase


def test_a_quarrel_is_seen() -> None:
    assert quarrels("a harbor in moonlight, bright daylight")
    assert quarrels("line art, shallow depth of field")
    assert not quarrels("a harbor in moonlight, still water")
