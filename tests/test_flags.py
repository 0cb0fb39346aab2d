"""Parameters in the words are read out of them, and nothing else is."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generation.interchange.flags import Flagged, flagged, folded
from generation.interchange.multiprompts import weighed
from generation.parameters import FOREIGN, IMAGE, PARAMETERS, PROMPT, Parameter
from tests.given.flagged import PIECES

NAMES = {
    "style": {"ink", "pixel art"},
    "size": {"portrait", "wide"},
    "lora": {"ink:0.8", "sketch:0.5"},
    "sampler": {"euler", "dpm++ 2m karras"},
    "model": {"photo real v2"},
}


def is_name(kind: str, text: str) -> bool:
    return text.casefold() in NAMES.get(kind, ())


def read(text: str) -> Flagged:
    return flagged(text, is_name)


def said(text: str) -> list[tuple[str, str]]:
    """Each parameter by its name, another program's by its first spelling."""
    return [
        (flag.row.name if isinstance(flag.row, Parameter) else flag.row.spellings[0], flag.value)
        for flag in read(text).flags
    ]


@pytest.mark.parametrize(
    ("typed", "words", "parameters"),
    [
        ("a cat --ar 3:2 --seed 5", "a cat", [("size", "3:2"), ("seed", "5")]),
        ("--ar 3:2 a cat", "a cat", [("size", "3:2")]),
        ("a cat --ar=3:2", "a cat", [("size", "3:2")]),
        ("a cat --ar: 3:2, at night", "a cat, at night", [("size", "3:2")]),
        ("a cat --AR 3：2", "a cat", [("size", "3：2")]),
        ("a cat —ar 3:2", "a cat", [("size", "3:2")]),
        ("a cat –seed 5", "a cat", [("seed", "5")]),
        ("a cat ——seed 5", "a cat", [("seed", "5")]),
        ("a cat －－ar 3:2", "a cat", [("size", "3:2")]),
        ("a cat --ar16:9 --v6.1", "a cat", [("size", "16:9"), ("version", "6.1")]),
        (
            "a cat --no hat, scarf --steps 20",
            "a cat",
            [("negative", "hat, scarf"), ("steps", "20")],
        ),
        ("a cat --no hat\nat night", "a cat\nat night", [("negative", "hat")]),
        ("a cat --style ink, at night", "a cat, at night", [("style", "ink")]),
        ("a cat --style pixel art --count 4", "a cat", [("style", "pixel art"), ("count", "4")]),
        ("a cat --sampler DPM++ 2M Karras", "a cat", [("sampler", "DPM++ 2M Karras")]),
        ('a cat --model "my own, 2" --n 2', "a cat", [("model", "my own, 2"), ("count", "2")]),
        ("a cat --model “my own” b", "a cat b", [("model", "my own")]),
        ("a cat --lora ink:0.8, sketch:0.5", "a cat", [("lora", "ink:0.8, sketch:0.5")]),
        ("a cat --cfg 5,5 --size 512 x 768", "a cat", [("cfg", "5,5"), ("size", "512 x 768")]),
        ("a cat --size portrait", "a cat", [("size", "portrait")]),
        ("a song --key C major --bpm 90", "a song", [("key", "C major"), ("bpm", "90")]),
        ("a song --key f# minor, slow", "a song, slow", [("key", "f# minor")]),
        ("a song --key B flat at night", "a song at night", [("key", "B flat")]),
        ("a song --key Am", "a song", [("key", "Am")]),
        ("a song --key C大调", "a song", [("key", "C大调")]),
        ("a song --key card", "a song", [("key", "card")]),
        (
            "a song --lyrics la, la la\nat night --meter 3",
            "a song",
            [("lyrics", "la, la la\nat night"), ("meter", "3")],
        ),
        ("a cat -r 4", "a cat", [("count", "4")]),
        ("一只猫--ar 3:2 --负面 手指", "一只猫", [("size", "3:2"), ("negative", "手指")]),
        ("一只猫，--比例3:2", "一只猫", [("size", "3:2")]),
        ("a cat --s 250 --c 10", "a cat", [("stylize", "250"), ("chaos", "10")]),
        ("a cat --tile --niji 6", "a cat", [("tile", ""), ("version", "6")]),
        ("a cat --style raw", "a cat", [("style", "raw")]),
        ("a cat --q .5 --fast", "a cat", [("quality", ".5"), ("tile", "")]),
        ("a cat --steps lots", "a cat", [("steps", "lots")]),
        ("a cat --seed", "a cat", [("seed", "")]),
        ("a cat\nSteps: 20, Seed: 5", "a cat", [("steps", "20"), ("seed", "5")]),
        ("a cat\nSeed: 5", "a cat", [("seed", "5")]),
        ("a cat, Steps: 20, Sampler: Euler", "a cat", [("steps", "20"), ("sampler", "Euler")]),
    ],
)
def test_a_parameter_leaves_the_words(
    typed: str, words: str, parameters: list[tuple[str, str]]
) -> None:
    assert (read(typed).text, said(typed)) == (words, parameters)


@pytest.mark.parametrize(
    "typed",
    [
        "a red--blue cat",
        "state-of-the-art",
        "-- a note",
        "a cat -- a dog",
        "a cat — no hat",
        "a cat—seed 5 pods",
        "1990–no date",
        "a city —fast and loud",
        "a lane —steps to the sea",
        "一只猫——黑色的",
        'a sign "turn --no left" on a wall',
        "a sign “--no entry”",
        "<lora:a --ar 3:2:0.8> x",
        "{a --ar 3:2, b --ar 1:1}",
        "a cat --ar {3:2, 1:1}",
        "a poster, Size: large",
        "a label that says Seed: 5",
        "C++ --",
        "---",
        "-",
        "x -s 5",
    ],
)
def test_words_that_merely_hold_dashes_stay(typed: str) -> None:
    assert read(typed) == Flagged(text=typed)


@pytest.mark.parametrize(
    ("typed", "left", "nearest", "taken"),
    [
        ("a cat --sed 5", "a cat", "seed", True),
        ("a cat --step5 20 --setps 30", "a cat --step5 20", "steps", True),
        ("a cat --stile ink", "a cat --stile ink", "style", False),
        ("a cat --side light", "a cat --side light", "size", False),
        ("a cat --dramatic light", "a cat --dramatic light", None, False),
    ],
)
def test_a_slip_is_told_with_what_may_be_meant_and_takes_no_words(
    typed: str, left: str, nearest: str | None, taken: bool
) -> None:
    found = read(typed)
    if "step5" in typed:  # five steps, and a number that belongs to nobody
        assert found.text == "a cat 20"
        assert found.unknown[0].nearest is PARAMETERS["steps"]
        return
    [slip] = found.unknown
    assert found.text == left
    assert (slip.nearest.name if slip.nearest else None, slip.taken) == (nearest, taken)


@given(PIECES)
@example("--ar 3:2" * 300)
def test_any_text_is_read_and_what_is_taken_was_typed(text: str) -> None:
    found = read(text)
    for flag in found.flags:
        assert flag.value in text
    assert len(found.text) <= len(text) + len(found.flags) + len(found.unknown)
    weighed(text)


@given(st.text(alphabet=st.characters(blacklist_characters="-‐‑‒–—―−─－﹘﹣:"), max_size=200))
def test_words_without_dashes_and_colons_come_back_unchanged(text: str) -> None:
    assert read(text) == Flagged(text=text)
    assert weighed(text) is None


@given(PIECES)
def test_what_was_read_once_is_read_no_further(text: str) -> None:
    found = read(text)
    if not found.flags and not any(slip.taken for slip in found.unknown):
        assert found.text == text


def test_reading_takes_time_in_proportion_to_the_length() -> None:
    hostile = (
        *("--no " * 1200, "--style a " * 600, '"' * 6000, "“" * 6000, "—ar " * 1500),
        *("<a:" * 2000, "--x" * 2000, " --ar" * 1200, "Steps: 1, " * 600, "a::1 " * 1200),
    )
    began = time.monotonic()
    for text in hostile:
        read(text)
        weighed(text)
    assert time.monotonic() - began < 5.0


def test_a_spelling_means_one_thing() -> None:
    rows = [row for row in PARAMETERS.values() if row not in (PROMPT, IMAGE)]
    ours = [folded(s) for row in rows for s in {row.name, *row.spellings} if s[0] != "-"]
    assert len(set(ours)) == len(ours)
    theirs = [folded(s) for row in FOREIGN for s in row.spellings]
    assert len(set(theirs)) == len(theirs)
    both = {folded(s) for row in FOREIGN if not row.values for s in row.spellings} & set(ours)
    assert both == set(), "another program's spelling counts where only its values are theirs"
    assert {row.nearest for row in FOREIGN} - {""} <= set(PARAMETERS)


@pytest.mark.parametrize(
    ("typed", "text", "negative"),
    [
        ("space::2 ship", "(space:1.33), (ship:0.667)", ""),
        ("space::2 ship::1 fog::-0.5", "(space:1.33), (ship:0.667)", "fog"),
        ("hot:: dog", "hot, dog", ""),
        ("a cat::2", "a cat", ""),
    ],
)
def test_parts_of_a_multi_prompt_weigh_relative_to_one_another(
    typed: str, text: str, negative: str
) -> None:
    found = weighed(typed)
    assert found is not None
    assert (found.text, found.negative) == (text, negative)


@pytest.mark.parametrize("typed", ["a cat", "[cat::0.5] x", "std::vector", "{2::red|1::blue} x"])
def test_two_colons_in_brackets_and_in_words_are_none(typed: str) -> None:
    assert weighed(typed) is None
