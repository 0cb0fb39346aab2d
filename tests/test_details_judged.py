"""Details of an open writer: those against the wish or against each other are found and dropped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from prompting.assist import Assistant
from prompting.reading import opaque
from prompting.reading.lexicon import built_in
from prompting.scenery.composing import compose
from prompting.scenery.gist import gist_of
from prompting.scenery.judging import known, violations
from prompting.speaking.dialects import dialect
from prompting.trials.measures import cases
from prompting.writers.cache import Memory
from tests.given.scripted_writer import ScriptedWriter

WISHES = cases(Path(__file__).parent / "data" / "wishes_easy.jsonl")


def judged(wish: str, *details: str, style: str = "") -> list[str]:
    said = opaque.read(wish)
    said = replace(said, language=built_in().language(said.words))
    gist = gist_of(said, built_in(), style=style)
    return [it.detail for it in violations(details, known(gist))]


@pytest.mark.parametrize(
    ("wish", "good", "bad"),
    [
        ("a fox, line art", "bold contours", "volumetric light"),
        ("a fox, line art", "clean lines", "85mm lens"),
        ("a harbor at night", "starlight on the water", "bright sun overhead"),
        ("a cat in the kitchen", "tiled wall", "light rain"),
        ("macro photo of a bee", "sharp bristles", "wide shot"),
        ("a sad clown", "muted palette", "playful mood"),
        ("a castle, oil painting", "thick impasto", "shallow depth of field"),
        ("a knight, pixel art", "limited palette", "visible brushstrokes"),
        ("a street, black and white photo", "deep shadows", "vibrant tones"),
        ("a whale underwater", "rays of light from above", "thick fog"),
        ("猫，水墨画", "留白", "浅景深"),
        ("冬天的湖", "薄冰", "夏日的热浪"),
    ],
)
def test_a_detail_against_the_wish_is_named_and_a_fitting_one_is_not(
    wish: str, good: str, bad: str
) -> None:
    assert judged(wish, good, bad) == [bad]


def test_of_two_details_that_quarrel_the_later_one_is_named() -> None:
    assert judged("a house", "golden hour", "moonlit garden") == ["moonlit garden"]
    assert judged("a house", "close-up", "wide shot") == ["wide shot"]
    assert judged("a house", "low angle", "seen from above") == ["seen from above"]
    assert judged("a house", "calm atmosphere", "joyful mood") == []


def test_a_style_that_was_chosen_counts_as_the_wishs() -> None:
    assert judged("a fox", "bokeh", style="Watercolor, watercolor painting") == ["bokeh"]
    assert judged("a fox", "bokeh") == []


def test_what_the_wish_says_itself_is_no_violation() -> None:
    assert judged("snow in summer", "summer heat") == judged("snow in summer", "wintry air") == []


def test_the_grammar_of_scenes_passes_the_same_judge() -> None:
    lexicon = built_in()
    bad = []
    for case in WISHES:
        said = opaque.read(case.wish)
        wish = replace(said, language=lexicon.language(said.words))
        facts = known(gist_of(wish, lexicon))
        for name in ("sd15", "flux1", "qwen-image"):
            details = compose(wish, lexicon, dialect(name), 2).details
            bad += [(case.wish, it) for it in violations(details, facts)]
    assert bad == []


async def test_an_open_writers_details_are_judged_before_they_are_told() -> None:
    answer = {"subject": "a fox", "details": ["bold contours", "bokeh"], "style": [], "avoid": []}
    writer = ScriptedWriter([json.dumps(answer)])

    told = await Assistant(writer, cache=Memory(0)).assist(
        "a fox, line art", dialect="sd15", seed=1
    )

    assert "bold contours" in told.prompt
    assert "bokeh" not in told.prompt
