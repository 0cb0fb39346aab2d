"""The tokenizer: byte-pair encoding in CLIP's format, learnt from the captions.

Invariant: all 256 bytes are in the vocabulary, alone and at the end of a word, so any text in any
script becomes tokens; ids run bytes, bytes at word ends, merges, start, end, as in CLIP.
"""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from random import Random

from transformers import CLIPTokenizer

from .captions import caption, silence
from .scenes import training_scene

START, END = "<|startoftext|>", "<|endoftext|>"
LENGTH = 77
MERGES = 1200

Word = tuple[str, ...]


def byte_letters() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes, in CLIP's order."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return [chr(b) for b in plain] + [chr(256 + i) for i in range(len(others))]


def _merged(word: Word, pair: tuple[str, str]) -> Word:
    joined: list[str] = []
    i = 0
    while i < len(word):
        if word[i : i + 2] == pair:
            joined.append(word[i] + word[i + 1])
            i += 2
        else:
            joined.append(word[i])
            i += 1
    return tuple(joined)


def learn_merges(words: Counter[str], limit: int) -> list[tuple[str, str]]:
    """The classic greedy merges; ties go to the pair that sorts first, so the result is stable."""
    split = {(*word[:-1], word[-1] + "</w>"): count for word, count in words.items()}
    merges: list[tuple[str, str]] = []
    while len(merges) < limit:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in split.items():
            for pair in pairwise(word):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        split = {_merged(word, best): count for word, count in split.items()}
    return merges


def _plain_tokenizer(merges: list[tuple[str, str]]) -> CLIPTokenizer:
    letters = byte_letters()
    names = [
        *letters,
        *(letter + "</w>" for letter in letters),
        *(a + b for a, b in merges),
        START,
        END,
    ]
    vocab = {name: i for i, name in enumerate(names)}
    return CLIPTokenizer(vocab=vocab, merges=list(merges), model_max_length=LENGTH)


def build_tokenizer(folder: Path, seed: int = 5) -> CLIPTokenizer:
    """The starter's tokenizer, learnt from its captions."""
    dice = Random(seed)
    texts = [caption(training_scene(dice), dice).text for _ in range(30_000)]
    texts += [silence(dice).text for _ in range(3_000)]
    return learn_tokenizer(folder, texts)


def learn_tokenizer(folder: Path, texts: Iterable[str]) -> CLIPTokenizer:
    """Learns the merges from texts and writes the tokenizer folder of a diffusers model."""
    backend = _plain_tokenizer([]).backend_tokenizer
    words: Counter[str] = Counter()
    for text in texts:
        cleaned = backend.normalizer.normalize_str(text)
        words.update(word for word, _ in backend.pre_tokenizer.pre_tokenize_str(cleaned))
    merges = learn_merges(words, MERGES)
    tokenizer = _plain_tokenizer(merges)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    # Readers other than transformers 5 expect CLIP's two original files.
    (folder / "vocab.json").write_text(json.dumps(tokenizer.get_vocab(), ensure_ascii=False) + "\n")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    return tokenizer
