"""Tokenizers of byte pairs, for files that bring none: Qwen's.

    configs/qwen-pairs.xz    each token behind the 256 bytes, in order: the two that it is made of

The numbers of all first halves come before those of all second ones, three bytes each, the highest
bytes of all before the next: so they take least room.  The invariant: the same text gives the same
ids as the tokenizer that its makers published.
"""

from __future__ import annotations

import lzma
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

CONFIGS = Path(__file__).parents[1] / "configs"

# Behind the pairs, in order.  The second are words of a text, too, when it is decoded.
_QWEN_CONTROLS = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>"),
    *("<|object_ref_end|>", "<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>"),
    *("<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
)
_QWEN_WORDS = (
    *("<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"),
    *("<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>"),
    *("<think>", "</think>"),
)


@cache
def qwen(configs: Path = CONFIGS) -> Any:
    """The tokenizer of Qwen2.5 and Qwen3."""
    from tokenizers import AddedToken
    from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer

    tokens, merges = tokens_of(configs / "qwen-pairs.xz")
    tokens += [*_QWEN_CONTROLS, *_QWEN_WORDS]
    tokenizer = Qwen2Tokenizer(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=merges,
        eos_token="<|im_end|>",
        unk_token=None,
        model_max_length=131072,
        extra_special_tokens=list(_QWEN_CONTROLS),
    )
    tokenizer.add_tokens([AddedToken(word, normalized=False) for word in _QWEN_WORDS])
    return tokenizer


def tokens_of(file: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """The tokens in order, and the pairs that those behind the bytes are made of."""
    numbers = np.frombuffer(lzma.decompress(file.read_bytes()), np.uint8)
    high, middle, low = numbers.reshape(2, 3, -1).astype(np.int32).transpose(1, 0, 2)
    tokens, merges = byte_letters(), []
    for first, second in ((high << 16) + (middle << 8) + low).T.tolist():
        pair = tokens[first], tokens[second]
        merges.append(pair)
        tokens.append("".join(pair))
    return tokens, merges


def byte_letters() -> list[str]:
    """The letter that stands for each byte: itself if it can be seen, else one from 256 up."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    seen += range(ord("®"), ord("ÿ") + 1)
    hidden = [byte for byte in range(256) if byte not in seen]
    return [chr(byte) for byte in seen] + [chr(256 + n) for n in range(len(hidden))]
