"""Tokenizers for files that bring none: the ids are those of the ones that were published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from generation.errors import BrokenWeights, UnusableWeights
from generation.families.architecture import Tokenizer
from generation.families.text.language import (
    gemma_tokenizer,
    llama_tokenizer,
    mistral_tokenizer,
    qwen_tokenizer,
)
from generation.worker.loading.stored import StoredFile, stored_file
from generation.worker.loading.tokenizers import tokenizer_for
from tests.given.languagemodels import as_pieces

TOKENS = Path(__file__).parent / "data" / "tokens"
OURS: Mapping[str, Tokenizer] = {"qwen": qwen_tokenizer(), "tekken": mistral_tokenizer()}


def file_with(folder: Path, **tensors: torch.Tensor) -> StoredFile:
    path = folder / "encoder.safetensors"
    save_file({"model.norm.weight": torch.ones(4), **tensors}, path)
    return stored_file(path, "encoder")


@pytest.mark.parametrize("name", OURS)
def test_ids_are_those_of_the_published_tokenizer(name: str, tmp_path: Path) -> None:
    """A dozen scripts, emoji, code, blanks: written down once with the published files."""
    built = tokenizer_for(OURS[name], file_with(tmp_path))
    lines = (TOKENS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 40
    for line in lines:
        case = json.loads(line)
        assert built(case["text"]).input_ids == case["ids"], case["text"]


def test_qwens_controls_have_their_numbers(tmp_path: Path) -> None:
    built = tokenizer_for(qwen_tokenizer(), file_with(tmp_path))
    assert len(built) == 151669
    assert built.pad_token_id == 151643
    assert built.eos_token_id == 151645
    assert built.convert_tokens_to_ids(["<|vision_start|>", "<|image_pad|>"]) == [151652, 151655]
    assert built.convert_tokens_to_ids("</think>") == 151668
    written = built.decode([151644, 872, 151667, 151668, 151645], skip_special_tokens=True)
    assert written == "user<think></think>"


def test_mistrals_controls_have_their_numbers(tmp_path: Path) -> None:
    built = tokenizer_for(mistral_tokenizer(), file_with(tmp_path))
    assert len(built) == 131072
    assert (built.bos_token_id, built.eos_token_id, built.pad_token_id) == (1, 2, 11)
    said = built("[SYSTEM_PROMPT]x[/SYSTEM_PROMPT][INST]a fox[/INST]").input_ids
    assert said == [1, 17, 1120, 18, 3, 1097, 94137, 4]
    assert built.decode([1097, 94137]) == "a fox"


# Kinds of pieces: usual ones, those that control, those that their makers gave, bytes.
USUAL, CONTROL, GIVEN, BYTE = 1, 3, 4, 6
PIECES = [
    *(("<pad>", 0.0, CONTROL), ("<eos>", 0.0, CONTROL), ("<bos>", 0.0, CONTROL)),
    *(("<unk>", 0.0, 2), ("\n\n", 0.0, GIVEN)),
    *((f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)),
    *(("ab", -1.0, USUAL), ("▁a", -2.0, USUAL), ("bc", -3.0, USUAL), ("abc", -4.0, USUAL)),
    *((letter, -5.0 - n, USUAL) for n, letter in enumerate("abc▁é")),
]
NUMBERS = {text: number for number, (text, _, _) in enumerate(PIECES)}


def with_pieces(folder: Path, said: bytes) -> StoredFile:
    return file_with(folder, spiece_model=torch.frombuffer(bytearray(said), dtype=torch.uint8))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", ["<bos>"]),
        ("abc", ["<bos>", "abc"]),  # ab is made before bc
        ("bc a", ["<bos>", "bc", "▁a"]),
        ("b c", ["<bos>", "b", "▁", "c"]),
        ("a\n\nb", ["<bos>", "a", "\n\n", "b"]),
        ("é雪", ["<bos>", "é", "<0xE9>", "<0x9B>", "<0xAA>"]),
    ],
)
def test_gemmas_pieces_are_read_from_its_file(tmp_path: Path, text: str, tokens: list[str]) -> None:
    built = tokenizer_for(gemma_tokenizer(), with_pieces(tmp_path, as_pieces(PIECES)))
    assert built(text).input_ids == [NUMBERS[token] for token in tokens]
    assert (built.pad_token_id, built.bos_token_id) == (0, 2)


@pytest.mark.parametrize(
    "said", [b"", b"\x0a\xff", as_pieces(PIECES)[:-9] + b"\x0b", as_pieces(PIECES[5:])]
)
def test_pieces_that_are_none_are_refused(tmp_path: Path, said: bytes) -> None:
    with pytest.raises(BrokenWeights, match="spiece_model"):
        tokenizer_for(gemma_tokenizer(), with_pieces(tmp_path, said or b"\x00"))


def published(path: Path, token: str, number: int) -> Path:
    """A tokenizer.json of one word and one control."""
    added = {"id": number, "content": token, "special": True, "normalized": False}
    flags = {"single_word": False, "lstrip": False, "rstrip": False}
    model = {"type": "WordLevel", "vocab": {"fox": 0, token: number}, "unk_token": "fox"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"version": "1.0", "added_tokens": [{**added, **flags}], "model": model})
    )
    return path


BEGIN = "<|begin_of_text|>"


@pytest.mark.parametrize("name", ["encoder.tokenizer.json", "tokenizer.json"])
def test_llamas_tokenizer_is_read_beside_its_file(tmp_path: Path, name: str) -> None:
    file = file_with(tmp_path)
    published(tmp_path / name, BEGIN, 128000)
    built = tokenizer_for(llama_tokenizer(), file)
    assert built("fox").input_ids == [0]
    assert built.bos_token_id == 128000


def test_llamas_tokenizer_is_taken_from_the_comfyui_that_has_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "ComfyUI" / "models" / "text_encoders"
    folder.mkdir(parents=True)
    home = tmp_path / "ComfyUI" / "comfy" / "text_encoders" / "llama_tokenizer"
    published(home / "tokenizer.json", BEGIN, 128000)
    assert tokenizer_for(llama_tokenizer(), file_with(folder))("fox").input_ids == [0]


@pytest.mark.parametrize("wanted", [llama_tokenizer(), gemma_tokenizer()])
def test_whoever_lacks_a_tokenizer_is_told_what_to_put_where(
    tmp_path: Path, wanted: Tokenizer
) -> None:
    with pytest.raises(UnusableWeights, match=r"tokenizer.json of .*/.* encoder.tokenizer.json"):
        tokenizer_for(wanted, file_with(tmp_path))


def test_the_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    published(tmp_path / "tokenizer.json", BEGIN, 1)
    with pytest.raises(UnusableWeights, match="another model"):
        tokenizer_for(llama_tokenizer(), file_with(tmp_path))


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"added_tokens": 3}'])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(BrokenWeights, match="is no tokenizer"):
        tokenizer_for(llama_tokenizer(), file_with(tmp_path))
