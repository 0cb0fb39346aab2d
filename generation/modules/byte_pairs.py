"""Tokenizers of byte pairs, for files that bring none: CLIP's, Qwen's and Mistral's.

    configs/clip-merges.txt.xz    each token behind the letters: the two that it is made of
    configs/*-pairs.xz            the same as numbers, behind the 256 bytes

The numbers of all first halves come before those of the second ones, three bytes each, all highest
bytes before the next: so they take least room.  The invariant: the same text gives the same ids as
the tokenizer that its makers published.
"""

from __future__ import annotations

import lzma
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

CONFIGS = Path(__file__).parents[1] / "worker" / "configs"


@cache
def clip(padding: str, configs: Path = CONFIGS) -> Any:
    """CLIP's tokenizer, from its merges; `padding` fills short prompts."""
    from transformers.models.clip.tokenization_clip import CLIPTokenizer

    text = lzma.decompress((configs / "clip-merges.txt.xz").read_bytes()).decode()
    merges = [tuple(line.split(" ")) for line in text.splitlines()]
    letters = list(byte_letters().values())
    tokens = [*letters, *(letter + "</w>" for letter in letters), *map("".join, merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=merges,
        model_max_length=77,
        pad_token=padding,
    )


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

    tokens, merges = _tokens(configs / "qwen-pairs.xz", list(byte_letters().values()))
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


# Before the pairs; the rest of the thousand have no use.
_TEKKEN_CONTROLS = (
    *("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"),
    *("[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]"),
    *("[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
    "[TOOL_CONTENT]",
)
_TEKKEN_ROOM = 1000
# What is a word: letters by their case, digits one by one, signs with what ends a line behind them.
_TEKKEN_WORDS = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@cache
def tekken(configs: Path = CONFIGS) -> Any:
    """The tokenizer of Mistral Small 3, which begins each text with `<s>`."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = byte_letters()
    bytes_in_order = [letters[byte] for byte in range(256)]
    tokens, merges = _tokens(configs / "tekken-pairs.xz", bytes_in_order)
    others = range(len(_TEKKEN_CONTROLS), _TEKKEN_ROOM)
    controls = [*_TEKKEN_CONTROLS, *(f"<SPECIAL_{number}>" for number in others)]
    vocabulary = {token: number for number, token in enumerate([*controls, *tokens])}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_TEKKEN_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", vocabulary["<s>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        extra_special_tokens=controls,
        model_max_length=131072,
    )


def _tokens(file: Path, letters: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """The tokens in order, bytes first, and the pairs that those behind are made of."""
    numbers = np.frombuffer(lzma.decompress(file.read_bytes()), np.uint8)
    high, middle, low = numbers.reshape(2, 3, -1).astype(np.int32).transpose(1, 0, 2)
    tokens, merges = list(letters), []
    for first, second in ((high << 16) + (middle << 8) + low).T.tolist():
        pair = tokens[first], tokens[second]
        merges.append(pair)
        tokens.append("".join(pair))
    return tokens, merges


def byte_letters() -> dict[int, str]:
    """The letter that stands for each byte: itself if it can be seen, else one from 256 up.

    First come those that can be seen, as CLIP and Qwen count them.
    """
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    seen += range(ord("®"), ord("ÿ") + 1)
    hidden = [byte for byte in range(256) if byte not in seen]
    visible = {byte: chr(byte) for byte in seen}
    return visible | {byte: chr(256 + nth) for nth, byte in enumerate(hidden)}
