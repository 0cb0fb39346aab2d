"""New pictures read a prompt as A1111 does, by a second reading; old recipes read it as before."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from generation.draft import complete
from generation.errors import OutOfRange
from generation.families.family import FAMILIES
from generation.modules.byte_pairs import clip as a_tokenizer
from generation.recipe import SYNTAXES, needed
from generation.worker.text import clip
from generation.worker.text.emphasis import Span, parse, parse_first
from tests.given import a1111_twin
from tests.given.builders import a_draft, a_model, needed_by

PIECES = [
    *(
        "a",
        "b ",
        "cat",
        "(",
        ")",
        "[",
        "]",
        ":1.2)",
        ":0.5)",
        ": .5 )",
        ":-1)",
        ":1.2.3)",
        ",",
        ":",
    ),
    *("\\(", "\\)", "\\[", "\\\\", "\\", " BREAK ", "BREAK", "_", "猫"),
]
prompts = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
WORDS = [
    "red",
    "flower",
    ",",
    ", ",
    "a very detailed background",
    "sunset",
    "ng",
    " BREAK ",
    "x" * 9,
]
long_prompts = st.lists(st.sampled_from(WORDS), max_size=150).map(" ".join)


def signs(spans: list[Span]) -> list[tuple[str, float]]:
    found = [
        (sign, round(span.weight, 6))
        for span in spans
        for sign in (a1111_twin.BREAK if span.text is None else span.text)
    ]
    return [pair for pair in found if pair[0] != " "]  # around a BREAK they go


@settings(max_examples=500)
@given(prompts)
@example("([a)b]")
@example("(a \\[b:1.3) BREAK [c")
@example("a\\:1.2) (b\\:1.2)")
def test_weights_are_those_of_a_second_reading(text: str) -> None:
    twin = [(s, round(w, 6)) for s, w in a1111_twin.weights(text) if s != " "]
    assert signs(parse(text)) == twin


def test_crossing_brackets_close_apart() -> None:
    assert signs(parse("([a)b]")) == [("a", 1.0), ("b", round(1 / 1.1, 6))]
    assert signs(parse_first("([a)b]")) == [("a", 1.0), ("b", 1.0), ("]", 1.0)]


def test_no_nesting_leaves_all_numbers_behind() -> None:
    deep = "(" * 2000 + "a" + ":90)" * 2000
    assert parse(deep)[0].weight == 100.0
    assert parse("(" * 3000)[-1].text == ""


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return a_tokenizer("<|endoftext|>")


@settings(max_examples=60, deadline=None)
@given(text=long_prompts, vectors=st.integers(1, 75))
def test_chunks_are_those_of_a_second_reading(tokenizer: Any, text: str, vectors: int) -> None:
    learned = {"ng": [torch.zeros(8)] * vectors}
    comma = tokenizer.convert_tokens_to_ids(",</w>")
    words: list[tuple[int, int] | None] = []
    for number, part in enumerate(text.split(" BREAK ")):
        words += [None] if number else []
        for other, piece in enumerate(part.split("ng")):
            words += [(clip.PLACEHOLDER, vectors)] if other else []
            words += [(t, 1) for t in tokenizer(piece, add_special_tokens=False).input_ids]
    found = clip._chunks(tokenizer, parse(text), learned)
    assert [chunk.ids for chunk in found] == a1111_twin.chunks(words, comma)


def test_a_learned_word_is_whole_in_one_chunk(tokenizer: Any) -> None:
    for before, vectors, expected in (
        ("red dog, ", 75, [0, 75]),
        ("a " * 72, 8, [0, 8]),
        ("", 75, [75]),
        ("a ", 100, [0, 75, 25]),
    ):
        learned = {"ng": [torch.zeros(8)] * vectors}
        found = clip._chunks(tokenizer, parse(f"{before}ng"), learned)
        assert [sum(v is not None for v in chunk.vectors) for chunk in found] == expected


def test_a_comma_as_76th_token_begins_a_chunk_and_takes_nothing_with_it(tokenizer: Any) -> None:
    text = "word " * 20 + ", " + "word " * 54 + ", end"
    assert [len(c.ids) for c in clip._chunks(tokenizer, parse(text), {})] == [75, 2]
    first = clip._read(tokenizer, text, "a1111", {})
    assert [len(c.ids) for c in first] == [75, 2]
    near = "word " * 60 + ", " + "word " * 14 + ", end"
    assert [len(c.ids) for c in clip._read(tokenizer, near, "a1111-2", {})] == [75, 2]
    assert [len(c.ids) for c in clip._read(tokenizer, near, "a1111", {})] == [61, 16]


def test_new_pictures_say_the_new_syntax_and_every_one_is_known(tokenizer: Any) -> None:
    for usual in FAMILIES.values():
        draft = a_draft(prompt="a", inputs=needed_by(usual))
        recipe = complete(draft, a_model(family=usual.name), seed=1, device="cpu")
        assert needed(recipe.words).syntax in ("a1111-2", "plain")
    for syntax in SYNTAXES:
        assert clip._read(tokenizer, "a (b:1.2)", syntax, {})
    with pytest.raises(OutOfRange, match="syntax"):
        clip._read(tokenizer, "a", "another", {})
