"""Tokenizers from the file of their pieces that text encoders' files carry (`spiece_model`).

Such a file is a message of Google's sentencepiece: fields with a number each, of which the first,
many times, is a piece: its text, its score and what kind it is.  Of Gemma's everything else is the
same for each; UMT5's also says how letters are spelled alike before pieces are looked for.  The
invariant: the same text gives the same ids as the published tokenizer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any

from generation.errors import BrokenWeights

_PIECE, _TEXT, _SCORE, _KIND = 1, 1, 2, 3  # numbers of fields
_NORMALIZER, _CHARSMAP = 3, 2
# Kinds: given are those that its makers wrote down themselves.
_USUAL, _UNKNOWN, _CONTROL, _GIVEN, _BYTE = 1, 2, 3, 4, 6


@lru_cache(2)
def t5gemma(pieces: bytes, name: str) -> Any:
    """The same pieces, of an encoder that reads a text without a token before it."""
    return gemma(pieces, name, begun=False)


@lru_cache(2)
def gemma(pieces: bytes, name: str, *, begun: bool = True) -> Any:
    """The tokenizer of these pieces.  Raises BrokenWeights where they are none."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors
    from tokenizers.pre_tokenizers import Split
    from transformers import PreTrainedTokenizerFast

    scores, kinds = _read(pieces, name)
    vocabulary = {text: number for number, text in enumerate(kinds)}
    if not {"<bos>", "<eos>", "<pad>", "<unk>"} <= vocabulary.keys():
        raise BrokenWeights(name, "its spiece_model is not Gemma's")
    tokenizer = Tokenizer(
        models.BPE(
            vocabulary,
            merges_of(scores),
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    begin = "<bos> " if begun else ""
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin}$A",
        pair=f"{begin}$A {begin}$B",
        special_tokens=[("<bos>", vocabulary["<bos>"])],
    )
    tokenizer.add_tokens(
        [
            AddedToken(text, normalized=False, special=kind == _CONTROL)
            for text, kind in kinds.items()
            if kind in (_CONTROL, _GIVEN)
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        pad_token="<pad>",
        model_max_length=8192,
    )


@lru_cache(2)
def umt5(pieces: bytes, name: str) -> Any:
    """The tokenizer of these pieces.  Raises BrokenWeights where they are none."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    scores, kinds = _read(pieces, name)
    special = {what: text for text, what in kinds.items() if what == _UNKNOWN}
    if not {"<pad>", "</s>"} <= scores.keys() or not special:
        raise BrokenWeights(name, "its spiece_model is not UMT5's")
    unknown = special[_UNKNOWN]
    tokenizer = Tokenizer(
        models.Unigram(
            list(scores.items()),
            unk_id=list(scores).index(unknown),
            byte_fallback=_BYTE in kinds.values(),
        )
    )
    if charsmap := _charsmap(pieces):
        tokenizer.normalizer = normalizers.Precompiled(charsmap)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always", split=True),
        ]
    )
    end = ("</s>", list(scores).index("</s>"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["$A", "</s>"], pair=["$A", "</s>", "$B", "</s>"], special_tokens=[end]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="</s>",
        unk_token=unknown,
        pad_token="<pad>",
        model_max_length=512,
    )


def _charsmap(pieces: bytes) -> bytes:
    """How it spells letters alike; nothing where it leaves them as they are."""
    for number, value in _fields(pieces):
        if number == _NORMALIZER and isinstance(value, bytes):
            found = dict(_fields(value)).get(_CHARSMAP, b"")
            return found if isinstance(found, bytes) else b""
    return b""


def merges_of(scores: Mapping[str, float]) -> list[tuple[str, str]]:
    """All pairs of pieces that make another, in the order in which they are made of a text.

    The better piece comes first, and of its pairs the one with the longer beginning.
    """
    numbers = {text: number for number, text in enumerate(scores)}
    found: list[tuple[float, int, int, str, str]] = []
    for text, score in scores.items():
        pairs = ((text[:at], text[at:]) for at in range(1, len(text)))
        able = [(a, b) for a, b in pairs if a in numbers and b in numbers]
        able.sort(key=lambda pair: (numbers[pair[0]], numbers[pair[1]]))
        found += [(-score, -len(a), -len(b), a, b) for a, b in able]
    found.sort(key=itemgetter(0, 1, 2))
    return [(a, b) for *_, a, b in found]


def _read(pieces: bytes, name: str) -> tuple[dict[str, float], dict[str, int]]:
    """The score and the kind of each piece, in order."""
    scores: dict[str, float] = {}
    kinds: dict[str, int] = {}
    try:
        for number, value in _fields(pieces):
            if number == _PIECE and isinstance(value, bytes):
                inner = dict(_fields(value))
                text, score, kind = inner[_TEXT], inner.get(_SCORE, 0.0), inner.get(_KIND, _USUAL)
                if isinstance(text, bytes) and isinstance(score, float) and isinstance(kind, int):
                    scores[text.decode("utf-8")], kinds[text.decode("utf-8")] = score, kind
    except (LookupError, ValueError, struct.error) as error:
        raise BrokenWeights(name, f"its spiece_model is not readable: {error}"[:200]) from error
    return scores, kinds


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes | float]]:
    """The numbers of a message's fields, and their values.  Raises IndexError, ValueError."""
    at = 0
    while at < len(message):
        head, at = _varint(message, at)
        match head & 7:
            case 0:
                value, at = _varint(message, at)
                yield head >> 3, value
            case 2:
                size, at = _varint(message, at)
                if at + size > len(message):
                    raise ValueError("it was cut short")
                yield head >> 3, message[at : at + size]
                at += size
            case 1:
                at += 8
            case 5:
                yield head >> 3, struct.unpack_from("<f", message, at)[0]
                at += 4
            case other:
                raise ValueError(f"a field of the kind {other}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
