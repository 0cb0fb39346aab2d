"""The tokenizers of single files: those that come with this program, and those that files bring.

    CLIP, T5, Qwen, Mistral    in configs/: their licences let them be handed on
    ByT5                       it is bytes
    Gemma, T5Gemma, UMT5       in the file itself (ComfyUI's have a `spiece_model`), or beside it
    Llama                      beside the file, or in the ComfyUI whose models folder it lies in

Beside a file means `<its name without .safetensors>.tokenizer.json`, or `tokenizer.json` in its
folder.  The invariant: a tokenizer is that of the encoder that it is for, or it is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from generation.catalog.header import read_tensor
from generation.errors import BrokenWeights, UnusableWeights
from generation.families.architecture import Tokenizer
from generation.modules import byte_pairs
from generation.worker.loading.stored import StoredFile
from generation.worker.text import pieces, t5

_COMFYUIS = {"llama3": "comfy/text_encoders/llama_tokenizer"}  # from its folder
# Of a text encoder's file, and of a whole checkpoint.
_PIECES = ("spiece_model", "text_encoders.spiece_model")
# A token of each, with its number, and where a tokenizer.json of it is published.
_KNOWN = {
    "gemma2": ("<start_of_turn>", 106, "google/gemma-2-2b-it"),
    "gemma3": ("<start_of_turn>", 105, "google/gemma-3-12b-it"),
    "t5gemma": ("<start_of_turn>", 106, "google/t5gemma-b-b-ul2"),
    "llama3": ("<|begin_of_text|>", 128000, "meta-llama/Llama-3.1-8B-Instruct"),
    "umt5": ("</s>", 1, "google/umt5-xxl"),
}
_OF_PIECES = {
    "gemma2": pieces.gemma,
    "gemma3": pieces.gemma,
    "t5gemma": pieces.t5gemma,
    "umt5": pieces.umt5,
}


def tokenizer_for(wanted: Tokenizer, file: StoredFile) -> Any:
    """The tokenizer of a text encoder in that file.  Raises UnusableWeights where it is nowhere."""
    made = _OURS.get(wanted.bare or wanted.classes[0])
    return made(wanted) if made is not None else _brought(wanted.bare, file)


_OURS: Mapping[str, Callable[[Tokenizer], Any]] = {
    "CLIPTokenizer": lambda wanted: byte_pairs.clip(wanted.padding),
    "T5Tokenizer": lambda _: t5.tokenizer(),
    "ByT5Tokenizer": lambda _: _bytes(),
    "Qwen2Tokenizer": lambda _: byte_pairs.qwen(),
    "tekken": lambda _: byte_pairs.tekken(),
}


def _bytes() -> Any:
    """ByT5's, which has no words."""
    from transformers import ByT5Tokenizer

    return ByT5Tokenizer()


def _brought(kind: str, file: StoredFile) -> Any:
    name = file.path.name
    within = next((key for key in _PIECES if key in file.header.shapes), None)
    if within is not None and (made := _OF_PIECES.get(kind)) is not None:
        return made(read_tensor(file.path, file.header, within, name), name)
    token, number, published = _KNOWN[kind]
    for path in _beside(file.path, kind):
        if path.is_file():
            return _read(path, token, number)
    where = next(_beside(file.path, kind)).name
    raise UnusableWeights(
        name,
        f"its tokenizer is not in it, and may not be handed on with this program: put the "
        f"tokenizer.json of {published} beside it, as {where}",
    )


def _beside(path: Path, kind: str) -> Iterator[Path]:
    yield path.with_name(f"{path.stem}.tokenizer.json")
    yield path.with_name("tokenizer.json")
    if kind in _COMFYUIS:
        for folder in path.parents[:4]:
            yield folder / _COMFYUIS[kind] / "tokenizer.json"


def _read(path: Path, token: str, number: int) -> Any:
    from transformers import PreTrainedTokenizerFast

    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        known = {each["content"]: each["id"] for each in said["added_tokens"]}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BrokenWeights(path.name, f"it is no tokenizer.json: {error}"[:200]) from error
    if known.get(token) != number:
        raise UnusableWeights(path.name, f"the tokenizer of another model: {token} is not {number}")
    special = {each["content"] for each in said["added_tokens"] if each.get("special")}
    usual = {
        "bos_token": ("<bos>", "<|begin_of_text|>"),
        "eos_token": ("<eos>", "<|eot_id|>"),
        "pad_token": ("<pad>", "<|finetune_right_pad_id|>"),
        "unk_token": ("<unk>",),
    }
    named = {key: next((t for t in tokens if t in special), None) for key, tokens in usual.items()}
    return PreTrainedTokenizerFast(tokenizer_file=str(path), **named)
