"""Tokenizers for files that bring none: the ids are those of the ones that were published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generation.families.text.language import qwen_tokenizer
from generation.worker.loading.single_file import tokenizer

TOKENS = Path(__file__).parent / "data" / "tokens"
TOKENIZERS = {"qwen": qwen_tokenizer()}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_ids_are_those_of_the_published_tokenizer(name: str) -> None:
    """A dozen scripts, emoji, code, blanks, controls: made once with the published files."""
    built = tokenizer(TOKENIZERS[name])
    lines = (TOKENS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 40
    for line in lines:
        case = json.loads(line)
        assert built(case["text"]).input_ids == case["ids"], case["text"]


def test_qwens_controls_have_their_numbers() -> None:
    built = tokenizer(qwen_tokenizer())
    assert len(built) == 151669
    assert built.pad_token_id == 151643
    assert built.eos_token_id == 151645
    assert built.convert_tokens_to_ids(["<|vision_start|>", "<|image_pad|>"]) == [151652, 151655]
    assert built.convert_tokens_to_ids("</think>") == 151668
    written = built.decode([151644, 872, 151667, 151668, 151645], skip_special_tokens=True)
    assert written == "user<think></think>"
