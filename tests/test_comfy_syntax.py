"""Prompts of `syntax="comfy"` are weighed and cut as ComfyUI does, and drawn by its formula."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.draft import DraftWords, complete, said
from generation.modules.byte_pairs import clip as a_tokenizer
from generation.recipe import COMFY, dump, needed, parse
from generation.worker.text import clip, t5
from generation.worker.text.comfy_syntax import cut
from generation.worker.text.comfy_syntax import parse as read
from tests.given import comfy_weights, loaded
from tests.given.builders import a_draft, a_model, changed


def weighed(text: str) -> list[tuple[str, float]]:
    return [(span.text or "", round(span.weight, 6)) for span in read(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a (cat)", [("a ", 1.0), ("cat", 1.1)]),
        ("((cat))", [("cat", 1.21)]),
        ("(a (cat:1.3) b:0.5)", [("a ", 0.5), ("cat", 1.3), (" b", 0.5)]),
        ("((a:1.3))", [("a", 1.3)]),
        ("((a):1.3)", [("a", 1.43)]),
        ("[cat] BREAK {dog} AND [a:b:0.5]", [("[cat] BREAK {dog} AND [a:b:0.5]", 1.0)]),
        ("\\(cat\\) (dog\\))", [("(cat) ", 1.0), ("dog)", 1.1)]),
        ("a (cat", [("a ", 1.0), ("(cat", 1.0)]),
        ("((a:1.3) b", [("((a:1.3) b", 1.0)]),
        ("(a (b)", [("a ", 1.1), ("(b", 1.1)]),
        (") (a)", [(") (a)", 1.0)]),
        ("(cat:) (:2)", [("cat:", 1.1), (" ", 1.0), (":2", 1.1)]),
        ("(12:30)", [("12", 30.0)]),
        ("(a:nan)(b:inf)(c:-1e9)", [("a:nan", 1.1), ("b:inf", 1.1), ("c", -100.0)]),
        ("()", [("", 1.0)]),
        ("", [("", 1.0)]),
    ],
)
def test_brackets_mean_what_they_mean_to_comfyui(
    text: str, expected: list[tuple[str, float]]
) -> None:
    assert weighed(text) == expected


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*"()()ab \\:", ":1.3", ":0.5)"]), max_size=40).map("".join))
def test_weights_are_those_of_a_reading_by_another_way(text: str) -> None:
    twin = [(piece, round(weight, 6)) for piece, weight in comfy_weights.weighed(text)]
    assert weighed(text) == (twin or [("", 1.0)])


def test_no_nesting_is_walked_without_end() -> None:
    deep = "(" * 9_000 + "a" + ")" * 9_000
    assert weighed(deep)[0][1] == 100.0


def test_a_small_group_goes_whole_into_the_next_chunk_and_a_large_one_is_cut() -> None:
    def sizes(*groups: int) -> list[int]:
        return [len(chunk) for chunk in cut(([0] * size for size in groups), 75)]

    assert sizes(72, 5) == [72, 5]
    assert sizes(72, 8) == [75, 5]
    assert sizes(200) == [75, 75, 50]
    assert sizes(75, 1) == [75, 1]
    assert sizes() == [0]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return a_tokenizer("<|endoftext|>")


def test_a_learned_word_stands_by_its_name_or_as_comfyui_names_it(tokenizer: Any) -> None:
    learned = {"ng": [torch.zeros(8)] * 3}
    for text in ("a (ng:1.2)", "a (embedding:ng:1.2)"):
        (chunk,) = clip._read(tokenizer, text, COMFY, learned)
        assert [v is not None for v in chunk.vectors] == [False, True, True, True]
        assert chunk.weights[1:] == [1.2] * 3


def encoded(prompt: str, negative: str = "dog") -> clip.EncodedWords:
    clips = loaded.clips(loaded.sd15())
    with torch.inference_mode():
        return clip.encode(clips, prompt, negative, syntax=COMFY, layer=None, final_norm=False)


def test_a_weight_counts_from_what_an_empty_prompt_says() -> None:
    (reader,) = loaded.clips(loaded.sd15())
    with torch.inference_mode():
        expected = comfy_weights.by_formula(reader, [("a ", 1.0), ("red", 1.4), (" cat", 1.0)])
    assert torch.equal(encoded("a (red:1.4) cat").context, expected)
    plain = encoded("a red cat").context
    assert not torch.equal(plain, expected)
    assert torch.equal(encoded("a (red:1.0) cat").context, plain)
    assert torch.equal(encoded("a red cat", "b (c:0)").context, plain)


def test_two_prompts_of_different_lengths_are_laid_out_until_they_are_as_long() -> None:
    long, short = "a " * 150, "dog"
    found = encoded(long, short)
    assert found.context.shape == found.negative.shape == (1, 154, found.context.shape[2])
    assert torch.equal(found.negative[:, :77], found.negative[:, 77:])
    assert torch.equal(found.negative[:, :77], encoded("x", short).negative)


def test_t5_is_weighed_by_the_same_formula() -> None:
    model = loaded.model("sd3")
    reader = t5.T5(
        tokenizer=model.parts.tokenizers["text_encoder_3"], encoder=model.parts["text_encoder_3"]
    )

    def read_by(text: str) -> torch.Tensor:
        return t5.encode(reader, [text], syntax=COMFY, least=24)[0]

    with torch.inference_mode():
        plain, empty, weighted = read_by("red cat"), read_by(""), read_by("(red cat:1.5)")
        words = len(reader.tokenizer("red cat", add_special_tokens=False).input_ids)
        moved = (plain - empty) * 1.5 + empty
    assert torch.equal(weighted[:, :words], moved[:, :words])
    assert torch.equal(weighted[:, words:], plain[:, words:])
    assert t5.plain("a [b] (c:1.2)", COMFY) == "a [b] c"


def test_a_draft_says_the_syntax_and_encoders_without_weights_take_none() -> None:
    draft = a_draft(prompt="a (cat:1.2)")
    draft = replace(draft, words=replace(draft.words, syntax=COMFY))
    recipe = complete(draft, a_model(family="sd15"), seed=1, device="cpu")
    assert needed(recipe.words).syntax == COMFY
    assert said(recipe).words.syntax == COMFY
    assert parse(dump(recipe)) == recipe
    plain = complete(draft, a_model(family="z-image"), seed=1, device="cpu")
    assert needed(plain.words).syntax == "plain"
    older = changed(recipe, syntax="a1111")
    assert said(older).words == DraftWords(prompt="a (cat:1.2)", negative_prompt="", clip_skip=1)
