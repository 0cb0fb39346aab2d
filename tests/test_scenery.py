"""The grammar of scenes: what is added to a wish agrees with it, and no two additions quarrel."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from prompting.reading import opaque
from prompting.reading.keep import contradictions
from prompting.reading.lexicon import OBJECTS, built_in
from prompting.scenery.composing import Composed, compose
from prompting.scenery.grammar import grammar
from prompting.slots import WishText
from prompting.speaking.dialects import dialect

TABLES = ("en", "zh", "tags", "booru")


def wish(text: str) -> WishText:
    said = opaque.read(text)
    return replace(said, language=built_in().language(said.words))


def composed(text: str, name: str = "sd15", seed: int = 1) -> Composed:
    return compose(wish(text), built_in(), dialect(name), seed)


def said(text: str, name: str = "sd15", seeds: int = 20) -> str:
    """All that is added to a wish over some seeds."""
    return " / ".join(d for seed in range(seeds) for d in composed(text, name, seed).details)


def test_no_detail_names_an_object_a_colour_or_a_number_that_the_wish_does_not() -> None:
    lexicon = built_in()
    for text in ("a lighthouse", "a knight", "sushi", "a cat, line art", "an old harbor"):
        for name in ("sd15", "illustrious", "flux1", "wan"):
            for seed in range(6):
                added = ". ".join(composed(text, name, seed).details)
                assert not contradictions(wish(text), added, lexicon=lexicon), added


@pytest.mark.parametrize("table", TABLES)
def test_hardly_a_line_is_silent_because_it_names_an_object(table: str) -> None:
    """Such a line is told only where the wish has that object, so it is of little use."""
    lexicon = built_in()
    lines = [line.text for found in grammar(table).symbols.values() for line in found]
    silent = []
    for line in lines:
        words = lexicon.read(re.sub(r"\{\w+\}", ",", line), "zh" if table == "zh" else "en")
        kinds = {word.entry.kind for word in words if word.entry}
        silent += [line] if kinds & (OBJECTS | {"colour", "number"}) else []
    assert len(silent) <= len(lines) // 25, silent


@pytest.mark.parametrize("table", TABLES)
def test_every_symbol_that_a_line_uses_has_lines(table: str) -> None:
    symbols = grammar(table).symbols
    for lines in symbols.values():
        for line in lines:
            for used in re.findall(r"\{(\w+)\}", line.text):
                assert used == "it" or used[0].lower() + used[1:] in symbols, line.text


def test_things_stand_where_they_belong() -> None:
    for seed in range(8):
        assert composed("a lighthouse", seed=seed).facts & {"in:coast"}
        assert composed("sushi", seed=seed).facts & {"in:table"}
        assert composed("a sports car", seed=seed).facts & {"in:road"}
        assert composed("an astronaut", seed=seed).facts & {"in:space", "in:planet"}


def test_a_place_that_the_wish_names_is_the_only_one() -> None:
    for seed in range(8):
        assert "in:library" in composed("a fox in a library", seed=seed).facts
        places = {f for f in composed("a cat in a dustbin", seed=seed).facts if f[:3] == "in:"}
        assert places == set()


def test_what_is_denied_is_brought_by_no_detail() -> None:
    assert "shadow" not in said("a vase, no shadows", "flux1", 40)
    assert "blur" not in said("a fox, no blur", "sd15", 40)


def test_line_art_and_pixels_know_neither_light_nor_lens() -> None:
    lit = re.compile(r"\b(lens|bokeh|telephoto|sunlight|lamplight|focus|moonlight|daylight)\b")
    for style in ("line art", "pixel art", "flat", "ink wash"):
        for name in ("sd15", "flux1"):
            assert not lit.search(said(f"a fox, {style}", name)), (style, name)


def test_a_night_has_no_daylight_and_a_room_no_weather() -> None:
    assert not re.search(r"daylight|noon|sunlit|sunrise|afternoon", said("a harbor at night"))
    assert not re.search(r"daylight|noon|sunlit|sunrise|afternoon", said("a fox at night", "flux1"))
    for seed in range(20):
        facts = composed("a cat in the kitchen", seed=seed).facts
        assert not facts & {"overcast", "mist", "rain", "cloudy", "clear"}


def test_prose_is_two_to_four_sentences_of_forty_to_eighty_words() -> None:
    for text in ("a lighthouse", "a knight", "sushi", "portrait of an old woman, oil painting"):
        for seed in range(10):
            details = composed(text, "flux1", seed).details
            words = len(f"{text} {' '.join(details)}".split())
            assert 2 <= len(details) <= 5
            assert 40 <= words <= 80, (text, details)


def test_the_same_seed_says_the_same_in_another_process() -> None:
    code = (
        "from tests.test_scenery import composed; "
        "print(composed('a lighthouse', 'flux1', 5).details)"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    }
    assert told == {str(composed("a lighthouse", "flux1", 5).details)}


def test_a_model_that_edits_is_told_what_stays_but_not_what_changes() -> None:
    assert "same lighting" in said("add a hat", "kontext", 40)
    assert "same lighting" not in said("make it night", "kontext", 40)


def test_a_sound_gets_no_additions_and_the_built_in_image_model_a_place_alone() -> None:
    assert composed("rain on a roof", "audio").details == ()
    assert composed("a red cat at sunset", "starter").details == ()
    assert len(composed("a red cat", "starter").details) == 1
