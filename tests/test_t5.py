"""Claims about T5: it reads what the stock pipelines let it read, and by its own tokenizer."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from generation.errors import OutOfRange
from generation.worker.text import t5
from tests.given import tinymodels

LEAST = 24


@cache
def reader() -> t5.T5:
    import transformers

    folder = tinymodels.of("sd3")
    return t5.T5(
        tokenizer=transformers.T5TokenizerFast.from_pretrained(folder / "tokenizer_3"),
        encoder=transformers.T5EncoderModel.from_pretrained(folder / "text_encoder_3").eval(),
    )


def read(*texts: str, syntax: str = "a1111-2") -> tuple[torch.Tensor, ...]:
    with torch.inference_mode():
        return t5.encode(reader(), texts, syntax=syntax, least=LEAST)


def test_a_short_prompt_has_the_bits_of_a_padded_call() -> None:
    ids = (
        reader()
        .tokenizer(["a red cat"], padding="max_length", max_length=LEAST, return_tensors="pt")
        .input_ids
    )
    with torch.inference_mode():
        stock = reader().encoder(ids)[0]
    assert torch.equal(read("a red cat")[0], stock)


@pytest.mark.parametrize("weighted", ["a (red:1.4) cat", "a [red] (cat)", "a ((red)) cat"])
def test_weights_are_taken_off(weighted: str) -> None:
    assert torch.equal(read(weighted)[0], read("a red cat")[0])


def test_a_break_is_a_blank() -> None:
    assert torch.equal(read("a red BREAK cat")[0], read("a red cat")[0])


def test_plain_syntax_reads_every_letter() -> None:
    assert t5.plain("a (red:1.4) cat", "plain") == "a (red:1.4) cat"
    assert not torch.equal(read("a (red) cat", syntax="plain")[0], read("a (red) cat")[0])


def test_a_long_prompt_is_read_to_its_end_and_the_other_is_filled_up_to_it() -> None:
    long = "a red cat " * LEAST
    one, other = read(long, "")
    assert one.shape == other.shape
    assert one.shape[1] > LEAST
    assert not torch.equal(one, read(long + "dog", "")[0][:, : one.shape[1]])


def test_a_prompt_beyond_all_measure_is_refused() -> None:
    with pytest.raises(OutOfRange, match="prompt"):
        read("! " * t5.MAX_TOKENS)


@pytest.mark.parametrize("text", ["a red cat", "Ünïcödé ﬁne ½", "猫 😀", "  two   blanks  ", ""])
def test_the_tokenizer_that_comes_along_reads_as_one_read_from_a_folder(
    text: str, tmp_path: Path
) -> None:
    from transformers import T5TokenizerFast

    made: Any = t5.tokenizer()
    made.save_pretrained(tmp_path)
    assert T5TokenizerFast.from_pretrained(tmp_path)(text).input_ids == made(text).input_ids


def test_the_tokenizer_that_comes_along_is_that_of_t5() -> None:
    """Numbers that T5's published vocabulary gives."""
    made: Any = t5.tokenizer()
    assert len(made) == 32100
    assert made("translate English to German").input_ids == [13959, 1566, 12, 2968, 1]
    ends = made.convert_tokens_to_ids(["<pad>", "</s>", "<unk>", "<extra_id_0>"])
    assert ends == [0, 1, 2, 32099]
