"""Details fit this subject: its matter, its kind, what it does, and the colours that it has."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from prompting.reading import opaque
from prompting.reading.lexicon import built_in
from prompting.scenery.composing import Composed, compose
from prompting.scenery.grammar import grammar
from prompting.speaking.dialects import dialect

SEEDS = 15


def composed(text: str, name: str, seed: int) -> Composed:
    said = opaque.read(text)
    wish = replace(said, language=built_in().language(said.words))
    return compose(wish, built_in(), dialect(name), seed)


def told(text: str) -> str:
    """All that is added to a wish in tags and in prose, over some seeds."""
    names = ("sd15", "flux1")
    every = (composed(text, name, seed).details for name in names for seed in range(SEEDS))
    return " / ".join(detail for details in every for detail in details).lower()


def facts(text: str) -> list[frozenset[str]]:
    return [composed(text, "flux1", seed).facts for seed in range(SEEDS)]


@pytest.mark.parametrize(
    ("wish", "never", "once"),
    [
        ("origami crane on a desk", "feather|plumage|down at", "fold|crease"),
        ("a plush fox", "fur|whisker|pelt|muzzle", "stitch|yarn|wool"),
        ("a teapot shaped like an elephant", r"\bskin|hide|wrinkle", "glaze|rim"),
        ("marble statue of a woman", "skin|freckle|\\bhair\\b|\\bgaze|cloth", "chisel|stone"),
        ("a glass peacock", "feather|plumage", "facet|refract"),
        ("a bicycle", "windscreen|bodywork|bonnet|chrome", "spoke|pedal|frame"),
        ("a desert caravan", "bodywork|chrome|tyre|paintwork", "fur|hair|pelt"),
        ("a horse carriage", "windscreen|bodywork|chrome", "board|fitting|spoke"),
    ],
)
def test_a_thing_has_the_surface_of_what_it_is_made_of(wish: str, never: str, once: str) -> None:
    text = told(wish)
    assert not re.search(never, text), re.findall(f".{{30}}(?:{never}).{{20}}", text)
    assert re.search(once, text)


def test_a_sleeping_city_has_no_noon_and_an_attic_neither() -> None:
    for text in ("a sleeping city", "a ghost in the attic", "a cat sleeping by the window"):
        assert not any("day" in known for known in facts(text)), text


def test_many_and_whole_things_are_not_cropped() -> None:
    for text in ("seven swans flying south", "a girl flying a kite", "5 penguins in a queue"):
        assert not any("close" in known for known in facts(text)), text
        assert not re.search("close-up|macro|crop|tight", told(text)), text


def test_a_bad_temper_has_no_calm_mood() -> None:
    assert not re.search("calm|serene|peaceful|tranquil|cosy", told("a grumpy hedgehog reading"))


def test_what_is_bright_keeps_its_colours() -> None:
    for text in ("flamingos at a pool", "a neon sign", "a bowl of cherries", "a pink tulip"):
        assert not re.search("muted|faded|dusty|washed|steely", told(text)), text


def test_an_unknown_thing_is_put_before_no_empty_background() -> None:
    assert not any("in:somewhere" in known for known in facts("a flurblewotz"))
    assert not re.search("surroundings|backdrop stands|setting", told("a flurblewotz"))


@pytest.mark.parametrize("table", ["en", "tags"])
def test_no_line_says_what_no_model_draws(table: str) -> None:
    vague = re.compile(
        r"\b(?:facet of|sense of|feeling|honest|unforced|understat\w+|convey|evoke|undertone"
        r"|matter-of-fact|straightforward|comfortable distance|silvered|slate-like)\b"
    )
    lines = (line.text for rows in grammar(table).symbols.values() for line in rows)
    assert [line for line in lines if vague.search(line)] == []
