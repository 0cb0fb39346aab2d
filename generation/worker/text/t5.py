"""Prompt -> the hidden states of T5's encoder, for every architecture that reads them.

T5 reads sentences: there are no chunks and no weights, but in ComfyUI's syntax, which weighs what
each token says beyond an empty prompt.  A1111's brackets are taken off and their weights left to
encoders that know what to do with them; a BREAK is a blank.  Short prompts are
filled up with padding, which is read like words, as the stock pipelines do; longer ones are read to
their end.  The invariant: a prompt without brackets that fits `least` tokens gives the same bits
as the stock pipelines.
"""

from __future__ import annotations

import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from generation.errors import OutOfRange
from generation.recipe import COMFY, SYNTAXES
from generation.worker import pulse
from generation.worker.text import comfy_syntax
from generation.worker.text.clip import from_empty
from generation.worker.text.emphasis import Span, parse, parse_first

MAX_TOKENS = 4096  # of a prompt: attention takes memory by their square

_CONFIGS = Path(__file__).parents[1] / "configs"
_SENTINELS = 100  # tokens that stand for holes in a text; only training uses them


@dataclass(frozen=True, slots=True, kw_only=True)
class T5:
    """The encoder with its tokenizer."""

    tokenizer: Any  # transformers.T5Tokenizer
    encoder: Any  # transformers.T5EncoderModel


def encode(
    t5: T5, texts: Sequence[str], *, syntax: str, least: int, padding: int | None = None
) -> tuple[Tensor, ...]:
    """Embed each text: (1, tokens, width), all of them as long as the longest, `least` or more.

    With a number of padding tokens no padding is read, and so many are left behind each text.

    Raises OutOfRange for a text that is too long, and for an unknown syntax.
    """
    rows = [_tokens(t5, text, syntax) for text in texts]
    length = max(least, *(len(row) for row, _ in rows))
    if length > MAX_TOKENS:
        raise OutOfRange("prompt", f"{length} tokens of T5", f"at most {MAX_TOKENS} of them long")
    states, empty = [], None
    for row, weights in rows:
        state = _state(t5, row, length, masked=padding is not None)
        if any(weight != 1.0 for weight in weights):
            if empty is None:
                end = [t5.tokenizer.eos_token_id]
                empty = _state(t5, end, length, masked=padding is not None)
            state = from_empty(state, empty, weights)
        states.append(state if padding is None else state[:, : len(row) + padding])
    return tuple(states)


def counted(t5: T5, texts: Sequence[str], *, syntax: str) -> tuple[int, ...]:
    """How many tokens each text is, its end with them.  Raises OutOfRange as `encode` does."""
    return tuple(len(_tokens(t5, text, syntax)[0]) for text in texts)


def _tokens(t5: T5, text: str, syntax: str) -> tuple[list[int], list[float]]:
    """The tokens of a text, its end with them, and the weight of each but the end."""
    if syntax != COMFY:
        row: list[int] = t5.tokenizer(plain(text, syntax), verbose=False).input_ids
        return row, []
    row, weights = [], []
    for span in comfy_syntax.parse(text):
        ids = t5.tokenizer(span.text or "", add_special_tokens=False, verbose=False).input_ids
        row += ids
        weights += [span.weight] * len(ids)
    return [*row, t5.tokenizer.eos_token_id], weights


def _state(t5: T5, row: Sequence[int], length: int, *, masked: bool) -> Tensor:
    """What the encoder says of tokens that are filled up with padding, which is read, or not."""
    pulse.rest()
    filled = [*row, *[t5.tokenizer.pad_token_id] * (length - len(row))]
    ids = torch.tensor([filled], device=t5.encoder.device)
    said = (torch.arange(length, device=ids.device)[None] < len(row)).long()
    state: Tensor = (t5.encoder(ids, attention_mask=said) if masked else t5.encoder(ids))[0]
    return state


def plain(text: str, syntax: str) -> str:
    """The text without what its syntax says of weights.  Raises OutOfRange."""
    match syntax:
        case "a1111-2":
            spans = parse(text)
        case "a1111":
            spans = parse_first(text)
        case "comfy":
            spans = comfy_syntax.parse(text)
        case "plain":
            spans = [Span(text, 1.0)]
        case _:
            raise OutOfRange("syntax", syntax, f"one of {', '.join(SYNTAXES)}")
    return "".join(" " if span.text is None else span.text for span in spans)


@cache
def tokenizer(configs: Path = _CONFIGS) -> Any:
    """T5's tokenizer, from its pieces and their scores, for files that bring none."""
    from transformers.models.t5.tokenization_t5 import T5Tokenizer

    text = lzma.decompress((configs / "t5-pieces.txt.xz").read_bytes()).decode()
    pieces = []
    for line in text.removesuffix("\n").split("\n"):  # a piece may be what else divides lines
        score, _, piece = line.partition(" ")
        pieces.append((piece, float(np.float32(score))))
    pieces += [(f"<extra_id_{n}>", 0.0) for n in reversed(range(_SENTINELS))]
    return T5Tokenizer(
        vocab=pieces,
        _spm_precompiled_charsmap=lzma.decompress((configs / "t5-charsmap.xz").read_bytes()),
        extra_ids=_SENTINELS,
        model_max_length=512,
    )
